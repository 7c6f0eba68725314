"""Dispersion: how much more a minute's failures vary than independent requests would.

Retries and bursts make failures come in clusters, and a test that takes them for independent condemns healthy arms.
Control shows the clusters that the route has by itself.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Any, NamedTuple, Self

BLOCK_BUCKETS = 60  # an hour of minutes
BLOCK_ERRORS = 5  # fewer say nothing about clusters
BLOCKS_KEPT = 24
KNOWN_ERRORS = 20
CLUSTERED_ABOVE = 1.3
SIGMAS = 2.5  # a few minutes by themselves vary by sqrt(2 / buckets)
MARGIN = 1.2


class Dispersion(NamedTuple):
    """Control's index of dispersion in blocks of an hour; the median block speaks, so that one outage does not.

    In a block, phi = sum((x - n p)^2 / n) / ((buckets - 1) p (1 - p)), 1 for independent requests.
    Source: McCullagh and Nelder 1989, Generalized Linear Models, 4.5 (Pearson's estimate of the dispersion).
    """

    phis: tuple[float, ...] = ()
    known_errors: float = 0.0  # of all blocks
    buckets: int = 0
    requests: float = 0.0
    errors: float = 0.0
    squares: float = 0.0  # sum of x^2 / n

    def fold(self, n: float, x: float) -> Self:
        """With a bucket of control's `n` requests, `x` of which failed."""
        if n <= 0:
            return self
        sums = (self.buckets + 1, self.requests + n, self.errors + x, self.squares + x * x / n)
        grown = type(self)(self.phis, self.known_errors + x, *sums)
        if grown.buckets < BLOCK_BUCKETS or grown.errors < BLOCK_ERRORS:
            return grown
        return type(self)((*self.phis, grown.block_phi())[-BLOCKS_KEPT:], grown.known_errors)

    @property
    def phi(self) -> float:
        """The index of dispersion, at least 1; 1 as long as too little is known to say more."""
        if self.phis:
            phi = sorted(self.phis)[len(self.phis) // 2]
            return phi if phi > CLUSTERED_ABOVE else 1.0
        if self.buckets < 2 or self.errors < BLOCK_ERRORS:  # noqa: PLR2004  # a variance takes two
            return 1.0
        phi = self.block_phi()
        noise = SIGMAS * sqrt(2 / (self.buckets - 1))
        return phi if phi > max(CLUSTERED_ABOVE, 1 + noise) else 1.0

    @property
    def is_known(self) -> bool:
        """Whether control has failed often enough to show its clusters."""
        return self.known_errors >= KNOWN_ERRORS

    def power(self, n: float) -> float:
        """What log-likelihoods of buckets with `n` trials are multiplied by: 1, or 1 / (1.2 phi) when failures cluster.

        No bucket varies more than one that fails whole or not at all, so phi is at most n.
        """
        return tempered(min(self.phi, n))

    def block_phi(self) -> float:
        """The index of the block that fills; it takes two buckets and an error."""
        p = self.errors / self.requests
        spread = (self.buckets - 1) * p * (1 - p)
        return (self.squares - self.errors * p) / spread if spread else 1.0

    def to_wire(self) -> list[Any]:
        """Plain JSON."""
        return [list(self.phis), self.known_errors, self.buckets, self.requests, self.errors, self.squares]

    @classmethod
    def from_wire(cls, wire: Sequence[Any]) -> Self:
        """The inverse of `to_wire`."""
        phis, *sums = wire
        return cls(tuple(phis), *sums)


def tempered(phi: float) -> float:
    """The power that log-likelihoods get at a dispersion of `phi`."""
    return 1.0 if phi <= 1 else 1 / (MARGIN * phi)
