"""The local stack as a whole: up, down, status.

up      emulator and PostgreSQL start, the database is migrated and seeded, template.yaml is deployed, the sidecar
        starts; each part is written to `.local/stack.json` as soon as it runs
down    the same backwards, stopping exactly what that file names
status  what is there and whether it answers
"""

import fcntl
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg

from local_stack import database, emulator, front, postgres, sidecar, state, traces
from local_stack.clients import client
from local_stack.deploy import deploy, digest
from local_stack.process import LocalStackError, Process, spawn
from local_stack.state import State
from local_stack.warm import warm

Say = Callable[[str], None]
NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})
ALARM_PERIOD_SECONDS = 3  # the template's alarms look at five minutes; here at a quarter of one
CONNECT_SECONDS = 2
EMULATOR_GRACE_SECONDS = 10.0  # it takes 3 s to give up idle connections, then ends its Lambda workers


@dataclass(frozen=True)
class Stack:
    """A stack that is up. `database_url` has the password in it; the ramp page answers at `page_url`."""

    endpoint_url: str
    database_url: str = field(repr=False)
    page_url: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """What to export so that boto3 and the AWS CLI talk to this stack."""
        return {"AWS_ENDPOINT_URL": self.endpoint_url, **emulator.CREDENTIALS}

    def client(self, service: str) -> Any:
        """A boto3 client of this stack."""
        return client(self.endpoint_url, service)


@dataclass(frozen=True)
class Part:
    """One part of the stack; `pid` is None for a database in a server that is not ours."""

    name: str
    pid: int | None
    healthy: bool


@dataclass(frozen=True)
class Status:
    """`stack` is None when there is none, or one that did not come up to its end; `parts` says what is there."""

    stack: Stack | None
    parts: tuple[Part, ...]

    @property
    def healthy(self) -> bool:
        """Whether the stack is there and all of it answers."""
        return self.stack is not None and all(part.healthy for part in self.parts)


def up(
    repository: Path,
    say: Say,
    parameters: Mapping[str, str] = NO_PARAMETERS,
    *,
    wait_scale: float = 1.0,
    alarm_period_seconds: int = ALARM_PERIOD_SECONDS,
) -> Stack:
    """The stack of this repository, started if need be; a healthy one is kept, and deployed to if the code changed.

    `parameters` override template.yaml's. `wait_scale` multiplies the state machine's waits, `alarm_period_seconds`
    replaces the alarms' periods. Raises LocalStackError, and leaves nothing behind when it does, or when interrupted.
    """
    folder = repository / state.FOLDER
    with _alone(repository):
        found = state.load(folder)
        if found is not None and _status(found).healthy:
            return _reuse(repository, found, parameters, say)
        if found is not None:
            say("found a stack that is not healthy any more, clearing it away")
            _tear_down(folder, found)
        return _start(repository, say, parameters, wait_scale, alarm_period_seconds)


def down(repository: Path, say: Say) -> None:
    """Stop what `up` started and remove the folder `.local`; says so when there is nothing to do."""
    folder = repository / state.FOLDER
    with _alone(repository):
        found = state.load(folder)
        if found is None:
            say("no local stack is up")
            return
        _tear_down(folder, found)
        say("the local stack is down")


def status(repository: Path) -> Status:
    """What is there, asked of each part now."""
    found = state.load(repository / state.FOLDER)
    return Status(None, ()) if found is None else _status(found)


