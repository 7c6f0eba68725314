"""A child process that outlives its parent, known by pid and start time, so that a recycled pid is never touched."""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

START_TIME_TOLERANCE_SECONDS = 0.5  # the kernel counts start times in hundredths; JSON keeps them as floats

KILLED_SECONDS = 5.0


class LocalStackError(Exception):
    """The local stack cannot do what it was asked; the message says what was found and what helps."""


@dataclass(frozen=True)
class Process:
    """`name` for people, `pid`, and `started_at` in epoch seconds as the kernel tells it."""

    name: str
    pid: int
    started_at: float

    @property
    def alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        return self._find() is not None

    def stop(self, grace_seconds: float = 5.0, ask: signal.Signals = signal.SIGTERM) -> None:
        """End the process and all its descendants: `ask`, then SIGKILL for what is left after the grace.

        Raises LocalStackError if something survives even that.
        """
        process = self._find()
        if process is None:
            return
        family = [process, *process.children(recursive=True)]
        process.send_signal(ask)
        psutil.wait_procs([process], timeout=grace_seconds)
        for survivor in filter(_runs, family):
            survivor.kill()
        deadline = time.monotonic() + KILLED_SECONDS
        while (left := list(filter(_runs, family))) and time.monotonic() < deadline:
            time.sleep(0.02)
        if left:
            raise LocalStackError(f"{self.name}: pids {[member.pid for member in left]} survived SIGKILL")

    def _find(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
        except psutil.NoSuchProcess:
            return None
        same = abs(process.create_time() - self.started_at) < START_TIME_TOLERANCE_SECONDS
        return process if same and _runs(process) else None


def _runs(process: psutil.Process) -> bool:
    """A zombie does not: it waits for its parent to read its exit status, and holds nothing."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def spawn(name: str, command: Sequence[str], log: Path, environment: Mapping[str, str], **popen: Any) -> Process:
    """Start `command` in a session of its own (Ctrl-C of the terminal does not reach it), output appended to `log`."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            list(command),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **popen,
        )
    return Process(name, child.pid, psutil.Process(child.pid).create_time())
