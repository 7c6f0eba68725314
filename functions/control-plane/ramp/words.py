"""People's words to a running ramp: a verb for its next look, or the answer to its question.

Used by the command and the page alike. Each word is kept with who, why and when; abort and a no act at once,
which is the brake's (`ramp/net.py`).
"""

from collections.abc import Mapping
from typing import Any

from ramp.adapters.brake import Brake
from ramp.adapters.executions import Executions
from ramp.adapters.table import RampTable
from ramp.core.state import RampState
from ramp.core.verdict import Verb
from ramp.troubles import Troubles

HONOURED = {
    Verb.PAUSE: "nothing goes on from the next look on, while what is wrong still rolls back and the deadline stands",
    Verb.RESUME: "the ramp goes on at its next look",
    Verb.ADVANCE: "the rest of the bake is skipped at the next look, and a proven doubt is asked about all the same",
}


class WordRefusedError(ValueError):
    """The word does not suit what the ramp is doing; the message says why, in a sentence for people."""


def say(
    table: RampTable,
    executions: Executions,
    ramp: str,
    verb: Verb,
    *,
    by: str,
    reason: str,
    via: str,
    now: float,
    step: int | None = None,
) -> str:
    """Pause, resume or advance `ramp`; returns what follows, in a sentence for people.

    `step` is the one that the person saw, counted from nought, None for wherever the ramp is: an advance is meant for
    that one alone, the others for the ramp. `now` in epoch seconds.

    Raises:
        WordRefusedError: the ramp does not run, was aborted, is not paused, or is not at the step to be advanced.
    """
    state = _running(table, ramp)
    if verb is Verb.ADVANCE and step not in {None, state.step}:
        raise WordRefusedError(f"{ramp}: is at {state.current.title}, {_other_step(state, step)}")
    stands = table.command(ramp) or {}
    if verb is Verb.RESUME and stands.get("verb") not in {Verb.PAUSE, Verb.ABORT}:
        raise WordRefusedError(f"{ramp}: is not paused")
    if not table.put_command(ramp, verb, state.step, by, reason, now):
        stands = table.command(ramp) or {}
        raise WordRefusedError(f"{ramp}: was aborted by {stands.get('by')}: {stands.get('reason')}")
    table.put_word(ramp, verb, now, step=state.step, by=by, reason=reason, via=via)
    request = table.request(ramp) or {}
    if verb is Verb.ADVANCE and "token" in request:
        executions.answer(str(request["token"]), {})  # no answer, but a look right now
    return f"{ramp}: {verb} at {state.current.title}, said by {by}: {reason}. So {HONOURED[verb]}."


def answer(
    table: RampTable,
    executions: Executions,
    ramp: str,
    word: str,
    *,
    by: str,
    reason: str,
    via: str,
    now: float,
    request_id: str | None = None,
    brake: Brake | None = None,
) -> bool:
    """Answer the question that `ramp` asks with `approve` or `reject`; returns whether the ramp has it already.

    `request_id` is the question that the person saw, None for the one that stands. An answer that the ramp does not
    have yet is kept, and honoured at its next look. A no pulls the `brake`, where the caller may, and the table says
    first whose answer counts, so that a later one does nothing.

    Raises:
        WordRefusedError: nothing is asked, something else is, or it was answered already.
    """
    request = table.request(ramp) or {}
    asked = str(request.get("request_id", ""))
    if not asked:
        raise WordRefusedError(too_late(ramp, request))
    about = request_id or asked
    if not table.answer(ramp, about, word, by, reason, now):
        raise WordRefusedError(too_late(ramp, table.request(ramp) or {}))
    if word == "reject" and brake is not None:
        with Troubles():  # the brake keeps the word and ends the question; without it the ramp rolls back by itself
            brake.reject(ramp, about, by, reason, via)
            return True
    step = int(request.get("step", 0))
    table.put_word(ramp, word, now, step=step, by=by, reason=reason, via=via, request_id=about)
    return executions.answer(str(request["token"]), {"answer": word, "by": by, "reason": reason})


def _other_step(state: RampState, step: int | None) -> str:
    steps = state.plan.steps
    if step is None or not 0 <= step < len(steps):
        return f"expected one of {len(steps)} steps"
    return f"not at {steps[step].title}"


def _running(table: RampTable, ramp: str) -> RampState:
    found = table.ramp(ramp)
    if found is None:
        raise WordRefusedError(f"{ramp}: is no ramp, or has not been prepared yet")
    if found["status"] != "running":
        raise WordRefusedError(f"{ramp}: runs no more, it is {str(found['status']).replace('_', ' ')}")
    return RampState.from_wire(found["document"])


def too_late(ramp: str, request: Mapping[str, Any]) -> str:
    """Why an answer does not count any more, for people; `request` is the question's record, empty without one."""
    if not request:
        return f"{ramp}: asks nothing at the moment"
    if "answer" not in request:
        return f"{ramp}: does not ask this any more; look again with: ramp status {ramp}"
    return f"{ramp}: was answered already: {request['answer']} by {request['by']}: {request['reason']}"