def _start(
    repository: Path, say: Say, parameters: Mapping[str, str], wait_scale: float, alarm_period_seconds: int
) -> Stack:
    started_at = time.monotonic()
    folder = repository / state.FOLDER
    folder.mkdir(exist_ok=True)
    sink, door = traces.open_socket(), front.open_socket()
    page_url = front.url_of(door)
    current: State | None = None
    try:
        with _interrupts_deferred():
            running = emulator.start(folder, sink.getsockname()[1], wait_scale, say)
            current = _saved(folder, State(running.endpoint_url, running.process, page_url=page_url))
        with _interrupts_deferred():
            server = postgres.start(folder / "postgres", os.environ)
            current = _saved(folder, replace(current, database=server))
        say("PostgreSQL: migrating and seeding")
        database.migrate(server.url)
        database.seed(server.url)
        emulator.wait_until_ready(running, folder / "emulator.log")
        say(f"MiniStack: {running.endpoint_url}, deploying template.yaml")
        up_to_here = Stack(running.endpoint_url, server.url, page_url)
        deployed = _deploy(repository, up_to_here, parameters, say)
        with _interrupts_deferred():
            fds = sidecar.Inherited(sink.fileno(), door.fileno())
            helper = _start_sidecar(folder, running.endpoint_url, fds, alarm_period_seconds)
            current = _saved(folder, replace(current, sidecar=helper, digest=deployed))
    except BaseException:
        if current is not None:
            _tear_down(folder, current)
        raise
    finally:
        sink.close()
        door.close()
    say(f"the local stack is up after {time.monotonic() - started_at:.1f} s")
    return up_to_here


def _deploy(repository: Path, stack: Stack, parameters: Mapping[str, str], say: Say) -> str:
    """The digest of what is deployed now, with its sandboxes warm."""
    deployed = deploy(stack.client, repository, stack.database_url, _chosen(parameters, stack.page_url), say)
    say("warming the read path")
    warm(stack.client)
    return deployed


def _chosen(parameters: Mapping[str, str], page_url: str) -> Mapping[str, str]:
    """Links in messages lead to where the page answers here."""
    return {"LinkBaseUrl": page_url, **parameters}


def _start_sidecar(folder: Path, endpoint_url: str, fds: sidecar.Inherited, alarm_period_seconds: int) -> Process:
    packages = os.pathsep.join(path for path in sys.path if path)
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": packages, "HOME": str(folder)}
    command = sidecar.command(folder, endpoint_url, fds, alarm_period_seconds)
    return spawn("sidecar", command, folder / "sidecar.log", environment, cwd=folder, pass_fds=fds)


def _reuse(repository: Path, found: State, parameters: Mapping[str, str], say: Say) -> Stack:
    folder = repository / state.FOLDER
    kept = _status(found).stack
    if kept is None:
        raise LocalStackError("stack.json: names no complete stack, expected one; run down, then up")
    if digest(repository, _chosen(parameters, kept.page_url)) == found.digest:
        say(f"the local stack is already up at {kept.endpoint_url}")
        return kept
    say(f"the local stack is already up at {kept.endpoint_url}, deploying what changed")
    _saved(folder, replace(found, digest=_deploy(repository, kept, parameters, say)))
    return kept


def _tear_down(folder: Path, found: State) -> None:
    if found.sidecar is not None:
        found.sidecar.stop()
    found.emulator.stop(grace_seconds=EMULATOR_GRACE_SECONDS)
    if found.database is not None:
        postgres.stop(found.database)
    shutil.rmtree(folder)


def _status(found: State) -> Status:
    parts = [Part("MiniStack", found.emulator.pid, found.emulator.alive and emulator.is_healthy(found.endpoint_url))]
    if found.database is not None:
        process = found.database.process
        parts.append(Part("PostgreSQL", process.pid if process else None, _answers(found.database.url)))
    if found.sidecar is not None:
        parts.append(Part("sidecar", found.sidecar.pid, found.sidecar.alive))
    is_whole = found.database is not None and found.complete
    stack = Stack(found.endpoint_url, found.database.url, found.page_url) if is_whole and found.database else None
    return Status(stack, tuple(parts))


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.OperationalError:
        return False
    return True


def _saved(folder: Path, current: State) -> State:
    state.save(folder, current)
    return current


@contextmanager
def _alone(repository: Path) -> Iterator[None]:
    """Two commands at once would start two stacks over one file; the second is told so."""
    handle = os.open(repository, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise LocalStackError("another command is starting or stopping the local stack of this repository") from None
    finally:
        os.close(handle)


@contextmanager
def _interrupts_deferred() -> Iterator[None]:
    """Ctrl-C waits until what has been started is written down, so that it can be stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[int] = []
    usual = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if pressed:
        raise KeyboardInterrupt
