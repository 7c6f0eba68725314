"""CloudFormation and CodeDeploy, as Prepare Ramp asks them: a stack that is settled, and no code deploy."""

# ruff: noqa: N803 - arguments are named as AWS names them

from __future__ import annotations

from typing import Any

GUARDS = {"ErrorRateAlarm": "AWS::CloudWatch::Alarm", "AlarmTopic": "AWS::SNS::Topic"}


class CloudFormation:
    """One stack, as it was deployed."""

    def describe_stacks(self, StackName: str) -> Any:
        return {"Stacks": [{"StackName": StackName, "StackStatus": "UPDATE_COMPLETE"}]}

    def list_stack_resources(self, StackName: str) -> Any:
        guards = [{"LogicalResourceId": guard, "ResourceType": kind} for guard, kind in GUARDS.items()]
        return {"StackResourceSummaries": guards}

    def detect_stack_drift(self, StackName: str, LogicalResourceIds: list[str]) -> Any:
        return {"StackDriftDetectionId": "detection"}

    def describe_stack_drift_detection_status(self, StackDriftDetectionId: str) -> Any:
        return {"DetectionStatus": "DETECTION_COMPLETE"}

    def describe_stack_resource_drifts(self, StackName: str) -> Any:
        same = {"StackResourceDriftStatus": "IN_SYNC"}
        return {"StackResourceDrifts": [{"LogicalResourceId": guard, **same} for guard in GUARDS]}


class CodeDeploy:
    """One deployment group, at rest."""

    def list_deployments(self, **_: Any) -> Any:
        return {"deployments": []}
