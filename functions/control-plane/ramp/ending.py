"""How a ramp ends without a promotion, for all that end one: Roll Back, the brake, huntaze-cleanup and `ramp undo`.

Traffic first, and whatever becomes of the rest; then record, schedule, question, and the lock last. Every part may be
done twice, or by two at once.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from ramp.adapters.table import Lock
from ramp.core.state import RampState
from ramp.core.verdict import Verb
from ramp.ledger import record, relist
from ramp.traffic import Position
from ramp.world import World

CLEANER = "huntaze-cleanup"  # in place of an execution, in the lock of a ramp whose remains are being settled
CLEANING_SECONDS = 300  # longer than any function may run, so that two never work on one flag unknown to each other


def settle(world: World, state: RampState | None, ramp: str, by: str, reason: str) -> Position:
    """Everybody back on control, with word left behind; `state` is None when the ramp's record is gone.

    The word comes before traffic, so that a shift going on right now sees it when it is done, and undoes itself.
    """
    try:
        leave_word(world, state, ramp, by, reason)
    finally:
        position = world.traffic.settle(ramp, state.alias_to_restore if state else None)
    return position


def leave_word(world: World, state: RampState | None, ramp: str, by: str, reason: str) -> None:
    """So that nothing raises traffic again in this ramp."""
    world.table.put_command(ramp, Verb.ABORT, state.step if state else 0, by, reason, world.now())


def roll_back(world: World, state: RampState, by: str, reason: str, status: str = "rolled_back") -> Position:
    """Settle traffic, write it down, delete superseded flag versions, and let go of everything."""
    position = settle(world, state, state.ramp, by, reason)
    record(world, state, status, reason)
    world.traffic.prune(state.ramp)
    let_go(world, state.ramp, state.plan.flag)
    return position


def let_go(world: World, ramp: str, flag: str) -> None:
    """Everything that is not traffic: schedule, question, lock. The lock last, so that a retry still owns the rest."""
    world.deadline.remove(ramp)
    world.table.close_request(ramp)
    world.table.release(flag, ramp)


def is_nobodys(world: World, lock: Lock) -> bool:
    """Whether the holder has ended, or is unknown and has not renewed its lease. A running one keeps it for ever."""
    status = None if lock.execution_arn == CLEANER else world.executions.status(lock.execution_arn)
    return lock.expires_at < world.now() if status is None else status != "RUNNING"


def clear(world: World, flag: str, lock: Lock | None, ramp: str) -> str | None:
    """Settle what `ramp`, which nobody runs any more, left on `flag`; `lock` is the one that it left, if it did.

    Returns what was done, for people; None when somebody else has taken the lock meanwhile.
    """
    if world.table.acquire(flag, Lock(ramp, CLEANER), world.now(), CLEANING_SECONDS, dead=lock) is not None:
        return None
    found = world.table.ramp(ramp)
    state = state_of(found)
    if was_promoted(world, ramp):
        relist(world, ramp)
        world.traffic.prune(ramp)
        let_go(world, ramp, flag)
        return f"{ramp} was promoted; what it left behind is removed"
    reason = "its execution ended without settling"
    with ExitStack() as stack:
        stack.callback(_record_unsettled, world, state)
        if state is None:
            where = settle(world, None, ramp, CLEANER, reason).describe()
            let_go(world, ramp, flag)
        else:
            status = "undone" if found and found["status"] == "undone" else "rolled_back"  # an undo may be under way
            where = roll_back(world, state, CLEANER, reason, status).describe()
        stack.pop_all()
    world.notices.tell(f"Ramp {ramp} settled by {CLEANER}", f"{ramp} had ended without settling. {where}.")
    return f"{ramp} had ended without settling; {where}"


def _record_unsettled(world: World, state: RampState | None) -> None:
    """For when settling fails: the next clean-up tries again, and huntaze-cleanup tells people."""
    if state is not None:
        record(world, state, "rollback_failed", "traffic could not be settled")


def was_promoted(world: World, ramp: str) -> bool:
    """By its record and by what users see: everybody on the candidate. A record that has expired says nothing."""
    found = world.table.ramp(ramp)
    return (found is None or found["status"] == "promoted") and world.traffic.read().is_promoted


def state_of(found: Mapping[str, Any] | None) -> RampState | None:
    """The state in a ramp's record."""
    return RampState.from_wire(found["document"]) if found else None
