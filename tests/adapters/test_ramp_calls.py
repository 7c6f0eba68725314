"""What the ramp's adapters ask of AWS beyond the contract they share with the fakes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from ramp.adapters.alias_lever import AliasLever
from ramp.adapters.deadline import Deadline
from ramp.adapters.metrics import COUNTS, NAMESPACE, Metrics
from ramp.adapters.notices import Notices
from ramp.core.evidence import ArmCounts
from ramp.core.plan import EvidenceSettings
from ramp.errors import AwsUnavailable, TrafficMoved, TrafficNotShifted

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC).timestamp()
EVERY_MINUTE = EvidenceSettings(period_seconds=60, delay_seconds=60, settle_seconds=900)


pytestmark = pytest.mark.usefixtures("aws")


def emit(arm: str, at: float, ramp: str = "ramp-1", step: str = "1", **values: float) -> None:
    """One record as the read path's EMF becomes it in CloudWatch."""
    dimensions = [{"Name": name, "Value": value} for name, value in (("ramp", ramp), ("step", step), ("arm", arm))]
    boto3.client("cloudwatch").put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": keys,  # type: ignore[typeddict-item]  # a list of two strings each
                "Timestamp": datetime.fromtimestamp(at, UTC),
                "Value": value,
            }
            for name, value in values.items()
            for keys in (dimensions, dimensions[-1:])
        ],
    )


def metrics(*alarms: str) -> Metrics:
    """The adapter on moto."""
    return Metrics(boto3.client("cloudwatch"), alarms)


def test_evidence_counts_this_ramp_and_step_only() -> None:
    """Another ramp, another step, another arm: nothing of them is counted."""
    for second in range(3):
        emit("candidate", NOON + second, requests=1, errors=second == 0)
    emit("candidate", NOON, ramp="ramp-2", requests=1)
    emit("candidate", NOON, step="0", requests=1)
    emit("control", NOON, requests=1)
    found = metrics().evidence("ramp-1", 1, NOON, NOON + 300, EVERY_MINUTE)
    assert (found.candidate.requests, found.candidate.errors, found.control.requests) == (3, 1, 1)
    assert found.shadow == ArmCounts()


def test_nothing_measured_is_nothing_and_not_zero_milliseconds() -> None:
    """No data gives counts of zero and no percentile."""
    found = metrics().evidence("ramp-1", 1, NOON, NOON + 300, EVERY_MINUTE)
    assert found.candidate == ArmCounts(p95_ms=None)


def test_misrouted_requests_of_both_arms_are_counted_and_no_datapoint_is_no_count() -> None:
    """Functions of an older version emit none, and nought of them would claim that somebody looked."""
    emit("control", NOON, requests=1)
    assert metrics().evidence("ramp-1", 1, NOON, NOON + 300, EVERY_MINUTE).misrouted is None
    emit("control", NOON, misrouted=1)
    emit("candidate", NOON, requests=1, misrouted=0)
    found = metrics().evidence("ramp-1", 1, NOON, NOON + 300, EVERY_MINUTE)
    assert (found.control.misrouted, found.candidate.misrouted, found.misrouted) == (1, 0, 1)
    assert [bucket.misrouted for bucket in found.buckets] == [1]


def test_every_look_reads_the_whole_step_again() -> None:
    """What came late counts in the next look."""
    emit("shadow", NOON, requests=1)
    assert metrics().evidence("ramp-1", 1, NOON, NOON + 300, EVERY_MINUTE).shadow.requests == 1
    emit("shadow", NOON + 1, requests=1)
    assert metrics().evidence("ramp-1", 1, NOON, NOON + 600, EVERY_MINUTE).shadow.requests == 2


def test_periods_that_are_not_complete_do_not_count_yet() -> None:
    """A minute is judged when it is over and `delay_seconds` old."""
    emit("candidate", NOON, requests=1)
    emit("candidate", NOON + 120, requests=1)
    found = metrics().evidence("ramp-1", 1, NOON, NOON + 179, EVERY_MINUTE)
    assert found.candidate.requests == 1
    assert found.until == NOON + 60


def test_the_day_with_the_most_requests_speaks_for_the_latency() -> None:
    """Percentiles cannot be added up."""
    stubbed = boto3.client("cloudwatch")
    with Stubber(stubbed) as stub:
        stub.add_response("get_metric_data", {"MetricDataResults": _results("candidate", [3, 90], [500, 20])})
        found = Metrics(stubbed, ()).evidence("ramp-1", 1, NOON, NOON + 2 * 86_400, EVERY_MINUTE)
    assert found.candidate.p95_ms == 20


def _results(arm: str, samples: list[float], p95s: list[float]) -> list[Any]:
    """Answers to the queries in the order in which they are asked."""
    asked = [(of, metric) for of in COUNTS for metric in COUNTS[of]]
    asked += [(of, stat) for of in COUNTS for stat in ("p95", "SampleCount")]
    series = {(arm, "p95"): p95s, (arm, "SampleCount"): samples}
    values = [series.get(query, []) for query in asked]
    days = [[datetime.fromtimestamp(NOON + day * 86_400, UTC) for day in range(len(found))] for found in values]
    return [{"Id": f"q{i}", "Timestamps": days[i], "Values": found} for i, found in enumerate(values)]


