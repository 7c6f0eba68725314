"""The demo's surroundings: each thing that must be undone, as a context that undoes it, Ctrl-C or not."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack import faults, stack
from ramp.adapters.table import Lock
from ramp.core.flag_document import OFF

from rampctl import ramps
from rampctl.answers import abort
from rampctl.exits import CommandError
from rampctl.session import Session

Say = Callable[[str], None]

ENDING_SECONDS = 20.0
ENDINGS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ended_gently() -> Iterator[None]:
    """A polite kill, or a closed terminal, is an interrupt like Ctrl-C."""
    usual = {number: signal.signal(number, signal.default_int_handler) for number in ENDINGS}
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A second Ctrl-C does not stop the cleaning up after the first."""
    usual = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, *ENDINGS)}
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


@contextmanager
def local_stack(repository: Path, say: Say) -> Iterator[stack.Stack]:
    """The local stack; stopped afterwards if it was not up before."""
    was_up = stack.status(repository).healthy
    running = stack.up(repository, say)
    try:
        yield running
    finally:
        with uninterrupted():
            if was_up:
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
def no_ramp_left(session: Session, name: str, say: Say) -> Iterator[None]:
    """If the ramp still runs at the end, it is aborted, and traffic read back."""
    try:
        yield
    finally:
        with uninterrupted():
            if name in ramps.running(session):
                end(session, name, "the demo ended before the ramp", say)


def clear_the_way(session: Session, say: Say) -> None:
    """End what an interrupted demo, or the last promotion, left on this stack: running ramps, a flag that is on."""
    for name in ramps.running(session):
        say(f"found the ramp {name} still running, ending it")
        end(session, name, "a new demo starts", say)
    position = session.levers.read()
    if position.setting != OFF or not position.alias.is_whole:
        say(f"{position.ramp} left traffic on the candidate, putting it back")
        position = session.levers.settle(position.ramp, position.alias.version)
        say(position.describe())


def end(session: Session, name: str, reason: str, say: Say) -> None:
    """Abort a ramp, wait until its execution has ended, and tell what reads back.

    Raises:
        CommandError: it has not ended in time, or the brake failed.
    """
    lock = session.table.lock(session.settings.adapter_flag)
    arn = ramps.execution_arn(session.state_machine_arn, name)
    if lock == Lock(name, arn):
        abort(session, name, "ramp demo", reason)
    else:  # it has not taken the lock, so it has moved nothing
        session.states.stop_execution(executionArn=arn, error="Aborted", cause=reason)
    ended = list(ramps.follow(ramps.Reader(session, name).read, ENDING_SECONDS))[-1]
    say(f"the ramp {name} ended: {ended.outcome}")
    position = session.levers.read()
    say(position.describe())
    if position.setting.share_ppm:
        raise CommandError(f"{name}: traffic is not at 0 %, {position.describe()}")
