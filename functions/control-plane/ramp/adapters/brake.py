"""Taking everybody back to control, as somebody else's deed: the page calls the functions that may."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class Brake:
    """Calls the brake, and huntaze-cleanup for a ramp that was promoted, and waits for what reads back."""

    def __init__(self, functions: "LambdaClient", brake: str, cleanup: str) -> None:
        self._functions = functions
        self._brake = brake
        self._cleanup = cleanup

    def pull(self, ramp: str, by: str, reason: str, via: str) -> tuple[bool, str]:
        """Abort a running ramp. Whether its traffic reads back at zero, and the sentence of the brake, or why not."""
        return self._call(self._brake, {"ramp": ramp, "by": by, "reason": reason, "via": via}, "braked")

    def reject(self, ramp: str, request_id: str, by: str, reason: str, via: str) -> tuple[bool, str]:
        """Pull it because a person said no to a question, which ends with it; returns as `pull`."""
        no = {"ramp": ramp, "rejects": request_id, "by": by, "reason": reason, "via": via}
        return self._call(self._brake, no, "braked")

    def undo(self, ramp: str, by: str, reason: str, via: str) -> tuple[bool, str]:
        """Take back a promotion. Whether it was undone, and what reads back, or why not."""
        return self._call(self._cleanup, {"undo_of": ramp, "by": by, "reason": reason, "via": via}, "undone")

    def _call(self, function: str, event: Any, done: str) -> tuple[bool, str]:
        called = self._functions.invoke(FunctionName=function, Payload=json.dumps(event))
        told = json.load(called["Payload"])
        if "FunctionError" in called:
            why = told.get("errorMessage", called["FunctionError"])
            return False, f"{function} failed, traffic may still be on the candidate: {why}"
        return bool(told[done]), str(told["reason"])
