"""Step Functions as tasks see it: executions with a status, and tokens that are waited on."""

# ruff: noqa: N803 - arguments are named as AWS names them

from __future__ import annotations

import json
from typing import Any

from tests.sweep.memory.errors import refusal


class StepFunctions:
    """`executions` maps ARNs to statuses; a token is in `waiting` until its outcome is known."""

    def __init__(self) -> None:
        self.executions: dict[str, str] = {}
        self.waiting: dict[str, str] = {}
        self.outcomes: dict[str, tuple[str, Any]] = {}

    def describe_execution(self, executionArn: str) -> Any:
        if executionArn not in self.executions:
            raise refusal("stepfunctions", "DescribeExecution", "ExecutionDoesNotExist")
        return {"executionArn": executionArn, "status": self.executions[executionArn]}

    def send_task_success(self, taskToken: str, output: str) -> Any:
        return self._end("SendTaskSuccess", taskToken, ("success", json.loads(output)))

    def send_task_failure(self, taskToken: str, error: str = "", cause: str = "") -> Any:
        return self._end("SendTaskFailure", taskToken, ("failure", {"Error": error, "Cause": cause}))

    def end(self, arn: str, status: str) -> None:
        """The execution has ended; nobody waits on its tokens any more."""
        self.executions[arn] = status
        self.waiting = {token: of for token, of in self.waiting.items() if of != arn}

    def _end(self, operation: str, token: str, outcome: tuple[str, Any]) -> Any:
        if token not in self.waiting:
            raise refusal("stepfunctions", operation, "TaskTimedOut" if token in self.outcomes else "InvalidToken")
        del self.waiting[token]
        self.outcomes[token] = outcome
        return {}
