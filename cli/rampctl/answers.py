"""People's words to a running ramp, as the command says them: a verb, an answer to its question, or abort."""

import json
import time
from typing import TYPE_CHECKING, Any, Literal

from ramp import words
from ramp.adapters.brake import Brake
from ramp.core.verdict import Verb

from rampctl.exits import USAGE, CommandError, Exit
from rampctl.session import BRAKE, CLEANUP

if TYPE_CHECKING:
    from rampctl.session import Session

Word = Literal["approve", "reject"]


def answer(session: "Session", ramp: str, word: Word, by: str, reason: str, question: str | None = None) -> str:
    """Answer `question`, None for the one that `ramp` asks; returns what became of the answer.

    Raises:
        CommandError: nothing is asked, or something else, or it was answered already.
    """
    said = {"by": by, "reason": reason, "via": "cli"}
    table, executions = session.table, session.executions
    brake = Brake(session.functions, BRAKE, CLEANUP) if word == "reject" else None
    try:
        arrived = words.answer(table, executions, ramp, word, **said, now=time.time(), request_id=question, brake=brake)
    except words.WordRefusedError as refused:
        raise CommandError(str(refused), USAGE) from None
    became = "The ramp has it." if arrived else "The answer is kept, and honoured at the next look."
    return f"{ramp}: {word}, said by {by}: {reason}. {became}"


def say(
    session: "Session",
    ramp: str,
    verb: Literal["pause", "resume", "advance"],
    by: str,
    reason: str,
    step_number: int | None = None,
) -> str:
    """Pause, resume or advance `ramp`; returns what follows. `step_number`: the step to advance, the first one is 1.

    Raises:
        CommandError: the ramp does not run, was aborted, is not paused, or is not at that step.
    """
    said: dict[str, Any] = {"by": by, "reason": reason, "via": "cli", "now": time.time()}
    step = None if step_number is None else step_number - 1
    try:
        return words.say(session.table, session.executions, ramp, Verb(verb), **said, step=step)
    except words.WordRefusedError as refused:
        raise CommandError(str(refused), USAGE) from None


def abort(session: "Session", ramp: str, by: str, reason: str) -> dict[str, Any]:
    """Pull the brake: traffic to zero at once. Returns what the brake says and read back.

    Raises:
        CommandError: the ramp does not run or was promoted (USAGE), or traffic could not be settled (ROLLBACK_FAILED).
    """
    payload = json.dumps({"by": by, "reason": reason, "via": "cli", "ramp": ramp})
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
