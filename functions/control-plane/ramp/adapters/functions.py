"""A function called by name, whose answer is waited for."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class FunctionFailed(Exception):  # noqa: N818  # what the function did, not what the call was
    """The function broke off; the message is its error's, and `kind` the error's class."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


def call(functions: "LambdaClient", name: str, event: Mapping[str, Any]) -> Any:
    """What the function makes of `event`.

    Raises:
        FunctionFailed: it raised an error, or its time was over.
    """
    called = functions.invoke(FunctionName=name, Payload=json.dumps(event))
    answer = json.load(called["Payload"])
    if "FunctionError" in called:
        why = str(answer.get("errorMessage", called["FunctionError"]))
        raise FunctionFailed(why, str(answer.get("errorType", "no type")))
    return answer
