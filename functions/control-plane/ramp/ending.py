"""How a ramp ends without a promotion, for all that end one: Roll Back, the brake, huntaze-cleanup and `ramp undo`.

Traffic first, and whatever becomes of the rest; then record, schedule, question, and the lock last. Every part may be
done twice, or by two at once.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ramp.adapters.table import Lock
from ramp.core.flag_document import OFF, Setting
from ramp.core.state import RampState
from ramp.core.verdict import Verb
from ramp.errors import LeftBehind, TrafficMoved
from ramp.ledger import lock_of, record, relist
from ramp.traffic import Position
from ramp.troubles import Troubles
from ramp.world import World

CLEANER = "huntaze-cleanup"  # begins what stands for an execution in a lock while a ramp's remains are settled
UNSETTLED = "its execution ended without settling"
CLEANING_SECONDS = 300  # longer than huntaze-cleanup may run: one that died keeps the next one out no longer


def cleaner(world: World) -> str:
    """What this clean-up holds a lock as: an event that is delivered again is the same clean-up."""
    return f"{CLEANER}:{world.invocation}"


def settle(world: World, state: RampState | None, ramp: str, by: str, reason: str) -> Position:
    """Everybody back on control, with word left behind; `state` is None when the ramp's record is gone.

    The word comes before traffic, so that a shift going on right now sees it when it is done, and undoes itself.

    Raises:
        TrafficMoved: another ramp holds the lock; it found traffic settled, and what is on now is its own.
    """
    troubles = Troubles()
    with troubles:
        leave_word(world, state, ramp, by, reason)
    position = world.traffic.settle(ramp, state.alias_to_restore if state else None, unless_anothers(world, ramp))
    troubles.raised()
    return position


def unless_anothers(world: World, ramp: str) -> Callable[[], None]:
    """The fence of whoever settles `ramp`, late perhaps: a table that does not answer keeps nobody on the candidate."""

    def fence() -> None:
        holder = None
        with Troubles():
            holder = world.table.lock(world.flags.adapter)
        if holder is not None and holder.ramp != ramp:
            raise TrafficMoved(f"the lock of {world.flags.adapter} is held by {holder.ramp}, which moves traffic now")

    return fence


def take_back(world: World, ramp: str | None, by: str, reason: str) -> str | None:
    """The flag off by what its own document says, for when nothing else can be read; needs AppConfig alone.

    It is left where it is off, set by another ramp than `ramp` (None for any), or as a promotion leaves it. That is
    looked at after the word, too, since a promotion looks for the word when it is written down. Returns what was done.
    """
    setting = world.traffic.setting()
    if not _is_strayed(setting) or ramp not in {None, setting.ramp}:
        return None
    troubles = Troubles()
    with troubles:
        leave_word(world, None, setting.ramp, by, reason)
    strayed = _is_strayed(world.traffic.setting())
    where = world.traffic.settle(setting.ramp, None).describe() if strayed else None
    troubles.raised()
    return where


def _is_strayed(setting: Setting) -> bool:
    return setting != OFF and not setting.reads_promoted


def leave_word(world: World, state: RampState | None, ramp: str, by: str, reason: str) -> None:
    """So that nothing raises traffic again in this ramp."""
    world.table.put_command(ramp, Verb.ABORT, state.step if state else 0, by, reason, world.now())


def roll_back(
    world: World, state: RampState, by: str, reason: str, status: str = "rolled_back", holder: Lock | None = None
) -> Position:
    """Settle traffic, write it down, delete superseded flag versions, and let go of everything.

    `holder` is the lock as it is held, the ramp's own unless a clean-up has taken it.

    Raises:
        LeftBehind: traffic is settled and reads back, and the rest could not be done; trying again is right.
        TrafficMoved: as `settle`.
    """
    troubles = Troubles()
    with troubles:
        leave_word(world, state, state.ramp, by, reason)
    position = world.traffic.settle(state.ramp, state.alias_to_restore, unless_anothers(world, state.ramp))
    with troubles:
        troubles.raised()  # without the word somebody may raise traffic still, so the lock is kept
        record(world, state, status, reason)
        world.traffic.prune(state.ramp)
        let_go(world, state.plan.flag, holder or lock_of(state))
    if troubles.errors:
        left = troubles.errors[0]
        raise LeftBehind(f"{reason}. {position.describe()}; something is left: {left}") from left
    return position


def let_go(world: World, flag: str, lock: Lock) -> None:
    """Everything that is not traffic: schedule, question, lock. The lock last, so that a retry still owns the rest."""
    world.deadline.remove(lock.ramp)
    world.table.close_request(lock.ramp)
    world.table.release(flag, lock)


def is_nobodys(world: World, lock: Lock) -> bool:
    """Whether the holder has ended, or is unknown and has not renewed its lease. A running one keeps it for ever.

    One's own counts, too: an earlier attempt of this very clean-up has died.
    """
    status = None if is_cleaners(lock) else world.executions.status(lock.execution_arn)
    if status is None:
        return lock.expires_at < world.now() or lock.execution_arn == cleaner(world)
    return status != "RUNNING"


def is_cleaners(lock: Lock) -> bool:
    """Whether a clean-up holds it, and no execution."""
    return lock.execution_arn.startswith(CLEANER)


def clear(world: World, flag: str, lock: Lock | None, mine: Lock) -> str | None:
    """Settle what `mine.ramp`, which nobody runs any more, left on `flag`; `lock` is the one that it left, if it did.

    Returns what was done, for people; None when somebody else has taken the lock meanwhile. Whatever fails, the flag is
    put off by its document at least.
    """
    ramp, troubles = mine.ramp, Troubles()
    with troubles, suppress(TrafficMoved):
        return _clear(world, flag, lock, mine)
    if not troubles.errors:
        return None
    with troubles:
        take_back(world, ramp, CLEANER, UNSETTLED)
    troubles.raised()
    return None


def _clear(world: World, flag: str, lock: Lock | None, mine: Lock) -> str | None:
    ramp = mine.ramp
    if world.table.acquire(flag, mine, world.now(), CLEANING_SECONDS, dead=lock) is not None:
        return None
    found = world.table.ramp(ramp)
    state = state_of(found)
    if was_promoted(world, ramp):
        relist(world, ramp)
        world.traffic.prune(ramp)
        let_go(world, flag, mine)
        return f"{ramp} was promoted; what it left behind is removed"
    if state is None:
        where = settle(world, None, ramp, CLEANER, UNSETTLED).describe()
        let_go(world, flag, mine)
    else:
        status = "undone" if found and found["status"] == "undone" else "rolled_back"  # an undo may be under way
        where = _rolled_back(world, state, status, mine).describe()
    world.notices.tell(f"Ramp {ramp} settled by {CLEANER}", f"{ramp} had ended without settling. {where}.")
    return f"{ramp} had ended without settling; {where}"


def _rolled_back(world: World, state: RampState, status: str, mine: Lock) -> Position:
    """Where settling fails it is written down: the next clean-up tries again, and huntaze-cleanup tells people."""
    troubles = Troubles()
    with troubles:
        return roll_back(world, state, CLEANER, UNSETTLED, status, mine)
    if not isinstance(troubles.errors[0], LeftBehind | TrafficMoved):
        with troubles:
            record(world, state, "rollback_failed", "traffic could not be settled")
    raise troubles.errors[0]


def was_promoted(world: World, ramp: str) -> bool:
    """By its record and by what users see: everybody on the candidate. A record that has expired says nothing."""
    found = world.table.ramp(ramp)
    return (found is None or found["status"] == "promoted") and world.traffic.setting().is_whole


def state_of(found: Mapping[str, Any] | None) -> RampState | None:
    """The state in a ramp's record."""
    return RampState.from_wire(found["document"]) if found else None
