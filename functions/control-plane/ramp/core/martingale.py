"""Two test martingales for a rate of failures: one proves "worse than a bound", one certifies "better than a bound".

For x events in n trials against a bound p0 and an odds multiplier m, the log-likelihood ratio of one bucket is

    l(m) = x ln m - n ln(1 + p0 (m - 1))

and E[exp l] <= 1 whenever the true rate is at most p0 (m > 1) or at least p0 (m < 1), bucket by bucket, even when the
rate drifts below the bound. So the process is a test supermartingale, and looking every minute costs nothing:
P(the value ever reaches 1/alpha) <= alpha.

Source: Ville 1939 (the inequality); Robbins 1970, "Statistical methods related to the law of the iterated logarithm"
(mixtures over m); Howard, Ramdas, McAuliffe and Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence
sequences" (sub-Bernoulli processes, drifting rates).

Everything is kept as logarithms, so nothing overflows; floats survive JSON exactly, so a resumed fold gives the same
bits.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import exp, expm1, inf, log, log1p
from operator import add
from typing import NamedTuple, Self

# Odds multipliers of Above and the prior over them. Small multipliers carry most of the prior: a fault just over the
# limit needs every bit of it, while a large fault pays for a small prior with less than one more failure.
ABOVE_ODDS = (1.3, 2.0, 3.5, 7.0, 20.0, 100.0, 1000.0)
ABOVE_PRIOR = (0.40, 0.18, 0.11, 0.08, 0.08, 0.08, 0.07)
BELOW_ODDS = (0.0, 0.03, 0.1, 0.25, 0.5, 0.75)
BELOW_PRIOR = (1 / 6,) * 6


class _Grid(NamedTuple):
    """A grid of multipliers: ln m, m - 1, and ln prior of each."""

    log_m: tuple[float, ...]
    less: tuple[float, ...]
    log_q: tuple[float, ...]

    @classmethod
    def of(cls, odds: Sequence[float], prior: Sequence[float]) -> Self:
        return cls(tuple(log(m) if m else -inf for m in odds), tuple(m - 1 for m in odds), tuple(log(q) for q in prior))


_ABOVE, _BELOW = _Grid.of(ABOVE_ODDS, ABOVE_PRIOR), _Grid.of(BELOW_ODDS, BELOW_PRIOR)

MAX_COUNT = 10**12  # where the searches below give up: more requests than any ramp sees
# The last step of a bound's search: what is left after it is its square, far finer than anybody reads.
ENOUGH, STEPS_MAX = 1e-6, 50


class Above(NamedTuple):
    """Evidence that a rate is above a bound: R <- (R + w) exp(l) for each multiplier, value E = sum of prior x R.

    The weights w that a caller gives must be fixed before the bucket is seen and sum to at most 1 over the whole ramp:
    then R plus the weight still to come is a supermartingale that starts at 1, and a fault that begins late is found
    by the weight of its own first bucket.

    `log_r` holds ln R for each multiplier of `ABOVE_ODDS`; `log_e` is ln E at present, `log_peak` the highest after any
    bucket.
    """

    log_r: tuple[float, ...] = (-inf,) * len(ABOVE_ODDS)
    log_peak: float = -inf
    log_e: float = -inf

    def fold(
        self, n: float, x: float, p0: float, *, weight: float = 0.0, power: float = 1.0, odds_max: float = inf
    ) -> Self:
        """The process after a bucket of `n` trials with `x` events against the bound `p0`.

        `weight` in [0, 1] is the restart weight; `power` in (0, 1] tempers l for clustered events; multipliers above
        `odds_max` sit the bucket out, which costs power and never validity.

        Raises:
            ValueError: unless 0 <= x <= n and 0 < p0 <= 1.
        """
        return self.grown(log_gains(n, x, p0, power=power, odds_max=odds_max), weight)

    def grown(self, gains: Sequence[float], weight: float) -> Self:
        """The process after a bucket that adds `gains` to ln R (`log_gains`); `weight` as in `fold`."""
        log_r: Sequence[float] = self.log_r
        if weight > 0:
            added = log(weight)
            # ln(R + w), from the larger of the two so that nothing overflows; written out, since it is most of a fold
            log_r = [r + log1p(exp(added - r)) if r > added else added + log1p(exp(r - added)) for r in log_r]
        log_r = tuple(map(add, log_r, gains))
        log_e = _mixture(log_r, _ABOVE)
        return type(self)(log_r, max(self.log_peak, log_e), log_e)

    def to_wire(self) -> list[float | None]:
        """Plain JSON: the peak, then ln R for each multiplier; None stands for minus infinity."""
        return _to_wire((self.log_peak, *self.log_r))

    @classmethod
    def from_wire(cls, wire: Sequence[float | None]) -> Self:
        """The inverse of `to_wire`, to the bit."""
        log_peak, *log_r = _from_wire(wire)
        return cls(tuple(log_r), log_peak, _mixture(log_r, _ABOVE))


class Below(NamedTuple):
    """A certificate that a rate is below a bound: R <- R exp(l) from R = 1, without restarts.

    Without restarts the order and size of buckets do not matter: the value depends on the totals only, so
    `Below().fold(trials, events, p0)` on totals is the whole process.
    `log_r` holds ln R for each multiplier of `BELOW_ODDS`.
    """

    log_r: tuple[float, ...] = (0.0,) * len(BELOW_ODDS)

    def fold(self, n: float, x: float, p0: float, *, power: float = 1.0) -> Self:
        """The process after a bucket of `n` trials with `x` events against the bound `p0`; `power` as in `Above.fold`.

        Raises:
            ValueError: unless 0 <= x <= n and 0 < p0 < 1.
        """
        _check(n, x, p0)
        if p0 == 1:
            raise ValueError(f"p0: certifies nothing, got {p0}, expected less than 1")
        gains = [
            power * ((x * log_m if x else 0.0) - n * log1p(p0 * less))
            for log_m, less in zip(_BELOW.log_m, _BELOW.less, strict=True)
        ]
        return type(self)(tuple(map(add, self.log_r, gains)))

    @property
    def log_e(self) -> float:
        """The natural logarithm of the present value E."""
        return _mixture(self.log_r, _BELOW)


def log_gains(n: float, x: float, p0: float, *, power: float = 1.0, odds_max: float = inf) -> list[float]:
    """l for each multiplier of `ABOVE_ODDS`; arguments and errors are those of `Above.fold`."""
    _check(n, x, p0)
    gains = [x * log_m - n * log_mean for log_m, log_mean in zip(_ABOVE.log_m, _log_means(p0), strict=True)]
    if power == 1 and odds_max == inf:
        return gains
    return [power * gain if less < odds_max else 0.0 for gain, less in zip(gains, _ABOVE.less, strict=True)]


def trials_until_certified(below: Below, p0: float, beta: float, *, power: float = 1.0) -> int:
    """How many more trials, all without an event, certify a rate below `p0` with error probability `beta`; 0: it is."""
    return first_count(lambda count: below.fold(count, 0, p0, power=power).log_e >= -log(beta))


def events_until_uncertified(below: Below, p0: float, beta: float, *, power: float = 1.0) -> int:
    """How many events in a row take the certificate away again; 0: there is none."""
    return first_count(lambda count: below.fold(count, count, p0, power=power).log_e < -log(beta))


def lower_bound(n: float, x: float, alpha: float, *, power: float = 1.0) -> float:
    """The highest rate in [0, 1] that `x` events in `n` trials prove to be exceeded, error probability `alpha`.

    Time-uniform: drawn at every look, the band misses the true rate of a steady arm with probability `alpha` at most.
    """
    if not x:
        return 0.0
    evidence = _Totals(n, x, _ABOVE, power, -log(alpha))
    return evidence.bound(max(0.0, *evidence.bounds_alone()))


NEARLY_ALL = 1.0 - 1e-12  # where the search for an upper bound begins at most: at 1 itself nothing is left to miss


def upper_bound(n: float, x: float, beta: float, *, power: float = 1.0) -> float:
    """The lowest rate in [0, 1] that `x` events in `n` trials certify to be missed, error probability `beta`."""
    if not n:
        return 1.0
    evidence = _Totals(n, x, _BELOW, power, -log(beta))
    return evidence.bound(min(NEARLY_ALL, *evidence.bounds_alone()))


def _check(n: float, x: float, p0: float) -> None:
    if not 0 <= x <= n:
        raise ValueError(f"x: is no count of events, got {x} in {n} trials, expected 0 to {n}")
    if not 0 < p0 <= 1:
        raise ValueError(f"p0: is no bound on a rate, got {p0}, expected more than 0 and at most 1")


@lru_cache(maxsize=256)
def _log_means(p0: float) -> tuple[float, ...]:
    """ln(1 + p0 (m - 1)) for each multiplier of `ABOVE_ODDS`: the same bound is asked of many buckets."""
    return tuple([log1p(p0 * less) for less in _ABOVE.less])


def _mixture(log_r: Sequence[float], grid: _Grid) -> float:
    terms: list[float] = [*map(add, log_r, grid.log_q)]
    top = max(terms)
    return top if top in (inf, -inf) else top + log(sum([exp(term - top) for term in terms]))


def first_count(holds: Callable[[int], bool]) -> int:
    """The smallest count at which `holds`, which must stay true from there on; MAX_COUNT when none does."""
    low, high = 0, 1
    if holds(0):
        return 0
    while not holds(high):
        low, high = high, high * 2
        if high > MAX_COUNT:
            return MAX_COUNT
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


class _Totals(NamedTuple):
    """`x` events in `n` trials with the whole prior of `grid` on them: against which rate is their ln E `log_odds`?"""

    n: float
    x: float
    grid: _Grid
    power: float
    log_odds: float

    def bounds_alone(self) -> list[float]:
        """The rate for each multiplier by itself, in closed form."""
        trials = self.power * self.n
        return [
            expm1((level - self.log_odds) / trials) / less
            for level, less in zip(self._levels(), self.grid.less, strict=True)
        ]

    def bound(self, rate: float) -> float:
        """The rate for all of them, from the one at which the best alone gets there; 0 or 1 when none between does.

        ln E is convex in the rate, and at the start too large: Newton's steps come nearer and never pass.
        """
        trials, levels, grid = self.power * self.n, self._levels(), self.grid.less
        for _ in range(STEPS_MAX):
            log_r = [level - trials * log1p(rate * less) for level, less in zip(levels, grid, strict=True)]
            top = max(log_r)
            parts = [exp(each - top) for each in log_r]
            total = sum(parts)
            slope = trials * sum([part * less / (1 + rate * less) for part, less in zip(parts, grid, strict=True)])
            step = (top + log(total) - self.log_odds) * total / slope
            rate += step
            if abs(step) <= ENOUGH * rate or not 0 < rate < 1:
                break
        return min(1.0, max(0.0, rate))

    def _levels(self) -> list[float]:
        """ln (q R) of each multiplier against a rate of nought."""
        gain = self.power * self.x
        return [
            log_q + gain * log_m if gain else log_q
            for log_m, log_q in zip(self.grid.log_m, self.grid.log_q, strict=True)
        ]


def _to_wire(values: Sequence[float]) -> list[float | None]:
    return [None if value == -inf else value for value in values]


def _from_wire(wire: Sequence[float | None]) -> list[float]:
    return [-inf if value is None else value for value in wire]
