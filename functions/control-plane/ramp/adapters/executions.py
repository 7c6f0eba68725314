"""Executions of the state machine, and the task tokens of those that wait for people."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class Executions:
    """Asks what became of an execution, and ends its waiting."""

    def __init__(self, stepfunctions: "SFNClient") -> None:
        self._sfn = stepfunctions

    @property
    def _gone(self) -> tuple[type[Exception], ...]:
        errors = self._sfn.exceptions
        return errors.TaskTimedOut, errors.TaskDoesNotExist, errors.InvalidToken

    def status(self, execution_arn: str) -> str | None:
        """`RUNNING`, or how it ended; None when Step Functions knows no such execution (any more)."""
        try:
            return self._sfn.describe_execution(executionArn=execution_arn)["status"]
        except self._sfn.exceptions.ExecutionDoesNotExist:
            return None

    def answer(self, token: str, output: Mapping[str, Any]) -> bool:
        """Hand `output` to the state that waits. False when nothing waits on this token any more."""
        try:
            self._sfn.send_task_success(taskToken=token, output=json.dumps(output))
        except self._gone:
            return False
        return True

    def fail(self, token: str, error: str, cause: str) -> bool:
        """End the waiting with an error, which leads to Roll Back. False when nothing waits any more."""
        try:
            self._sfn.send_task_failure(taskToken=token, error=error, cause=cause)
        except self._gone:
            return False
        return True
