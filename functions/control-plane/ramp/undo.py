"""The way back after a promotion: a person's own deed, by huntaze-cleanup, for as long as the ramp's plan allows."""

from collections.abc import Mapping
from typing import Any

from ramp.adapters.table import Lock
from ramp.core.flag_document import OFF
from ramp.core.state import RampState
from ramp.doctor import is_running
from ramp.ending import CLEANING_SECONDS, cleaner, is_cleaners, roll_back, settle, state_of
from ramp.errors import LeftBehind
from ramp.puller import Puller
from ramp.traffic import Position
from ramp.troubles import Troubles
from ramp.world import World

Json = dict[str, Any]
BY_HAND = "to go back all the same, switch the flag off in AppConfig"


def undo(event: Mapping[str, Any], world: World) -> Json:
    """Everybody back on control after a promotion, within the plan's time; idempotent.

    Returns `{"undone": bool, "reason": …}`; when it may not, the reason says what to do instead. Once traffic reads
    back, the promotion is undone, and what could not be removed besides is told in the reason.
    """
    ramp, now = str(event["undo_of"]), world.now()
    found = world.table.ramp(ramp)
    state = state_of(found)
    each = world.of_ramp(state) if state else None
    if found is None or state is None or each is None:
        return _not_undone(f"{ramp}: has no record (any more); {BY_HAND}")
    lock = each.table.lock(state.plan.flag)
    if found["status"] == "undone" and (lock is None or lock.ramp != ramp):
        return _undone(f"{ramp} is undone already: {found['reason']}")
    if why_not := _why_not(state, found, lock, each):
        return _not_undone(f"{ramp}: {why_not}")
    mine = Lock(ramp, cleaner(world))
    while (lock := each.table.acquire(state.plan.flag, mine, now, CLEANING_SECONDS, dead=lock)) is not None:
        if not is_cleaners(lock):  # users wait for no clean-up
            return _not_undone(f"{ramp}: another ramp has just started on {state.plan.flag}")
    puller = Puller.parse(event)
    settle(each, None, ramp, puller.by, puller.reason)  # the flag first: nothing hangs on the alias any more
    troubles = Troubles()
    with troubles:
        each.table.put_word(ramp, "undo", now, step=state.step, **puller.word)
    where = _rolled_back(each, state, puller, mine)
    unkept = f"; the word of it is not kept: {troubles.errors[0]}" if troubles.errors else ""
    reason = f"{puller.by} undid the promotion of {ramp}: {where}{unkept}."
    world.notices.tell(f"Ramp {ramp} undone", reason)
    return _undone(reason)


def _rolled_back(world: World, state: RampState, puller: Puller, mine: Lock) -> str:
    """Why, where traffic reads back, and what is left, which the next clean-up removes."""
    try:
        position = roll_back(world, state, puller.by, puller.reason, "undone", mine)
    except LeftBehind as left:
        return f"{left}. Remove it with: ramp doctor --repair"
    return f"{puller.reason}. {_told(state, position)}"


def _told(state: RampState, position: Position) -> str:
    """What reads back, and why the alias is left where it is when code was deployed since the promotion."""
    back = state.alias_to_restore
    if back is None or position.alias.version == back.version:
        return position.describe()
    return f"{position.describe()}, where a later deploy put it, so it is left; with the flag off it serves control"


def _why_not(state: RampState, found: Mapping[str, Any], lock: Lock | None, world: World) -> str:
    """Why a promotion cannot be undone, and what to do instead; empty when it can."""
    flag = state.plan.flag
    if found["status"] not in {"promoted", "undone"}:
        return f"was not promoted, it is {str(found['status']).replace('_', ' ')}"
    age_seconds = world.now() - float(found["ended_at"])
    if age_seconds > state.plan.undo_seconds:
        late = f"was promoted {age_seconds:.0f} s ago, and its plan allows {state.plan.undo_seconds} s (undo_seconds)"
        return f"{late}, since control may have fallen behind; {BY_HAND}"
    if lock is not None and is_running(world, lock):
        is_own = lock.ramp == state.ramp
        return "is being cleaned up, try again in a minute" if is_own else f"{lock.ramp} runs on {flag}, abort that"
    position = world.traffic.read()
    if position.setting != OFF and position.ramp != state.ramp:
        return f"{flag} was set by {position.ramp} since; {BY_HAND}"
    return ""


def _undone(reason: str) -> Json:
    return {"undone": True, "reason": reason}


def _not_undone(reason: str) -> Json:
    return {"undone": False, "reason": reason}
