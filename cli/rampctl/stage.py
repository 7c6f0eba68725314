"""The demo's surroundings: each thing that must be undone, as a context that undoes it, Ctrl-C or not."""

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from local_stack import faults, stack
from ramp.adapters.table import Lock
from ramp.core.flag_document import OFF
from ramp.core.state import WayBack
from ramp.traffic import Position

from rampctl import ramps
from rampctl.answers import abort
from rampctl.exits import CommandError, Exit
from rampctl.session import Session

Say = Callable[[str], None]

ENDING_SECONDS = 20.0
ENDINGS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _handled(
    numbers: Iterable[signal.Signals], handler: Callable[[int, FrameType | None], Any] | int
) -> Iterator[None]:
    usual = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, before in usual.items():
            signal.signal(number, before)


ended_gently = partial(_handled, ENDINGS, signal.default_int_handler)
"""A polite kill, or a closed terminal, is an interrupt like Ctrl-C."""
uninterrupted = partial(_handled, (signal.SIGINT, *ENDINGS), signal.SIG_IGN)
"""A second Ctrl-C does not stop the cleaning up after the first."""


@contextmanager
def local_stack(repository: Path, say: Say, *, stays: bool) -> Iterator[stack.Stack]:
    """The local stack; stopped afterwards unless it `stays`."""
    running = stack.up(repository, say)
    try:
        yield running
    finally:
        with uninterrupted():
            if stays:
                say("the local stack was up before and is left up; stop it with: ramp local down")
            else:
                say("stopping the local stack that this demo started")
                stack.down(repository, say)


@contextmanager
def fault_free(database_url: str) -> Iterator[None]:
    """No injected fault before, and none left afterwards."""
    faults.clear(database_url)
    try:
        yield
    finally:
        with uninterrupted():
            faults.clear(database_url)


@contextmanager
def no_ramp_left(session: Session, name: str, say: Say, *, wait: bool) -> Iterator[None]:
    """If the ramp still runs at the end, it is aborted, and traffic read back; `wait` until its execution has ended."""
    try:
        yield
    finally:
        with uninterrupted():
            if name in ramps.running(session):
                say(f"the ramp {name} is still running, aborting it")
                end(session, name, "the demo ended before the ramp", say, wait=wait)


def clear_the_way(session: Session, say: Say) -> None:
    """End what an interrupted demo, or the last promotion, left on this stack: running ramps, a flag that is on."""
    for name in ramps.running(session):
        say(f"found the ramp {name} still running, ending it")
        end(session, name, "a new demo starts", say)
    position = session.levers.read()
    if not is_settled(position):
        say(f"{position.ramp} left traffic on the candidate, putting it back")
        position = session.levers.settle(position.ramp, WayBack(position.alias.version))
        say(position.describe())


def is_settled(position: Position) -> bool:
    """Whether everybody is on control: the flag off, the alias whole."""
    return position.setting == OFF and position.alias.is_whole


def end(session: Session, name: str, reason: str, say: Say, *, wait: bool = True) -> None:
    """Abort a ramp, tell what reads back, and `wait` until its execution has ended.

    Raises:
        CommandError: traffic does not read back at 0 %, or the execution has not ended in time.
    """
    lock = session.table.lock(session.settings.adapter_flag)
    arn = ramps.execution_arn(session.state_machine_arn, name)
    if lock == Lock(name, arn):
        try:
            abort(session, name, "ramp demo", reason)
        except CommandError:
            if name in ramps.running(session):  # else it ended by itself in the meantime
                raise
    else:  # it has not taken the lock, so it has moved nothing
        session.states.stop_execution(executionArn=arn, error="Aborted", cause=reason)
    position = session.levers.read()
    say(position.describe())
    if not is_settled(position):
        raise CommandError(f"{name}: traffic is not at 0 %, {position.describe()}", Exit.ROLLBACK_FAILED)
    if wait:
        *_, ended = ramps.follow(ramps.Reader(session, name).read, ENDING_SECONDS)
        say(f"the ramp {name} has ended: {ended.outcome}")
