"""Taking everybody back to control, as somebody else's deed: command and page call the functions that may."""

from typing import TYPE_CHECKING, Any

from ramp.adapters.functions import FunctionFailed, call

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class NotTakenBack(Exception):  # noqa: N818  # an answer, told to people as it is
    """Nothing was done, and the message says why: no such ramp runs, say, or its time to be undone is over."""


class Unsettled(NotTakenBack):
    """The function broke off, so traffic may still be on the candidate."""


class Brake:
    """Calls the brake, and huntaze-cleanup for a ramp that was promoted, and waits for what reads back.

    Each deed returns a sentence for people, and raises NotTakenBack, or Unsettled, where it is not done.
    """

    def __init__(self, functions: "LambdaClient", brake: str, cleanup: str) -> None:
        self._functions = functions
        self._brake = brake
        self._cleanup = cleanup

    def pull(self, ramp: str, by: str, reason: str, via: str) -> str:
        """Abort a running ramp; its traffic reads back at zero."""
        return self._done(self._brake, {"ramp": ramp, "by": by, "reason": reason, "via": via}, "braked")

    def reject(self, ramp: str, request_id: str, by: str, reason: str, via: str) -> str:
        """Pull it because a person said no to a question, which ends with it."""
        no = {"ramp": ramp, "rejects": request_id, "by": by, "reason": reason, "via": via}
        return self._done(self._brake, no, "braked")

    def undo(self, ramp: str, by: str, reason: str, via: str) -> str:
        """Take back a promotion."""
        return self._done(self._cleanup, {"undo_of": ramp, "by": by, "reason": reason, "via": via}, "undone")

    def _done(self, function: str, event: dict[str, Any], done: str) -> str:
        try:
            told = self._call(function, event)
        except FunctionFailed as failed:
            raise Unsettled(f"{function} failed, traffic may still be on the candidate: {failed}") from failed
        if not told[done]:
            raise NotTakenBack(str(told["reason"]))
        return str(told["reason"])

    def _call(self, function: str, event: dict[str, Any]) -> Any:
        return call(self._functions, function, event)
