"""Drift: whether what guards a ramp is still what the template says, by a comparison that CloudFormation makes now."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ramp.core.judgement import duration

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import (
        DescribeStackDriftDetectionStatusOutputTypeDef,
        StackResourceDriftTypeDef,
    )

# What stops a ramp that goes wrong. An alias that CodeDeploy or a ramp moved is drift too, and as it should be.
# Source: AWS CloudFormation, "Resource type support for imports and drift detection": all of them can be compared.
GUARD_TYPES = frozenset(
    {
        "AWS::CloudWatch::Alarm",
        "AWS::Events::Rule",
        "AWS::Lambda::Permission",
        "AWS::SNS::Subscription",
        "AWS::SNS::Topic",
    }
)
POLLS, POLL_SECONDS = 120, 2.0  # four minutes for some twenty resources: of stacks AWS says "up to several minutes"
COMPLETE, FAILED, SAME = "DETECTION_COMPLETE", "DETECTION_FAILED", "IN_SYNC"


@dataclass(frozen=True)
class Drift:
    """`found` has, by logical id, each guard that differs or was not compared, and how; `unknown` why none was."""

    found: Mapping[str, str] = field(default_factory=dict)
    unknown: str = ""


def detect(cloudformation: "CloudFormationClient", stack: str, sleep: Callable[[float], None]) -> Drift:
    """Compare the guards of a settled stack with its template; takes seconds, four minutes at most.

    A guard that nobody compared is not known to be sound, so it is among what was found. Property paths are told, never
    values, which may be somebody's address.

    Source: AWS CloudFormation API reference, DetectStackDrift (LogicalResourceIds), StackResourceDrift.
    """
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    guards = [each["LogicalResourceId"] for each in resources if each["ResourceType"] in GUARD_TYPES]
    if not guards:
        return Drift()
    detection, unknown = _detection(cloudformation, stack, guards, sleep)
    if detection is None:
        return Drift(unknown=unknown)
    # Of a detection that failed for some, the others' results are told, and older ones of those it failed for.
    since = None if detection["DetectionStatus"] == COMPLETE else detection["Timestamp"]
    drifts = {drift["LogicalResourceId"]: drift for drift in _drifts(cloudformation, stack)}
    compared = {guard: drift for guard, drift in drifts.items() if since is None or drift["Timestamp"] >= since}
    told = {guard: _told(compared.get(guard)) for guard in guards}
    return Drift({guard: what for guard, what in told.items() if what != SAME})


def _detection(
    cloudformation: "CloudFormationClient", stack: str, guards: list[str], sleep: Callable[[float], None]
) -> "tuple[DescribeStackDriftDetectionStatusOutputTypeDef | None, str]":
    """A detection that has ended, the second where the first has failed for some, or why there is none."""
    begun, failed, why = "", None, ""
    for _ in range(POLLS):
        try:
            begun = begun or _begun(cloudformation, stack, guards)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            why = error.response["Error"]["Message"]  # another detection of this stack runs, say
        else:
            detection = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=begun)
            why = detection["DetectionStatus"]
            if why == COMPLETE or (why == FAILED and failed):
                return detection, ""
            if why == FAILED:  # the services that CloudFormation reads throttle it at times
                begun, failed = "", detection
        sleep(POLL_SECONDS)
    return failed, f"no drift detection ended within {duration(POLLS * POLL_SECONDS)}: {why}"


def _begun(cloudformation: "CloudFormationClient", stack: str, guards: list[str]) -> str:
    return cloudformation.detect_stack_drift(StackName=stack, LogicalResourceIds=guards)["StackDriftDetectionId"]


def _drifts(cloudformation: "CloudFormationClient", stack: str) -> "Iterator[StackResourceDriftTypeDef]":
    """Of every resource that was ever compared; botocore has no paginator for these."""
    page = cloudformation.describe_stack_resource_drifts(StackName=stack)
    yield from page["StackResourceDrifts"]
    while token := page.get("NextToken"):
        page = cloudformation.describe_stack_resource_drifts(StackName=stack, NextToken=token)
        yield from page["StackResourceDrifts"]


def _told(drift: "StackResourceDriftTypeDef | None") -> str:
    """`IN_SYNC`, `MODIFIED in /Threshold`, `DELETED`, or that it was not compared, with the reason."""
    if drift is None:
        return "was not compared"
    status = drift["StackResourceDriftStatus"]
    if status == "MODIFIED":
        return f"{status} in {', '.join(each['PropertyPath'] for each in drift.get('PropertyDifferences', ()))}"
    if status in {SAME, "DELETED"}:
        return status
    return f"was not compared: {drift.get('DriftStatusReason', status)}"
