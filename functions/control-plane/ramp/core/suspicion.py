"""A suspicion: one process over the whole ramp that proves "worse than the bound", and when it may start afresh."""

from collections.abc import Sequence
from functools import lru_cache
from math import inf, log
from typing import Any, NamedTuple, Self

from ramp.core.dispersion import tempered
from ramp.core.martingale import MAX_COUNT, Above, first_count

FIRST_WEIGHT = 0.6  # most faults are there from the first request on
STEP_WEIGHT = 0.15  # a new share is where the next ones start
LATE_WEIGHT = 0.25
LATE_SUM = 2.1097428  # sum over k >= 2 of 1 / (k ln^2 k)
RARE = 0.1  # expected events of a bucket up to which only "any event" counts
FEW = 0.5  # and up to which nobody trusts them to be independent before control has shown it
CLUSTER = 8.0  # the dispersion that is assumed meanwhile
BUCKETS_AHEAD = 100  # that a forecast of events looks into
CLUSTERED_ODDS_MAX = 3.5  # larger multipliers bet on single events, which a cluster multiplies


class Suspicion(NamedTuple):
    """`buckets` and `steps` are those with trials so far: they choose the restart weight, which sums to 1 at most."""

    above: Above = Above()
    buckets: int = 0
    steps: int = 0
    step: int = -1

    def fold(self, step: int, n: float, x: float, p0: float, power: float = 1.0, *, is_known: bool = True) -> Self:
        """With a bucket of `n` trials at `step`, `x` of them events, against the bound `p0` in (0, 1].

        Events of one bucket may come in clusters. While few are expected (n p0 <= 0.1) only "any event" counts, against
        n p0, which bounds its probability however the events hang together (union bound). Beyond, `power` < 1 says that
        control's failures cluster, and `is_known` False that control has not failed often enough to tell.
        """
        if n <= 0:
            return self
        is_new_step = step != self.step
        weight = _weight(self.buckets, self.steps if is_new_step else None)
        if n * p0 <= RARE:
            above = self.above.fold(1, min(x, 1), n * p0, weight=weight)
        else:
            if not is_known and n * p0 <= FEW:
                power = min(power, tempered(min(n, CLUSTER)))
            odds_max = CLUSTERED_ODDS_MAX if power < 1 else inf
            above = self.above.fold(n, x, p0, weight=weight, power=power, odds_max=odds_max)
        return type(self)(above, self.buckets + 1, self.steps + is_new_step, step)

    def events_until(
        self, odds: float, p0: float, power: float = 1.0, *, bucket: int = 1, is_known: bool = True
    ) -> int:
        """How many events in a row, `bucket` of them in each bucket, raise the odds of a rate above `p0` to `odds`.

        MAX_COUNT when a hundred such buckets do not.
        """
        before, seen, step = self, 0, max(0, self.step)
        for _ in range(BUCKETS_AHEAD):
            after = before.fold(step, bucket, bucket, p0, power, is_known=is_known)
            if after.above.log_e >= log(odds):
                break
            before, seen = after, seen + bucket
        else:
            return MAX_COUNT
        return seen + first_count(
            lambda n: n >= bucket or before.fold(step, n, n, p0, power, is_known=is_known).above.log_e >= log(odds)
        )

    def trials_until_below(self, odds: float, p0: float, power: float = 1.0) -> int:
        """How many trials in a row without an event bring the odds that the rate is above `p0` below `odds`."""
        odds_max = CLUSTERED_ODDS_MAX if power < 1 else inf
        return first_count(lambda n: self.above.fold(n, 0, p0, power=power, odds_max=odds_max).log_e < log(odds))

    def to_wire(self) -> list[Any]:
        """Plain JSON."""
        return [self.above.to_wire(), self.buckets, self.steps, self.step]

    @classmethod
    def from_wire(cls, wire: Sequence[Any]) -> Self:
        """The inverse of `to_wire`, to the bit."""
        above, *counts = wire
        return cls(Above.from_wire(above), *counts)


@lru_cache(maxsize=4096)
def _weight(bucket: int, step: int | None) -> float:
    """The restart weight of the `bucket`-th bucket, from 0; `step` counts the steps before it when it opens one."""
    late = LATE_WEIGHT / (LATE_SUM * (bucket + 2) * log(bucket + 2) ** 2)
    if step is None:
        return late
    return late + (FIRST_WEIGHT if step == 0 else STEP_WEIGHT / (step * (step + 1)))
