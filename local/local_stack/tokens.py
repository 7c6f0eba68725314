"""A task that waits for a token fails when its function does; MiniStack waits on.

Source: AWS Step Functions developer guide, "Discover service integration patterns" (the call comes first, and its error
is the task's); "Handling errors".
"""

import threading
from typing import Any

from ministack.services import stepfunctions

_wait_as_shipped = stepfunctions._invoke_with_callback  # noqa: SLF001 - where the error is dropped
_waiting = threading.local()


def wait_for_token(resource: str, input_data: Any, token: str, state: Any) -> Any:
    """Know whose call is made on this thread."""
    _waiting.token = token
    try:
        return _wait_as_shipped(resource, input_data, token, state)
    finally:
        _waiting.token = ""


def install() -> None:
    """Put it in the emulator's way, around whatever else stands there."""
    call = stepfunctions._call_lambda  # noqa: SLF001 - where the error is raised

    def call_lambda(function: str, event: Any) -> Any:
        try:
            return call(function, event)
        except stepfunctions._ExecutionError as error:  # noqa: SLF001 - as above
            waiting = stepfunctions._task_tokens.get(getattr(_waiting, "token", ""))  # noqa: SLF001 - as above
            if waiting is not None:
                waiting["error"] = {"Error": error.error, "Cause": error.cause}
                waiting["event"].set()
            raise

    stepfunctions._invoke_with_callback = wait_for_token  # noqa: SLF001 - as above
    stepfunctions._call_lambda = call_lambda  # noqa: SLF001 - as above
