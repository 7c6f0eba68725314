"""People's words to a running ramp: an answer to its question, or abort."""

import json
import time
from typing import TYPE_CHECKING, Any, Literal

from rampctl.exits import USAGE, CommandError, Exit
from rampctl.session import BRAKE

if TYPE_CHECKING:
    from rampctl.session import Session

Word = Literal["approve", "reject"]


def answer(session: "Session", ramp: str, word: Word, by: str, reason: str) -> str:
    """Answer the question that `ramp` asks; returns what became of the answer.

    Raises:
        CommandError: nothing is asked, or it was answered already.
    """
    request = session.table.request(ramp)
    if request is None or "request_id" not in request:
        raise CommandError(f"{ramp}: asks nothing at the moment", USAGE)
    request_id = str(request["request_id"])
    if not session.table.answer(ramp, request_id, word, by, reason, time.time()):
        raise CommandError(_too_late(session, ramp), USAGE)
    output = {"answer": word, "by": by, "reason": reason}
    if session.executions.answer(str(request["token"]), output):
        return f"{ramp}: {word}, said by {by}: {reason}. The ramp has it."
    return f"{ramp}: {word}, said by {by}: {reason}. The answer is kept, and honoured at the next look."


def abort(session: "Session", ramp: str, by: str, reason: str) -> dict[str, Any]:
    """Pull the brake: traffic to zero at once. Returns what the brake says and read back.

    Raises:
        CommandError: the ramp does not run or was promoted (USAGE), or traffic could not be settled (ROLLBACK_FAILED).
    """
    payload = json.dumps({"by": by, "reason": reason, "ramp": ramp})
    called = session.functions.invoke(FunctionName=BRAKE, Payload=payload)
    told: dict[str, Any] = json.load(called["Payload"])
    if "FunctionError" in called:
        why = told.get("errorMessage", called["FunctionError"])
        raise CommandError(
            f"{ramp}: the brake failed, traffic may still be on the candidate: {why}. "
            "Try again; huntaze-cleanup tries too when the execution ends.",
            Exit.ROLLBACK_FAILED,
        )
    if not told["braked"]:
        raise CommandError(f"{ramp}: was not aborted, {told['reason']}", USAGE)
    return told


def _too_late(session: "Session", ramp: str) -> str:
    request = session.table.request(ramp) or {}
    if "answer" not in request:
        return f"{ramp}: does not ask this any more; look again with: ramp status {ramp}"
    return f"{ramp}: was answered already: {request['answer']} by {request['by']}: {request['reason']}"
