"""CloudFormation and CodeDeploy, as Prepare Ramp asks them: a stack that is settled, and no code deploy."""

# ruff: noqa: N803 - arguments are named as AWS names them

from __future__ import annotations

from typing import Any


class CloudFormation:
    """One stack, as it was deployed."""

    def describe_stacks(self, StackName: str) -> Any:
        return {"Stacks": [{"StackName": StackName, "StackStatus": "UPDATE_COMPLETE"}]}

    def describe_stack_resource_drifts(self, StackName: str, **_: Any) -> Any:
        return {"StackResourceDrifts": []}


class CodeDeploy:
    """One deployment group, at rest."""

    def list_deployments(self, **_: Any) -> Any:
        return {"deployments": []}
