"""A value whose making nobody can hurry, made beside the requests, which wait for it only so long."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from threading import Event, Lock, Thread
from time import monotonic
from typing import Generic, NamedTuple, TypeVar

Made = TypeVar("Made")


class _Good(NamedTuple, Generic[Made]):
    value: Made
    begun_at: float


class Beside(Generic[Made]):
    """The last good value of `make`, which raises OSError and is called again when that is `fresh_seconds` old.

    Only the first value is waited for; an old one serves while a newer one is made. A `make` that hangs is never called
    a second time beside itself: one thread is left behind, however many requests come meanwhile. A thread that was
    frozen with its sandbox goes on where it was; the age of what it brings counts from its beginning.
    """

    def __init__(self, make: Callable[[], Made], fresh_seconds: float = inf) -> None:
        self._make = make
        self._fresh_seconds = fresh_seconds
        self._lock = Lock()
        self._good: _Good[Made] | None = None
        self._failure: OSError | None = None
        self._under_way: Event | None = None

    def value(self, deadline: float) -> Made:
        """Return the value, waiting for the first one until `deadline` (of time.monotonic).

        Raises TimeoutError when there is none by then, and OSError when it could not be made.
        """
        good = self._good
        if good is None:
            if not self._ask().wait(max(0.0, deadline - monotonic())):
                raise TimeoutError
            good = self._good
        else:
            self.begin()
        if good is None:
            raise OSError("could not be made") from self._failure
        return good.value

    def begin(self) -> None:
        """Have it made, unless there is a fresh one, and do not wait."""
        good = self._good
        if good is None or monotonic() - good.begun_at >= self._fresh_seconds:
            self._ask()

    def drop(self) -> None:
        """Forget a value that turned out to be of no use."""
        self._good = None

    def _ask(self) -> Event:
        """Return what is set at the end of the making under way, begun here if there was none."""
        with self._lock:
            if self._under_way is not None:
                return self._under_way
            ended = self._under_way = Event()
        Thread(target=self._run, args=(ended, monotonic()), daemon=True).start()
        return ended

    def _run(self, ended: Event, begun_at: float) -> None:
        try:
            self._good = _Good(self._make(), begun_at)
        except OSError as error:
            self._failure = error
        finally:
            self._under_way = None
            ended.set()
