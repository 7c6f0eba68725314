"""The local evaluator judges the template's alarms as CloudWatch would, and refuses what it does not know."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_stack.alarms import Alarm, AlarmDefinitionError, evaluate, read_alarm, state

from tests.template.document import of_type

RATE = "errors / FILL(requests, 1)"
ALARM = Alarm(name="rate", expression=RATE, threshold=0.02, periods=5, datapoints=3, metrics=())


def definition(**changes: Any) -> dict[str, Any]:
    def metric(name: str) -> dict[str, Any]:
        where = {"Namespace": "N", "MetricName": name, "Dimensions": [{"Name": "f", "Value": "read:live"}]}
        return {"Id": name, "ReturnData": False, "MetricStat": {"Period": 60, "Stat": "Sum", "Metric": where}}

    return {
        "AlarmName": "rate",
        "Metrics": [{"Id": "rate", "Expression": RATE}, metric("errors"), metric("requests")],
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0.02,
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 3,
        "TreatMissingData": "notBreaching",
        **changes,
    }


def test_a_rate_is_errors_over_requests() -> None:
    assert evaluate(RATE, {"errors": 3.0, "requests": 100.0}) == pytest.approx(0.03)


def test_a_missing_metric_makes_the_datapoint_missing() -> None:
    assert evaluate(RATE, {"errors": None, "requests": 100.0}) is None


def test_a_missing_metric_inside_fill_is_filled() -> None:
    assert evaluate(RATE, {"errors": 3.0, "requests": None}) == 3.0


def test_a_division_by_zero_makes_the_datapoint_missing() -> None:
    assert evaluate("errors / requests", {"errors": 0.0, "requests": 0.0}) is None


@pytest.mark.parametrize(
    "expression", ["SUM(METRICS())", "errors > 1", "-errors", "unknown * 2", "FILL(errors, REPEAT)"]
)
def test_an_unknown_form_is_refused_by_name(expression: str) -> None:
    with pytest.raises(AlarmDefinitionError, match="Expression: not supported"):
        evaluate(expression, {"errors": 1.0})


def test_three_breaching_of_five_are_an_alarm() -> None:
    assert state(ALARM, [0.5, None, 0.5, 0.0, 0.5]) == "ALARM"


def test_two_breaching_of_five_are_not() -> None:
    assert state(ALARM, [0.5, None, 0.5, 0.0, None]) == "OK"


def test_a_rate_on_the_threshold_is_not_above_it() -> None:
    assert state(ALARM, [0.02] * 5) == "OK"


@given(st.lists(st.none() | st.floats(0, 0.02), max_size=8), st.integers(0, 2))
def test_older_datapoints_than_the_periods_never_count(quiet: list[float | None], loud: int) -> None:
    padded = [None] * 5 + quiet
    assert state(ALARM, [1.0] * 10 + padded + [1.0] * loud) == "OK"


def test_a_definition_is_read_with_its_dimensions() -> None:
    alarm = read_alarm(definition())
    assert (alarm.name, alarm.threshold, alarm.periods, alarm.datapoints) == ("rate", 0.02, 5, 3)
    assert [metric.dimensions for metric in alarm.metrics] == [(("f", "read:live"),)] * 2


@pytest.mark.parametrize(
    "changes",
    [
        {"ComparisonOperator": "LessThanThreshold"},
        {"TreatMissingData": "breaching"},
        {"Metrics": [{"Id": "rate", "Expression": "RATE(errors)"}]},
    ],
)
def test_what_cannot_be_judged_exactly_is_refused_when_read(changes: dict[str, Any]) -> None:
    with pytest.raises(AlarmDefinitionError):
        read_alarm(definition(**changes))


@pytest.mark.parametrize(("errors", "breaches"), [(1.0, False), (2.0, False), (3.0, True)])
def test_the_candidates_alarm_forgives_two_failures_a_minute(errors: float, breaches: bool) -> None:
    """At thirty requests a minute one failure is 3 %, and no reason to take everybody back."""
    point = evaluate("(errors - 2) / FILL(requests, 1)", {"errors": errors, "requests": 30.0})
    assert point is not None
    assert (point > 0.02) is breaches


@pytest.mark.parametrize("alarm", [alarm for alarm in of_type("AWS::CloudWatch::Alarm").values() if "Metrics" in alarm])
def test_every_alarm_over_metric_math_of_the_template_can_be_judged(alarm: dict[str, Any]) -> None:
    assert read_alarm(alarm).metrics
