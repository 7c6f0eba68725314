"""A circuit breaker: who fails several times in a row is left alone for a while, then asked once more."""

from __future__ import annotations

FAILURES_IN_A_ROW = 5
FIRST_SECONDS = 1.0
LONGEST_SECONDS = 30.0


class Breaker:
    """One for each sandbox and each thing it calls. A sandbox serves one request at a time, so the first call after
    the pause is the only probe. Each failing probe doubles the pause: it is never longer than the trouble so far.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._closed_at = 0.0

    def is_open(self, now: float) -> bool:
        """Whether not to ask. `now` is in seconds and never goes back."""
        return self._failures >= FAILURES_IN_A_ROW and now < self._closed_at

    def succeeded(self) -> None:
        """Forget every failure."""
        self._failures = 0

    def failed(self, now: float) -> None:
        """Count a failure; from the fifth in a row on, pause."""
        self._failures += 1
        doubled = FIRST_SECONDS * 2.0 ** min(self._failures - FAILURES_IN_A_ROW, 10)
        self._closed_at = now + min(doubled, LONGEST_SECONDS)
