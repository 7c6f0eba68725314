"""A child process that outlives its parent, known by pid and start time, so that a recycled pid is never touched."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

START_TIME_TOLERANCE_SECONDS = 0.5  # the kernel counts start times in hundredths; JSON keeps them as floats


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
        for survivor in (member for member in family if member.is_running()):
            survivor.kill()
        _, left = psutil.wait_procs(family, timeout=grace_seconds)
        if left:
            raise LocalStackError(f"{self.name}: pids {[member.pid for member in left]} survived SIGKILL")

    def _find(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_at) < START_TIME_TOLERANCE_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


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