def test_a_step_that_is_older_than_cloudwatch_keeps_minutes_is_read_as_far_back_as_it_does() -> None:
    """A question or a pause may hold a step for a month; asked further back than 15 days, CloudWatch gives nothing."""
    stubbed = boto3.client("cloudwatch")
    asked: list[datetime] = []
    stubbed.meta.events.register(
        "provide-client-params.cloudwatch.GetMetricData", lambda params, **_: asked.append(params["StartTime"])
    )
    now = NOON + 30 * 86_400
    with Stubber(stubbed) as stub:
        for _ in range(2):
            stub.add_response("get_metric_data", {"MetricDataResults": _results("candidate", [], [])})
        Metrics(stubbed, ()).evidence("ramp-1", 1, NOON, now, EVERY_MINUTE)
        Metrics(stubbed, ()).evidence("ramp-1", 1, now - 86_400, now, EVERY_MINUTE)
        stub.add_response("get_metric_data", {"MetricDataResults": _results("candidate", [], [])})
        short = replace(EVERY_MINUTE, period_seconds=10)
        Metrics(stubbed, ()).evidence("ramp-1", 1, now - 3 * 3_600, now, short)
    assert [(now - start.timestamp()) / 86_400 for start in asked] == [14.0, 1 + 300 / 86_400, 3 / 24]


def test_history_holds_the_candidates_requests_beside_control() -> None:
    """Whoever served: the traffic is both, the rate and the minimum of requests are control's alone."""
    emit("control", NOON, ramp="none", step="none", requests=1)
    emit("candidate", NOON, ramp="none", step="none", requests=1)
    emit("candidate", NOON + 60, ramp="none", step="none", requests=1)
    history = metrics().history(NOON + 600)
    assert [(b.control_requests, b.candidate_requests) for b in history.buckets] == [(1, 1), (0, 1)]
    assert history.requests == 1


def test_alarms_are_told_by_name_and_a_missing_one_is_missing() -> None:
    """A guard that does not exist guards nothing, and says so."""
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName="there", ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1, Threshold=1, MetricName="m"
    )
    boto3.client("cloudwatch").set_alarm_state(AlarmName="there", StateValue="ALARM", StateReason="test")
    assert metrics("there", "gone").alarms() == {"there": "ALARM", "gone": "MISSING"}
    assert metrics().alarms() == {}


def test_a_deadline_calls_the_clean_up_once_at_its_second_and_is_gone() -> None:
    """UTC, no window, deleted after it fired."""
    scheduler = boto3.client("scheduler")
    scheduler.create_schedule_group(Name="deadlines")
    role = "arn:aws:iam::123456789012:role/deadline"
    deadline = Deadline(scheduler, "deadlines", role, "arn:aws:lambda:us-east-1:123456789012:function:huntaze-cleanup")
    deadline.set("ramp-1", NOON)
    schedule = scheduler.get_schedule(Name="ramp-1", GroupName="deadlines")
    assert schedule["ScheduleExpression"] == "at(2026-03-04T12:00:00)"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["ActionAfterCompletion"] == "DELETE"
    assert schedule["Target"]["RoleArn"] == role
    assert json.loads(schedule["Target"]["Input"]) == {"deadline_of": "ramp-1"}
    deadline.remove("ramp-1")
    assert scheduler.list_schedules(GroupName="deadlines")["Schedules"] == []


def test_ramps_with_long_names_have_deadlines_of_their_own() -> None:
    """Scheduler takes 64 characters, Step Functions 80."""
    scheduler = boto3.client("scheduler")
    scheduler.create_schedule_group(Name="deadlines")
    deadline = Deadline(scheduler, "deadlines", f"arn:aws:iam::{1:012}:role/r", "arn:aws:lambda:f")
    for last in "ab":
        deadline.set("r" * 79 + last, NOON)
    assert len(scheduler.list_schedules(GroupName="deadlines")["Schedules"]) == 2
    deadline.remove("r" * 79 + "a")
    assert len(scheduler.list_schedules(GroupName="deadlines")["Schedules"]) == 1


