"""What ramps have left behind, found and mended by one piece of code: `huntaze-cleanup`, and `ramp doctor`.

In this order, since each says more about the next: schedules, flag, lock, alias, questions. A ramp that starts while
one looks takes its lock before it makes anything else, so what is read before the locks is never mistaken for left.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ramp.adapters.table import Lock
from ramp.core.flag_document import OFF
from ramp.core.plan import format_percent
from ramp.ending import CLEANER, CLEANING_SECONDS, clear, is_nobodys, state_of, was_promoted
from ramp.traffic import Position
from ramp.world import World

LATEST = 20  # ramps of a flag's list that are looked at


@dataclass(frozen=True)
class Finding:
    """Something left behind.

    `what` it is and what `would` be done are sentences for people; `mend` does it, and returns what was done, or None
    when somebody else was quicker. `asks`: nobody knows whose it is, so it is mended on a person's word alone.
    """

    what: str
    would: str
    mend: Callable[[], str | None]
    asks: bool = False


def examine(world: World) -> list[Finding]:
    """Everything that is left behind; reads only."""
    names = world.deadline.names()
    positions = [(each, each.traffic.read()) for each in world.each()]
    locks = {each.flags.adapter: each.table.lock(each.flags.adapter) for each in world.each()}
    running = {lock.ramp for lock in locks.values() if lock and is_running(world, lock)}
    findings: list[Finding] = []
    for each, position in positions:
        findings += _of_flag(each, position, locks[each.flags.adapter])
        findings += _questions(each, running)
    kept = {world.deadline.name(ramp) for ramp in running}
    return [*findings, *(_schedule(world, name) for name in names if name not in kept)]


def is_running(world: World, lock: Lock) -> bool:
    """Whether a ramp runs that holds this lock."""
    return lock.execution_arn != CLEANER and not is_nobodys(world, lock)


def _of_flag(world: World, position: Position, lock: Lock | None) -> Iterator[Finding]:
    flag = world.flags.adapter
    if lock is not None:
        if not is_running(world, lock):
            yield Finding(
                f"lock: {flag} is held by {lock.ramp}, which nobody runs any more; {_where(position)}",
                "put its traffic back on control unless it was promoted, and free the lock",
                lambda: clear(world, flag, lock, lock.ramp),
            )
        return
    if position.setting != OFF and not was_promoted(world, position.ramp):
        yield Finding(
            f"flag: {flag} is on though no ramp runs, set by {position.ramp}; {_where(position)}",
            "put everybody back on control",
            lambda: clear(world, flag, None, position.ramp),
        )
    elif not position.alias.is_whole and world.owns_alias:
        yield _split(world, position)


def _split(world: World, position: Position) -> Finding:
    """Weights on the alias though no ramp runs: of a ramp of ours, or of whoever deploys code."""
    alias = position.alias
    states = (
        state_of(world.table.ramp(str(entry["ramp"]))) for entry in world.table.listed(world.flags.adapter, LATEST)
    )
    ours = next(
        (s for s in states if s and s.plan.lever == "alias" and s.plan.candidate_version in alias.weights), None
    )
    weights = ", ".join(f"{format_percent(ppm)} to version {version}" for version, ppm in alias.weights.items())
    version = ours.alias_version if ours else alias.version
    whose = f"by {ours.ramp}" if ours else "by nobody that is known: a code deploy may be under way"
    return Finding(
        f"alias: sends {weights} beside version {alias.version} though no ramp runs, set {whose}",
        f"point it at version {version} alone",
        lambda: _join(world, version),
        asks=ours is None,
    )


def _join(world: World, version: str) -> str | None:
    flag, mine = world.flags.adapter, Lock("the alias", CLEANER)
    if world.table.acquire(flag, mine, world.now(), CLEANING_SECONDS) is not None:
        return None
    position = world.traffic.settle(mine.ramp, version)
    world.table.release(flag, mine.ramp)
    return position.describe()


def _questions(world: World, running: set[str]) -> Iterator[Finding]:
    for entry in world.table.listed(world.flags.adapter, LATEST):
        ramp = str(entry["ramp"])
        if ramp not in running and world.table.request(ramp) is not None:
            yield Finding(
                f"question: {ramp} is still asking though it runs no more",
                "forget the question",
                lambda ramp=ramp: _forget(world, ramp),  # type: ignore[misc]  # bound now, not when the loop has gone on
            )


def _forget(world: World, ramp: str) -> str:
    world.table.close_request(ramp)
    return f"the question of {ramp} is forgotten"


def _schedule(world: World, name: str) -> Finding:
    def remove() -> str:
        world.deadline.remove(name)
        return f"the schedule {name} is removed"

    return Finding(f"schedule: {name} waits for the deadline of a ramp that runs no more", "remove it", remove)


def _where(position: Position) -> str:
    return f"{format_percent(position.share_ppm)} of traffic is on the candidate"
