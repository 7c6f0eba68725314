"""People's words to a ramp, as the command says them: a verb, an answer to its question, abort, or undo."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from ramp import words
from ramp.adapters.brake import Brake, NotTakenBack, Unsettled
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
    brake = brake_of(session) if word == "reject" else None
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


def abort(session: "Session", ramp: str, by: str, reason: str) -> str:
    """Pull the brake: traffic to zero at once. Returns by whom and why, and what reads back.

    Raises:
        CommandError: the ramp does not run or was promoted (USAGE), or traffic could not be settled (ROLLBACK_FAILED).
    """
    with _taking_back(ramp, f"{ramp}: was not aborted, "):
        return brake_of(session).pull(ramp, by, reason, "cli")


def undo(session: "Session", ramp: str, by: str, reason: str) -> str:
    """Take a promotion back; returns what reads back.

    Raises:
        CommandError: it may not be undone (USAGE), or traffic could not be settled (ROLLBACK_FAILED).
    """
    with _taking_back(ramp, ""):
        return brake_of(session).undo(ramp, by, reason, "cli")


def brake_of(session: "Session") -> Brake:
    """The brake of the deployed stack."""
    return Brake(session.functions, BRAKE, CLEANUP)


@contextmanager
def _taking_back(ramp: str, nothing_done: str) -> Iterator[None]:
    try:
        yield
    except Unsettled as failed:
        again = "Try again; ramp doctor says what is left."
        raise CommandError(f"{ramp}: {failed}. {again}", Exit.ROLLBACK_FAILED) from None
    except NotTakenBack as refused:
        raise CommandError(f"{nothing_done}{refused}", USAGE) from None
