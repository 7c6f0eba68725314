"""A suspicion: one process over the whole ramp that proves "worse than the bound", and when it may start afresh."""

from collections.abc import Sequence
from functools import lru_cache
from math import exp, inf, log
from operator import mul
from typing import Any, NamedTuple, Self

from ramp.core.dispersion import tempered
from ramp.core.martingale import ABOVE_PRIOR, MAX_COUNT, Above, first_count, log_gains

FIRST_WEIGHT = 0.6  # most faults are there from the first request on
STEP_WEIGHT = 0.15  # a new share is where the next ones start
LATE_WEIGHT = 0.25
LATE_SUM = 2.1097428  # sum over k >= 2 of 1 / (k ln^2 k)
RARE = 0.1  # expected events of a bucket up to which only "any event" counts
FEW = 0.5  # and up to which nobody trusts them to be independent before control has shown it
CLUSTER = 8.0  # the dispersion that is assumed meanwhile
BUCKETS_AHEAD = 100  # that a forecast of events looks into
CLUSTERED_ODDS_MAX = 3.5  # larger multipliers bet on single events, which a cluster multiplies
LOG_GAIN_MAX = 700.0  # exp of more overflows, and proves whatever is asked


class Suspicion(NamedTuple):
    """`buckets` and `steps` are those with trials so far: they choose the restart weight, which sums to 1 at most."""

    above: Above = Above()
    buckets: int = 0
    steps: int = 0
    step: int = -1

    def fold(self, step: int, n: float, x: float, p0: float, power: float = 1.0, *, is_known: bool = True) -> Self:
        """With a bucket of `n` trials at `step`, `x` of them events, against the bound `p0` in (0, 1].

        `power` < 1 says that control's failures cluster, `is_known` False that it has not failed often enough to tell.
        """
        if n <= 0:
            return self
        is_new_step = step != self.step
        weight = _weight(self.buckets, self.steps if is_new_step else None)
        above = self.above.grown(_log_gains(n, x, p0, power, is_known=is_known), weight)
        return type(self)(above, self.buckets + 1, self.steps + is_new_step, step)

    def events_until(
        self, odds: float, p0: float, power: float = 1.0, *, bucket: int = 1, is_known: bool = True
    ) -> tuple[int, float]:
        """How many events in a row, `bucket` of them in each bucket, raise the odds of a rate above `p0` to `odds`.

        And the odds that they raise it to. MAX_COUNT when a hundred such buckets do not.
        """
        if self.above.log_e >= log(odds):
            return 0, exp(min(LOG_GAIN_MAX, self.above.log_e))

        def factors(events: int, buckets: int = 1) -> list[float]:
            gains = _log_gains(events, events, p0, power, is_known=is_known)
            return [exp(min(LOG_GAIN_MAX, buckets * gain)) for gain in gains]

        # As `fold` has it, bucket after bucket, but in plain numbers: below such odds none of them overflows.
        after, of_bucket = [exp(log_r) for log_r in self.above.log_r], factors(bucket)
        if _value(_grown(after, 1.0, factors(bucket, BUCKETS_AHEAD))) < odds:  # with all the weight there is, at once
            return MAX_COUNT, 0.0
        for ahead in range(BUCKETS_AHEAD):
            weight = _weight(self.buckets + ahead, 0 if self.step < 0 and not ahead else None)
            before, after = after, _grown(after, weight, of_bucket)
            if _value(after) >= odds:
                break
        else:
            return MAX_COUNT, 0.0

        def value(events: int) -> float:
            return _value(_grown(before, weight, factors(events))) if events else 0.0

        last = first_count(lambda events: events >= bucket or value(events) >= odds)
        return ahead * bucket + last, min(value(last), _value(after))

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


def _log_gains(n: float, x: float, p0: float, power: float, *, is_known: bool) -> list[float]:
    """What a bucket adds to ln R of each multiplier; the arguments are those of `Suspicion.fold`.

    Events of one bucket may come in clusters. While few are expected (n p0 <= 0.1) only "any event" counts, against
    n p0, which bounds its probability however the events hang together (union bound).
    """
    if n * p0 <= RARE:
        return log_gains(1, min(x, 1), n * p0)
    if not is_known and n * p0 <= FEW:
        power = min(power, tempered(min(n, CLUSTER)))
    return log_gains(n, x, p0, power=power, odds_max=CLUSTERED_ODDS_MAX if power < 1 else inf)


def _grown(levels: Sequence[float], weight: float, factors: Sequence[float]) -> list[float]:
    """(R + w) exp(l) of each multiplier."""
    return [(level + weight) * factor for level, factor in zip(levels, factors, strict=True)]


def _value(levels: Sequence[float]) -> float:
    """E of each R."""
    return float(sum(map(mul, ABOVE_PRIOR, levels)))


@lru_cache(maxsize=4096)
def _weight(bucket: int, step: int | None) -> float:
    """The restart weight of the `bucket`-th bucket, from 0; `step` counts the steps before it when it opens one."""
    late = LATE_WEIGHT / (LATE_SUM * (bucket + 2) * log(bucket + 2) ** 2)
    if step is None:
        return late
    return late + (FIRST_WEIGHT if step == 0 else STEP_WEIGHT / (step * (step + 1)))
