"""The emulator killed, with all that it runs, and brought back on its port with what AWS would have kept."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil
from local_stack import emulator, keeping, state
from local_stack.emulator import Emulator
from local_stack.process import spawn

MOST_SECONDS = 20.0


@contextmanager
def outage(folder: Path) -> Iterator[None]:
    """Inside there is no emulator; behind it is one that remembers all but what ran: executions, sandboxes, sessions.

    `folder` is the local stack's own, the one with `stack.json`.
    """
    found = state.load(folder)
    assert found is not None
    environment = psutil.Process(found.emulator.pid).environ()
    _kill(found.emulator.pid, Path(environment[keeping.STATE_DIR]) / keeping.KEPT)
    yield
    command, log = [sys.executable, "-m", "local_stack.ministack"], folder / "emulator.log"
    again = spawn("MiniStack", command, log, {**environment, keeping.PERSIST_STATE: "1"}, cwd=folder / "tmp")
    state.save(folder, replace(found, emulator=again))
    emulator.wait_until_ready(Emulator(again, found.endpoint_url), log)


def _kill(pid: int, kept: Path) -> None:
    """SIGKILL for the emulator as soon as `kept` is there, and for its sandboxes, which nobody could reach any more."""
    process = psutil.Process(pid)
    process.send_signal(signal.SIGUSR1)
    give_up_at = time.monotonic() + MOST_SECONDS
    while not kept.exists():
        assert time.monotonic() < give_up_at, "the emulator never wrote down what it holds"
        time.sleep(0.01)
    family = [process, *process.children(recursive=True)]
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    _, alive = psutil.wait_procs(family, timeout=MOST_SECONDS)
    assert not alive, "it survived SIGKILL"
    kept.unlink()
