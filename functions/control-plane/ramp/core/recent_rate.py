"""Control's recent rate of failures, the yardstick that bounds are drawn from."""

from collections.abc import Sequence
from typing import NamedTuple, Self

ENOUGH_REQUESTS = 500
BLOCK_REQUESTS = 1_000
BLOCK_ERRORS = 20  # independent ones: fewer make a rate that chance may have halved
BLOCK_REQUESTS_MAX = 1_000_000


class RecentRate(NamedTuple):
    """Two blocks, the last full one and the one that fills: a moving window in four numbers.

    A block is full at 1,000 requests and 20 independent errors, so the window is short while control fails often.
    """

    last_requests: float = 0
    last_errors: float = 0
    requests: float = 0
    errors: float = 0

    def fold(self, n: float, x: float, phi: float = 1.0) -> Self:
        """With `n` more requests of control, `x` of which failed; `phi` errors hang together as one."""
        requests, errors = self.requests + n, self.errors + x
        is_full = requests >= BLOCK_REQUESTS and errors >= BLOCK_ERRORS * phi
        if is_full or requests >= BLOCK_REQUESTS_MAX:
            return type(self)(requests, errors)
        return type(self)(self.last_requests, self.last_errors, requests, errors)

    @property
    def rate(self) -> float | None:
        """The rate over the window; None before there were 500 requests.

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
