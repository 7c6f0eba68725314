"""Somebody who moves only when told to: so many calls to AWS at a time, then everybody else has their turn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from tests.sweep.faults import Stopped
from tests.sweep.stage import Stage

GIVE_UP_SECONDS = 60
FAR = 10_000  # calls: to the next bake or question


class Walker:
    """A ramp, or a brake, on a thread of its own; either it runs or the caller does, never both."""

    def __init__(self, stage: Stage, act: Callable[[], object]) -> None:
        self._stage, self._act = stage, act
        self._go, self._held = threading.Semaphore(0), threading.Semaphore(0)
        self._calls_left, self._dropped = 0, False
        self.ended = False
        self.where = "start"
        stage.holds.append(self._hold)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def walk(self, calls: int) -> None:
        """Go on for so many calls, or to the next bake or question."""
        if self.ended:
            return
        self._calls_left = calls
        self._go.release()
        if not self._held.acquire(timeout=GIVE_UP_SECONDS):
            raise AssertionError("it neither goes on nor ends")

    def walk_to_the_end(self) -> None:
        """Go on through every bake and question."""
        while not self.ended:
            self.walk(FAR)

    def drop(self) -> None:
        """End the thread; what it would have done is of no interest any more."""
        self._dropped = True
        self.walk(0)
        self._thread.join()

    def _run(self) -> None:
        self._go.acquire()
        with suppress(Stopped):
            self._act()
        self.ended = True
        self._held.release()

    def _hold(self, where: str) -> None:
        if threading.current_thread() is not self._thread:
            return
        if where == "call" and self._calls_left > 0:
            self._calls_left -= 1
            return
        self.where = where
        self._held.release()
        self._go.acquire()
        if self._dropped:
            raise Stopped
