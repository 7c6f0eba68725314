"""Whether the guards are the template's, as CloudFormation tells it: found, and never taken for sound unseen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from ramp.adapters.drift import POLL_SECONDS, POLLS, Drift, detect
from ramp.adapters.stack import Stack

NOON, LATER = datetime(2026, 3, 4, 12, tzinfo=UTC), datetime(2026, 3, 4, 12, 1, tzinfo=UTC)
GUARDS = {
    "ErrorRateAlarm": "AWS::CloudWatch::Alarm",
    "AlarmTopic": "AWS::SNS::Topic",
    "BrakeFunctionAlarmPermission": "AWS::Lambda::Permission",
}
RESOURCES = {**GUARDS, "ReadFunctionAliaslive": "AWS::Lambda::Alias"}

pytestmark = pytest.mark.usefixtures("aws")


class Stubbed:
    """CloudFormation, which answers as it is told to, in that order; `slept` has the waits in between."""

    def __init__(self) -> None:
        self.client = boto3.client("cloudformation")
        self.stub = Stubber(self.client)
        self.slept: list[float] = []

    def resources(self, resources: dict[str, str] = RESOURCES) -> None:
        each = {"LastUpdatedTimestamp": NOON, "ResourceStatus": "UPDATE_COMPLETE"}
        summaries = [{"LogicalResourceId": name, "ResourceType": kind, **each} for name, kind in resources.items()]
        self.stub.add_response("list_stack_resources", {"StackResourceSummaries": summaries}, {"StackName": "s"})

    def begins(self) -> None:
        asked = {"StackName": "s", "LogicalResourceIds": list(GUARDS)}
        self.stub.add_response("detect_stack_drift", {"StackDriftDetectionId": "d"}, asked)

    def ends(self, status: str, **more: Any) -> None:
        answer: Any = {"StackId": "s", "StackDriftDetectionId": "d", "DetectionStatus": status, "Timestamp": NOON}
        asked = {"StackDriftDetectionId": "d"}
        self.stub.add_response("describe_stack_drift_detection_status", answer | more, asked)

    def drifts(self, states: dict[str, dict[str, Any]], page: str = "", following: str = "") -> None:
        drifts = [
            {"StackId": "s", "LogicalResourceId": name, "ResourceType": RESOURCES[name], "Timestamp": LATER, **state}
            for name, state in states.items()
        ]
        answer: Any = {"StackResourceDrifts": drifts} | ({"NextToken": following} if following else {})
        asked = {"StackName": "s"} | ({"NextToken": page} if page else {})
        self.stub.add_response("describe_stack_resource_drifts", answer, asked)

    def detect(self) -> Drift:
        return detect(self.client, "s", self.slept.append)


@pytest.fixture
def stubbed() -> Iterator[Stubbed]:
    stubbed = Stubbed()
    with stubbed.stub:
        yield stubbed
        stubbed.stub.assert_no_pending_responses()


def is_(status: str, **more: Any) -> dict[str, Any]:
    return {"StackResourceDriftStatus": status, **more}


ALL_SAME = {guard: is_("IN_SYNC") for guard in GUARDS}
DIFFERENCE = {
    "PropertyPath": "/Threshold",
    "ExpectedValue": "0.02",
    "ActualValue": "9",
    "DifferenceType": "NOT_EQUAL",
}


def test_guards_that_are_the_templates_are_none_to_tell_of(stubbed: Stubbed) -> None:
    """Drift of the alias is none either: ramps and code deploys move it, and nobody asks for it."""
    stubbed.resources()
    stubbed.begins()
    stubbed.ends("DETECTION_COMPLETE")
    stubbed.drifts({**ALL_SAME, "ReadFunctionAliaslive": is_("MODIFIED")})
    assert stubbed.detect() == Drift()
    assert stubbed.slept == []


def test_what_differs_is_told_by_its_path_and_never_by_its_value(stubbed: Stubbed) -> None:
    stubbed.resources()
    stubbed.begins()
    stubbed.ends("DETECTION_IN_PROGRESS")
    stubbed.ends("DETECTION_COMPLETE")
    stubbed.drifts({"ErrorRateAlarm": is_("MODIFIED", PropertyDifferences=[DIFFERENCE])}, following="2")
    stubbed.drifts({"AlarmTopic": is_("DELETED"), "BrakeFunctionAlarmPermission": is_("IN_SYNC")}, page="2")
    assert stubbed.detect() == Drift({"ErrorRateAlarm": "MODIFIED in /Threshold", "AlarmTopic": "DELETED"})
    assert stubbed.slept == [POLL_SECONDS]


def test_a_guard_that_nobody_compared_is_not_taken_for_sound(stubbed: Stubbed) -> None:
    """CloudFormation tells neither of types that it cannot compare nor of resources that it could not read."""
    stubbed.resources()
    stubbed.begins()
    stubbed.ends("DETECTION_COMPLETE")
    states = {
        "ErrorRateAlarm": is_("MODIFIED", PropertyDifferences=[DIFFERENCE]),
        "AlarmTopic": is_("UNKNOWN", DriftStatusReason="no permission"),
    }
    stubbed.drifts(states)
    assert stubbed.detect().found == {
        "ErrorRateAlarm": "MODIFIED in /Threshold",
        "AlarmTopic": "was not compared: no permission",
        "BrakeFunctionAlarmPermission": "was not compared",
    }


def test_what_an_older_detection_found_says_nothing_where_this_one_failed(stubbed: Stubbed) -> None:
    stubbed.resources()
    for _ in range(2):
        stubbed.begins()
        stubbed.ends("DETECTION_FAILED", Timestamp=LATER, DetectionStatusReason="Failed on [AlarmTopic]")
    stubbed.drifts({**ALL_SAME, "AlarmTopic": is_("IN_SYNC", Timestamp=NOON)})
    assert stubbed.detect().found == {"AlarmTopic": "was not compared"}


def test_a_detection_that_failed_is_made_once_more(stubbed: Stubbed) -> None:
    """CloudFormation asks many services at once, and some throttle it."""
    stubbed.resources()
    stubbed.begins()
    stubbed.ends("DETECTION_FAILED", DetectionStatusReason="Rate exceeded")
    stubbed.begins()
    stubbed.ends("DETECTION_COMPLETE")
    stubbed.drifts(ALL_SAME)
    assert stubbed.detect() == Drift()


def test_a_detection_that_another_one_keeps_waiting_is_begun_when_that_has_ended(stubbed: Stubbed) -> None:
    stubbed.resources()
    stubbed.stub.add_client_error("detect_stack_drift", "ValidationError", "Drift detection is already in progress")
    stubbed.begins()
    stubbed.ends("DETECTION_COMPLETE")
    stubbed.drifts(ALL_SAME)
    assert stubbed.detect() == Drift()


def test_a_detection_that_never_begins_or_never_ends_tells_why(stubbed: Stubbed) -> None:
    stubbed.resources()
    for _ in range(POLLS):
        stubbed.stub.add_client_error("detect_stack_drift", "ValidationError", "it is in progress")
    assert stubbed.detect() == Drift(unknown="no drift detection ended within 4 minutes: it is in progress")
    stubbed.resources()
    stubbed.begins()
    for _ in range(POLLS):
        stubbed.ends("DETECTION_IN_PROGRESS")
    assert stubbed.detect().unknown.endswith("DETECTION_IN_PROGRESS")
    assert sum(stubbed.slept) == 2 * POLLS * POLL_SECONDS


def test_what_aws_refuses_is_no_finding_about_the_guards(stubbed: Stubbed) -> None:
    """It is tried again, or told as what it is, like every call of a task."""
    stubbed.resources()
    stubbed.stub.add_client_error("detect_stack_drift", "Throttling", "slowly")
    with pytest.raises(ClientError, match="slowly"):
        stubbed.detect()


def test_a_stack_without_guards_has_nothing_to_compare(stubbed: Stubbed) -> None:
    """AWS would compare the whole stack where no resource is named."""
    stubbed.resources({})
    assert stubbed.detect() == Drift()


def test_a_stack_that_is_being_deployed_is_compared_with_nothing(stubbed: Stubbed) -> None:
    deploying = {"StackName": "s", "CreationTime": NOON, "StackStatus": "UPDATE_IN_PROGRESS"}
    stubbed.stub.add_response("describe_stacks", {"Stacks": [deploying]}, {"StackName": "s"})
    stack = Stack(stubbed.client, boto3.client("codedeploy"), "s", "", "", stubbed.slept.append)
    assert stack.drift() == Drift(unknown="the stack is UPDATE_IN_PROGRESS")
