"""Control's recent rate of failures, the yardstick that bounds are drawn from."""

from collections.abc import Sequence
from typing import NamedTuple, Self

ENOUGH_REQUESTS = 500
BLOCK_REQUESTS = 1_000


class RecentRate(NamedTuple):
    """Two blocks of 1,000 requests, the last full one and the one that fills: a moving window in four numbers."""

    last_requests: float = 0
    last_errors: float = 0
    requests: float = 0
    errors: float = 0

    def fold(self, n: float, x: float) -> Self:
        """With `n` more requests of control, `x` of which failed."""
        requests, errors = self.requests + n, self.errors + x
        if requests < BLOCK_REQUESTS:
            return type(self)(self.last_requests, self.last_errors, requests, errors)
        return type(self)(requests, errors)

    @property
    def rate(self) -> float | None:
        """The rate over the last 1,000 to 2,000 requests; None before there were 500.

        One failure is added, so that a window that saw none does not claim a rate of nought.
        Source: Laplace's rule of succession.
        """
        requests = self.last_requests + self.requests
        if requests < ENOUGH_REQUESTS:
            return None
        return min(1.0, (self.last_errors + self.errors + 1) / (requests + 1))

    def to_wire(self) -> list[float]:
        """Plain JSON."""
        return list(self)

    @classmethod
    def from_wire(cls, wire: Sequence[float]) -> Self:
        """The inverse of `to_wire`."""
        return cls(*wire)
