"""Embedded metrics become values of every dimension set, once."""

import json
from typing import Any

import pytest
from local_stack.metrics import Datum, EmbeddedMetrics, read_embedded

RECORD: dict[str, Any] = {
    "_aws": {
        "Timestamp": 1_000,
        "CloudWatchMetrics": [
            {
                "Namespace": "N",
                "Dimensions": [["ramp", "arm"], ["arm"]],
                "Metrics": [{"Name": "requests", "Unit": "Count"}],
            }
        ],
    },
    "ramp": "r",
    "arm": "control",
    "requests": [1],
}


def test_a_record_becomes_one_value_for_each_dimension_set() -> None:
    by_ramp = Datum("N", "requests", "Count", (("ramp", "r"), ("arm", "control")), 1_000, 1.0)
    by_arm = Datum("N", "requests", "Count", (("arm", "control"),), 1_000, 1.0)
    assert read_embedded(json.dumps(RECORD)) == [by_ramp, by_arm]


def test_every_value_of_a_list_counts() -> None:
    data = read_embedded(json.dumps({**RECORD, "requests": [1, 0, 1]}))
    assert [datum.value for datum in data if len(datum.dimensions) == 1] == [1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    "line", ["START RequestId: 1", "{}", '{"_aws": 3}', json.dumps({**RECORD, "requests": "many"})]
)
def test_any_other_line_is_no_metric(line: str) -> None:
    assert read_embedded(line) == []


class Logs:
    """One log group that gives the same events whenever asked."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self.events = events

    def describe_log_groups(self, **_: object) -> dict[str, Any]:
        return {"logGroups": [{"logGroupName": "/aws/lambda/f"}]}

    def filter_log_events(self, *, startTime: int, **_: object) -> dict[str, Any]:  # noqa: N803 - boto3's name
        return {"events": [event for event in self.events if event["timestamp"] >= startTime]}


class CloudWatch:
    """Keeps what was put."""

    def __init__(self) -> None:
        self.put: list[dict[str, Any]] = []

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803 - boto3's names
        self.put += [{"Namespace": Namespace, **datum} for datum in MetricData]


def event(stream: str, at_ms: int) -> dict[str, Any]:
    return {"logStreamName": stream, "timestamp": at_ms, "message": json.dumps(RECORD)}


def test_a_line_seen_again_is_not_put_again() -> None:
    logs, cloudwatch = Logs([event("a", 100_000)]), CloudWatch()
    extractor = EmbeddedMetrics(logs, cloudwatch)  # type: ignore[arg-type]  # the two calls of each that it makes
    assert [extractor.relay(now) for now in (100.0, 100.3, 109.9, 200.0)] == [2, 0, 0, 0]
    assert len(cloudwatch.put) == 2


def test_equal_records_of_two_invocations_are_both_put() -> None:
    extractor = EmbeddedMetrics(Logs([event("a", 100_000), event("b", 100_000)]), CloudWatch())  # type: ignore[arg-type]  # as above
    assert extractor.relay(100.0) == 4


def test_a_line_that_is_filed_late_is_still_put() -> None:
    logs = Logs([event("a", 100_000)])
    extractor = EmbeddedMetrics(logs, CloudWatch())  # type: ignore[arg-type]  # as above
    extractor.relay(101.0)
    logs.events.append(event("b", 99_000))
    assert extractor.relay(102.0) == 2
