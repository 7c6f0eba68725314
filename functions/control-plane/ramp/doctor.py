"""What ramps have left behind, found and mended by one piece of code: `huntaze-cleanup`, and `ramp doctor`.

In this order, since each says more about the next: schedules, flag, alias, lock, questions. A ramp that starts while
one looks takes its lock before it makes anything else, so what is read before the locks is never mistaken for left.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ramp.adapters.table import Lock
from ramp.core.flag_document import OFF
from ramp.core.plan import format_percent
from ramp.core.state import WayBack
from ramp.ending import (
    CLEANER,
    CLEANING_SECONDS,
    cleaner,
    clear,
    is_cleaners,
    is_nobodys,
    state_of,
    take_back,
    unless_anothers,
    was_promoted,
)
from ramp.traffic import UNREAD, Position
from ramp.troubles import Troubles
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


class Seen(NamedTuple):
    """One flag: where it puts users, who holds its lock, and whether that runs (None: nobody says)."""

    position: Position
    lock: Lock | None
    runs: bool | None


def examine(world: World, troubles: Troubles, ended_arn: str = "") -> list[Finding]:
    """Everything that is left behind; reads only.

    What cannot be read is kept in `troubles`, and the rest is found all the same: of a flag whose lock cannot be read
    its own document says whether it may stay on. `ended_arn` is an execution that is known to have ended.
    """
    names: list[str] = []
    with troubles:
        names = world.deadline.names()
    findings: list[Finding] = []
    running: set[str] = set()
    for each in world.each():
        seen = None
        with troubles:
            seen = _look(each, troubles, ended_arn)
        with troubles:
            findings += _by_document(each, ended_arn) if seen is None else _of_flag(each, *seen)
        if seen and seen.lock and seen.runs is not False:
            running.add(seen.lock.ramp)
        with troubles:
            findings += _questions(each, running)
    if troubles.errors:  # nobody knows of every ramp that runs
        return findings
    kept = {world.deadline.name(ramp) for ramp in running}
    findings += [_schedule(world, name) for name in names if name not in kept]
    if not running:  # else a task of that ramp may be at it
        with troubles:
            findings += _environment(world)
    return findings


def is_running(world: World, lock: Lock) -> bool:
    """Whether a ramp runs that holds this lock."""
    return not is_cleaners(lock) and not is_nobodys(world, lock)


def _look(world: World, troubles: Troubles, ended_arn: str) -> Seen:
    setting, alias = world.traffic.setting(), UNREAD
    with troubles:
        alias = world.traffic.alias()
    lock = world.table.lock(world.flags.adapter)
    return Seen(Position(setting, alias), lock, _runs(world, lock, troubles, ended_arn))


def _runs(world: World, lock: Lock | None, troubles: Troubles, ended_arn: str) -> bool | None:
    """Whether the lock's holder runs; None where nobody says, and its lease has not run out either.

    Nobody says of another clean-up, which may be at it or have died.
    """
    if lock is None or lock.execution_arn == ended_arn:
        return False
    with troubles:
        is_left = is_nobodys(world, lock)
        return None if is_cleaners(lock) and not is_left else not is_left
    return None if lock.expires_at > world.now() else False


def _by_document(world: World, ended_arn: str) -> Iterator[Finding]:
    """Where the lock cannot be read: word of one execution's end says nothing about another's flag."""
    flag, setting = world.flags.adapter, world.traffic.setting()
    if setting == OFF or setting.reads_promoted or (ended_arn and not ended_arn.endswith(f":{setting.ramp}")):
        return
    yield Finding(
        f"flag: {flag} is on, set by {setting.ramp}, and whether that runs cannot be read",
        "put everybody back on control",
        lambda: take_back(world, setting.ramp, CLEANER, "nobody can say whether it runs"),
    )


def _of_flag(world: World, position: Position, lock: Lock | None, runs: bool | None) -> Iterator[Finding]:
    flag = world.flags.adapter
    if lock is not None:
        if not runs:
            yield Finding(
                f"lock: {flag} is held by {lock.ramp}, {_whose(lock, runs)}; {_where(position)}",
                "put its traffic back on control unless it was promoted, and free the lock",
                lambda: clear(world, flag, lock, Lock(lock.ramp, cleaner(world))),
                asks=runs is None,
            )
        return
    if position.setting != OFF and not was_promoted(world, position.ramp):
        yield Finding(
            f"flag: {flag} is on though no ramp runs, set by {position.ramp}; {_where(position)}",
            "put everybody back on control",
            lambda: clear(world, flag, None, Lock(position.ramp, cleaner(world))),
        )
    elif not position.alias.is_whole and world.owns_alias:
        yield _split(world, position)


def _whose(lock: Lock, runs: bool | None) -> str:
    if runs is False:
        return "which nobody runs any more"
    if is_cleaners(lock):
        return f"which another {CLEANER} is settling or has died of"
    return "and Step Functions does not say whether it runs"


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
    flag, mine = world.flags.adapter, Lock("the alias", cleaner(world))
    if world.table.acquire(flag, mine, world.now(), CLEANING_SECONDS) is not None:
        return None
    position = world.traffic.join(WayBack(version), unless_anothers(world, mine.ramp))
    world.table.release(flag, mine)
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


def _environment(world: World) -> Iterator[Finding]:
    """What a task that died in the middle of a deployment leaves in AppConfig."""
    deployment = world.traffic.in_flight()
    if deployment and deployment.is_ours and not deployment.settles:
        yield Finding(
            f"deployment: {deployment.number} is in flight though no ramp runs, started by {deployment.description}",
            "stop it, and so serve the version before it",
            lambda: _stop(world, deployment.number),
        )
    if world.traffic.is_left_unmonitored():
        yield Finding(
            "monitors: AppConfig watches no alarm any more, since somebody who put a flag off has died",
            "let it watch again what its description keeps; where that does not read, a person must",
            lambda: _monitor(world),
        )


def _stop(world: World, number: int) -> str | None:
    return f"deployment {number} is stopped" if world.traffic.stop(number) else None


def _monitor(world: World) -> str | None:
    if not world.traffic.is_left_unmonitored():
        return None
    world.traffic.monitor()
    return None if world.traffic.is_left_unmonitored() else "AppConfig watches its alarms again"


def _schedule(world: World, name: str) -> Finding:
    def remove() -> str:
        world.deadline.remove(name)
        return f"the schedule {name} is removed"

    return Finding(f"schedule: {name} waits for the deadline of a ramp that runs no more", "remove it", remove)


def _where(position: Position) -> str:
    return f"{format_percent(position.share_ppm)} of traffic is on the candidate"