def test_a_notice_reaches_the_topic_with_a_subject_that_sns_takes() -> None:
    """ASCII, one line, a hundred characters at most."""
    topic = boto3.client("sns").create_topic(Name="notices")["TopicArn"]
    queue = boto3.client("sqs").create_queue(QueueName="people")["QueueUrl"]
    queue_arn = "arn:aws:sqs:us-east-1:123456789012:people"
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    Notices(boto3.client("sns"), topic).tell("Ramp é\nasks " + "x" * 200, "5 % of users")
    body = json.loads(boto3.client("sqs").receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    assert body["Message"] == "5 % of users"
    assert body["Subject"] == ("Ramp ? asks " + "x" * 200)[:99]


def test_a_notice_that_cannot_be_sent_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A topic that is gone is logged."""
    Notices(boto3.client("sns"), "arn:aws:sns:us-east-1:123456789012:gone").tell("subject", "message")
    assert "[ERROR] a notice was not sent" in caplog.text


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("PreconditionFailedException", "changed while it was being moved"),
        ("ResourceConflictException", "another change of the function is in progress"),
    ],
)
def test_an_alias_that_somebody_else_moves_meanwhile_is_tried_again(code: str, said: str) -> None:
    """The revision guards the move, and Lambda makes one change of a function at a time."""
    functions = boto3.client("lambda")
    here = {"FunctionVersion": "1", "RevisionId": "a"}
    expected = {
        "FunctionName": "read",
        "Name": "live",
        "FunctionVersion": "2",
        "RoutingConfig": {"AdditionalVersionWeights": {}},
        "RevisionId": "a",
    }
    alias = AliasLever(functions, "read", "live")
    with Stubber(functions) as stub:
        stub.add_response("get_alias", here, {"FunctionName": "read", "Name": "live"})
        stub.add_client_error("update_alias", code, expected_params=expected)
        with pytest.raises(TrafficNotShifted, match=said):
            alias.put("2", {})


def test_an_alias_that_does_not_read_back_is_tried_again() -> None:
    """Set, then verify."""
    functions = boto3.client("lambda")
    here = {"FunctionVersion": "1", "RevisionId": "a"}
    alias = AliasLever(functions, "read", "live")
    with Stubber(functions) as stub:
        stub.add_response("get_alias", here)
        stub.add_response("update_alias", {})
        stub.add_response("get_alias", here, {"FunctionName": "read", "Name": ANY})
        with pytest.raises(TrafficNotShifted, match="does not read back"):
            alias.put("2", {})


def test_a_move_of_the_alias_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """For the saved query huntaze/flag-changes."""
    functions = boto3.client("lambda")
    after = {"FunctionVersion": "1", "RevisionId": "b", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}}}
    with Stubber(functions) as stub:
        stub.add_response("get_alias", {"FunctionVersion": "1", "RevisionId": "a"})
        stub.add_response("update_alias", {})
        stub.add_response("get_alias", after)
        AliasLever(functions, "read", "live").put("1", {"2": 100_000})
    (said,) = [record for record in caplog.records if record.message == "alias changed"]
    assert vars(said)["users_after"] == "10 % to version 2, the rest to 1"


def test_an_alias_is_moved_only_past_its_fence_with_the_revision_read_before() -> None:
    """A brake between the two is a conflict, one before them a refusal; nothing is sent here but the reading."""
    functions = boto3.client("lambda")

    def fence() -> None:
        raise TrafficMoved("aborted")

    with Stubber(functions) as stub:
        stub.add_response("get_alias", {"FunctionVersion": "1", "RevisionId": "a"})
        with pytest.raises(TrafficMoved):
            AliasLever(functions, "read", "live").put("2", {}, fence)


def test_an_alias_without_its_version_is_no_answer() -> None:
    """An empty one would be restored at the end."""
    functions = boto3.client("lambda")
    with Stubber(functions) as stub:
        stub.add_response("get_alias", {"RevisionId": "a"})
        with pytest.raises(TrafficNotShifted, match="got no FunctionVersion"):
            AliasLever(functions, "read", "live").read()


QUERIES = sum(map(len, COUNTS.values())) + 2 * len(COUNTS)  # each arm's counts, its p95 and the samples of it


def test_a_series_that_does_not_come_is_no_series_of_zeros() -> None:
    """Nor is one that came in part: both are read again."""
    stubbed = boto3.client("cloudwatch")
    whole: list[Any] = [{"Id": f"q{index}", "Timestamps": [], "Values": []} for index in range(QUERIES)]
    for odd, said in (
        (whole[1:], "1 missing"),
        ([*whole[1:], {**whole[0], "StatusCode": "PartialData"}], "q0 Partial"),
    ):
        with Stubber(stubbed) as stub:
            stub.add_response("get_metric_data", {"MetricDataResults": odd})
            with pytest.raises(AwsUnavailable, match=said):
                Metrics(stubbed, ()).evidence("ramp-1", 1, NOON, NOON + 600, EVERY_MINUTE)


def test_evidence_of_many_days_is_read_page_by_page() -> None:
    """A month of minutes is more than one answer holds."""
    stubbed = boto3.client("cloudwatch")

    def page(*minutes: int) -> list[Any]:
        starts = [datetime.fromtimestamp(NOON + 60 * minute, UTC) for minute in minutes]
        return [{"Id": "q0", "Timestamps": starts, "Values": [1.0, 2.0]}]

    with Stubber(stubbed) as stub:
        stub.add_response("get_metric_data", {"MetricDataResults": page(0, 1), "NextToken": "more"})
        empty: list[Any] = [{"Id": f"q{index}", "Timestamps": [], "Values": []} for index in range(1, QUERIES)]
        stub.add_response("get_metric_data", {"MetricDataResults": page(2, 3) + empty})
        found = Metrics(stubbed, ()).evidence("ramp-1", 1, NOON, NOON + 14 * 86_400, EVERY_MINUTE)
    assert found.control.requests == 6
    assert [bucket.control_requests for bucket in found.buckets] == [1, 2, 1, 2]
