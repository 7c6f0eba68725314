"""The brake and the safety net: neither waits for the state machine."""

from collections.abc import Mapping
from typing import Any

from ramp.core.state import RampState
from ramp.doctor import examine, is_running
from ramp.ending import CLEANER, leave_word, state_of, take_back
from ramp.errors import LeftBehind
from ramp.puller import Puller
from ramp.troubles import Troubles
from ramp.undo import undo
from ramp.world import World

Json = dict[str, Any]
OVER = {"FAILED", "TIMED_OUT", "ABORTED"}


def brake(event: Mapping[str, Any], world: World) -> Json:
    """Traffic to zero at once, whatever the state machine is doing, and word for it to roll back.

    `event` is an alarm, which brakes every ramp that runs, or as `Puller` reads it with an optional `"ramp"` that alone
    is braked. A ramp that has been promoted is not braked: nobody watches its control any more. Where nobody can say
    which ramp runs, a flag is put off by its own document; one flag's trouble is not another's.
    """
    began_at, puller, named = world.now(), Puller.parse(event), event.get("ramp")
    answers: list[Json] = []
    troubles = Troubles()
    for each in world.each():
        with troubles:
            lock = each.table.lock(each.flags.adapter)
            if lock is not None and named in {None, lock.ramp}:
                answers.append(_brake(each, lock.ramp, puller, began_at))
            continue
        with troubles:
            take_back(each, named, puller.by, puller.reason)
    troubles.raised()
    if not answers:
        return {"braked": False, "reason": "no such ramp is running"}
    braked = [answer for answer in answers if answer["braked"]] or answers
    return {**braked[0], "reason": " ".join(answer["reason"] for answer in braked)}


def cleanup(event: Mapping[str, Any], world: World) -> Json:
    """Settle what nobody runs any more, and leave alone what runs or was promoted.

    `event` is EventBridge's status change of an execution, its daily schedule, `{"deadline_of": ramp}`, or of a person:
    `{"examine": true}` to look only, `{"repair": true}` to mend what nobody knows the owner of, too, and
    `{"undo_of": ramp, "by", "reason", "via"}`, see `ramp/undo.py`.
    """
    troubles = Troubles()
    with troubles:
        return undo(event, world) if "undo_of" in event else _cleanup(event, world)
    # Nothing comes behind this net but the daily rule.
    failed = troubles.errors[0]
    may_be = "Traffic may be on the candidate with no ramp to watch it. Look at once: ramp doctor --repair."
    told = f"{failed}. Look when you can: ramp doctor." if isinstance(failed, LeftBehind) else may_be
    world.notices.tell(f"{CLEANER} failed", told)
    raise failed


def _cleanup(event: Mapping[str, Any], world: World) -> Json:
    if (ramp := event.get("deadline_of")) is not None and _may_run(ramp, world):
        over = {"by": "the deadline", "reason": "the ramp's time is over", "via": "deadline", "ramp": ramp}
        return brake(over, world)
    told: list[Json] = []
    troubles = Troubles()
    for finding in examine(world, troubles, _ended_arn(event)):
        told.append({"what": finding.what, "would": finding.would, "done": None})
        if not event.get("examine") and (event.get("repair") or not finding.asks):
            with troubles:
                told[-1]["done"] = finding.mend()
    troubles.raised()
    done = [str(each["done"]) for each in told if each["done"]]
    reason = "; ".join(done) or ("nothing was mended" if told else "nothing is left behind")
    return {"outcome": "settled" if done else "left", "reason": reason, "findings": told}


def _may_run(ramp: str, world: World) -> bool:
    """False only when it is known not to run: its time is over in any case."""
    with Troubles():
        locks = [each.table.lock(each.flags.adapter) for each in world.each()]
        return any(lock and lock.ramp == ramp and is_running(world, lock) for lock in locks)
    return True


def _ended_arn(event: Mapping[str, Any]) -> str:
    """The execution that EventBridge says has ended; empty for any other event."""
    detail = event.get("detail")
    if not isinstance(detail, Mapping) or str(detail.get("status")) not in OVER:
        return ""
    return str(detail.get("executionArn", ""))


def _brake(world: World, ramp: str, puller: Puller, began_at: float) -> Json:
    found = world.table.ramp(ramp)
    state, troubles = state_of(found), Troubles()
    if not _is_promoted(found):
        with troubles:
            leave_word(world, state, ramp, puller.by, puller.reason)
        found = world.table.ramp(ramp)  # anew: a promotion records itself and then looks for the word
    if _is_promoted(found):
        troubles.raised()
        return {"braked": False, "reason": f"{ramp} has been promoted"}
    position = world.traffic.settle(ramp, state.alias_to_restore if state else None)
    safe_at = world.now()
    with troubles:
        _keep_word(world, state, ramp, puller, began_at, safe_at)
    with troubles:
        _end_question(world, ramp, puller)
    since = "the alarm" if puller.alarmed_at else "the word"
    told = puller.said if puller.rejects else f"{puller.by} pulled the brake: {puller.reason}"
    where = f"{position.describe()}; safe {safe_at - (puller.alarmed_at or began_at):.1f} s after {since}"
    world.notices.tell(f"Ramp {ramp}: brake", f"{told}.\n\n{where}.")
    troubles.raised()
    return {"braked": True, "ramp": ramp, "reason": f"{puller.by}: {puller.reason}. {where}."}


def _keep_word(
    world: World, state: RampState | None, ramp: str, puller: Puller, began_at: float, safe_at: float
) -> None:
    times = {"began_at_ms": round(began_at * 1000), "safe_at_ms": round(safe_at * 1000)}
    if puller.alarmed_at is not None:
        times["alarmed_at_ms"] = round(puller.alarmed_at * 1000)
    step = state.step if state else 0
    world.table.put_word(ramp, "reject" if puller.rejects else "abort", began_at, step=step, **puller.word, **times)


def _end_question(world: World, ramp: str, puller: Puller) -> None:
    """The state that waits for an answer goes on to Roll Back, which tells a no with what was asked."""
    request = world.table.request(ramp)
    if request and "token" in request:
        asked = f" ({request['question']})" if puller.rejects and request.get("question") else ""
        world.executions.fail(str(request["token"]), "Aborted", f"{puller.said}{asked}")


def _is_promoted(found: Mapping[str, Any] | None) -> bool:
    return found is not None and found["status"] == "promoted"
