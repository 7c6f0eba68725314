"""A stretch of one step's buckets folded at once: the fold of ramp.core.sequential_gate in arrays, for many rehearsals.

The gate's own fold takes a bucket at a time, which is what a look needs and too slow for a thousand ramps of a week.
Here every state after 1, 2, … buckets comes out of one pass; a test holds each to the gate's own. Judging stays the
gate's: `state(count)` is a GateState like any other.

Floats differ from the gate's in the last digits only, because sums are formed in another order.
"""

from functools import cached_property
from math import inf
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from ramp.core.dispersion import (
    BLOCK_BUCKETS,
    BLOCKS_KEPT,
    CLUSTERED_ABOVE,
    KNOWN_ERRORS,
    MARGIN,
    SIGMAS,
    Dispersion,
)
from ramp.core.dispersion import BLOCK_ERRORS as DISPERSION_ERRORS
from ramp.core.martingale import ABOVE_ODDS, ABOVE_PRIOR, Above
from ramp.core.policy import REQUESTS_PER_USER_DAY, SHARE_BAND, Policy
from ramp.core.recent_rate import BLOCK_ERRORS, BLOCK_REQUESTS, BLOCK_REQUESTS_MAX, ENOUGH_REQUESTS, RecentRate
from ramp.core.sequential_gate import SESSION_REQUESTS, GateState
from ramp.core.suspicion import (
    CLUSTER,
    CLUSTERED_ODDS_MAX,
    FEW,
    FIRST_WEIGHT,
    LATE_SUM,
    LATE_WEIGHT,
    RARE,
    STEP_WEIGHT,
    Suspicion,
)
from ramp.core.tally import StepTally, Tally
from ramp.core.units import DAY_SECONDS, WHOLE_PPM

from rampctl.rehearsal.dealing import COLUMN, Counts

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
LOG_ODDS = np.log(ABOVE_ODDS)[:, None]
LESS = np.array(ABOVE_ODDS)[:, None] - 1
LOG_PRIOR = np.log(ABOVE_PRIOR)[:, None]
IS_SMALL = LESS < CLUSTERED_ODDS_MAX


class Suspicions(NamedTuple):
    """One suspicion after each bucket that it counts. `upto` is how many it has counted after each of all buckets."""

    before: Suspicion
    step: int
    upto: Counts
    log_r: Floats
    log_e: Floats
    log_peak: Floats

    @classmethod
    def fold(
        cls, before: Suspicion, step: int, n: Floats, x: Floats, p0: Floats, power: Floats | None, is_known: Flags
    ) -> Self:
        """As `Suspicion.fold`, for each bucket with trials; `power` None is 1 and known."""
        counts = n > 0
        upto, is_new = np.cumsum(counts, dtype=np.int64), step != before.step
        n, x, p0 = n[counts], x[counts], p0[counts]
        expected = n * p0
        tempering = np.ones(len(n))
        if power is not None:
            is_few = ~is_known[counts] & (expected <= FEW)
            tempering = np.where(is_few, np.minimum(power[counts], tempered(np.minimum(n, CLUSTER))), power[counts])
        is_rare = expected <= RARE
        n, x, p0 = np.where(is_rare, 1, n), np.where(is_rare, np.minimum(x, 1), x), np.where(is_rare, expected, p0)
        tempering = np.where(is_rare, 1, tempering)
        bucket = before.buckets + np.arange(len(n)) + 2
        weight = LATE_WEIGHT / (LATE_SUM * bucket * np.log(bucket) ** 2)
        if is_new and len(n):
            weight[0] += FIRST_WEIGHT if not before.steps else STEP_WEIGHT / (before.steps * (before.steps + 1))
        steps = tempering * (x * LOG_ODDS - n * np.log1p(p0 * LESS))
        steps[~IS_SMALL & (tempering < 1)] = 0
        total = np.cumsum(steps, axis=1)
        # R + w grows by exp(step): in terms of R / exp(total) each bucket only adds its weight / exp(total before it)
        start = np.array(before.above.log_r)[:, None]
        log_r = total + np.logaddexp.accumulate(np.hstack([start, np.log(weight) - total + steps]), axis=1)[:, 1:]
        terms = log_r + LOG_PRIOR
        top = terms.max(axis=0)
        log_e = top + np.log(np.exp(terms - top).sum(axis=0))
        log_peak = np.maximum.accumulate(np.maximum(log_e, before.above.log_peak))
        return cls(before, step, upto, log_r, log_e, log_peak)

    def after(self, count: int) -> Suspicion:
        """The suspicion after the first `count` buckets."""
        counted = int(self.upto[count - 1])
        if not counted:
            return self.before
        last = counted - 1
        above = Above(tuple(self.log_r[:, last].tolist()), float(self.log_peak[last]), float(self.log_e[last]))
        steps = self.before.steps + (self.step != self.before.step)
        return Suspicion(above, self.before.buckets + counted, steps, self.step)

    def highest(self) -> Floats:
        """The highest ln E so far, after each bucket."""
        known = np.append(self.before.above.log_peak, self.log_peak)
        return known[self.upto]


class Dispersions(NamedTuple):
    """Control's dispersion after each bucket."""

    blocks: list[tuple[int, Dispersion]]
    phi: Floats
    is_known: Flags

    @classmethod
    def fold(cls, before: Dispersion, n: Floats, x: Floats) -> Self:
        """As `Dispersion.fold`. `blocks` are where one is full, and what is known then."""
        counts = n > 0
        buckets, requests, errors = np.cumsum(counts), np.cumsum(n), np.cumsum(x)
        squares = np.cumsum(np.divide(x * x, n, out=np.zeros(len(n)), where=counts))
        phi, blocks, start, block = np.ones(len(n)), [(0, before)], 0, before
        while start < len(n):
            base = [sums[start - 1] if start else 0 for sums in (buckets, requests, errors, squares)]
            full = max(
                np.searchsorted(buckets, BLOCK_BUCKETS - block.buckets + base[0]),
                np.searchsorted(errors, DISPERSION_ERRORS - block.errors + base[2]),
            )
            stop = min(int(full), len(n))
            here = slice(start, stop)
            sums = (
                block.buckets + buckets[here] - base[0],
                block.requests + requests[here] - base[1],
                block.errors + errors[here] - base[2],
                block.squares + squares[here] - base[3],
            )
            phi[here] = block.phi if block.phis else _first_phi(*sums)
            if stop == len(n):
                break
            whole = Dispersion(
                block.phis,
                block.known_errors + float(errors[stop] - base[2]),
                int(block.buckets + buckets[stop] - base[0]),
                float(block.requests + requests[stop] - base[1]),
                float(block.errors + errors[stop] - base[2]),
                float(block.squares + squares[stop] - base[3]),
            )
            block = Dispersion((*block.phis, whole.block_phi())[-BLOCKS_KEPT:], whole.known_errors)
            phi[stop] = block.phi
            start = stop + 1
            blocks.append((start, block))
        return cls(blocks, phi, before.known_errors + errors >= KNOWN_ERRORS)

    def power(self, n: Floats) -> Floats:
        """As `Dispersion.power`, bucket by bucket."""
        return tempered(np.minimum(self.phi, n))

    def after(self, count: int, sums: Floats) -> Dispersion:
        """What is known after the first `count` buckets; `sums` as `Stretch.sums`."""
        start, block = next(pair for pair in reversed(self.blocks) if pair[0] <= count)
        requests, errors, buckets, squares = (sums[:4, count] - sums[:4, start]).tolist()
        return Dispersion(
            block.phis,
            block.known_errors + errors,
            block.buckets + int(buckets),
            block.requests + requests,
            block.errors + errors,
            block.squares + squares,
        )


class RecentRates(NamedTuple):
    """Control's recent rate after each bucket; `rate` is NaN while it is unknown."""

    blocks: list[tuple[int, RecentRate]]
    rate: Floats

    @classmethod
    def fold(cls, before: RecentRate, n: Floats, x: Floats, phi: Floats) -> Self:
        """As `RecentRate.fold`. `blocks` are where one is full, and what is known then."""
        requests, errors = np.cumsum(n), np.cumsum(x)
        rate, blocks, start, block = np.empty(len(n)), [(0, before)], 0, before
        while start < len(n):
            grown = block.requests + requests[start:] - (requests[start - 1] if start else 0)
            failed = block.errors + errors[start:] - (errors[start - 1] if start else 0)
            full = ((grown >= BLOCK_REQUESTS) & (failed >= BLOCK_ERRORS * phi[start:])) | (grown >= BLOCK_REQUESTS_MAX)
            length = int(full.argmax()) if full.any() else len(full)
            window = block.last_requests + grown[:length]
            known = np.minimum(1.0, (block.last_errors + failed[:length] + 1) / (window + 1))
            rate[start : start + length] = np.where(window >= ENOUGH_REQUESTS, known, np.nan)
            if length == len(full):
                break
            block = RecentRate(float(grown[length]), float(failed[length]))
            start += length + 1
            rate[start - 1] = np.nan if block.rate is None else block.rate
            blocks.append((start, block))
        return cls(blocks, rate)

    def after(self, count: int, sums: Floats) -> RecentRate:
        """What is known after the first `count` buckets; `sums` as `Stretch.sums`."""
        start, block = next(pair for pair in reversed(self.blocks) if pair[0] <= count)
        requests, errors = (sums[:2, count] - sums[:2, start]).tolist()
        return block._replace(requests=block.requests + requests, errors=block.errors + errors)


class Stretch:
    """Buckets of `seconds` at `step`, none of them folded into `state` yet, in the order of time.

    `starts` are epoch seconds; `rows` hold their counts, with the columns of `dealing.COUNTED`.
    """

    def __init__(
        self, state: GateState, starts: Floats, seconds: float, step: int, share_ppm: int, rows: Counts, policy: Policy
    ) -> None:
        self._state, self._starts, self._seconds, self._step = state, starts, seconds, step
        self.ends = starts + seconds
        self._count = {name: rows[:, index].astype(np.float64) for name, index in COLUMN.items()}
        c = self._count
        self._dispersions = Dispersions.fold(state.dispersion, c["control_requests"], c["control_errors"])
        self._rates = RecentRates.fold(state.control, c["control_requests"], c["control_errors"], self._dispersions.phi)
        self._tallies: dict[str, tuple[Floats, Floats]] = {}
        self._suspicions: dict[str, Suspicions] = {}
        self._fold(share_ppm, policy)

    @cached_property
    def sums(self) -> Floats:
        """What has been counted before each bucket, and after the last: for control, then the tallies, then the step.

        Control's are requests, errors, buckets with requests, and the sum of errors squared over requests.
        """
        c = self._count
        n, x = c["control_requests"], c["control_errors"]
        rows = [n, x, (n > 0).astype(np.float64), np.divide(x * x, n, out=np.zeros(len(n)), where=n > 0)]
        for trials, events in self._tallies.values():
            rows += [trials, np.minimum(trials, events), trials * trials]
        rows += [c["candidate_requests"], c["shadow_requests"], c["candidate_comparisons"] + c["shadow_comparisons"]]
        for arm in ("candidate", "shadow"):
            rows.append(np.where((n > 0) & (c[f"{arm}_requests"] > 0), c["control_slow"] + c[f"{arm}_slow"], 0))
        return np.hstack([np.zeros((len(rows), 1)), np.cumsum(rows, axis=1)])

    def state(self, count: int) -> GateState:
        """The gate after the first `count` buckets."""
        if not count:
            return self._state
        state, totals = self._state, self.sums[:, count].tolist()
        parts: dict[str, Any] = {name: folded.after(count) for name, folded in self._suspicions.items()}
        for name, at in zip(self._tallies, range(_CONTROL, len(totals), _TALLY), strict=False):
            parts[name] = _plus(getattr(state, name), totals[at : at + _TALLY])
        return state._replace(
            horizon=float(self.ends[count - 1]),
            started_at=min(state.started_at, float(self._starts[0])),
            step=self._step_tally(count, totals),
            control=self._rates.after(count, self.sums),
            dispersion=self._dispersions.after(count, self.sums),
            **parts,
        )

    def control_requests(self, count: int) -> int:
        """Requests that control served in the first `count` buckets."""
        return int(self.sums[0, count])

    def highest(self) -> Floats:
        """The highest ln E that any suspicion has stood at, after each bucket."""
        highest = [folded.highest() for folded in self._suspicions.values()]
        return np.max(highest, axis=0) if highest else np.full(len(self.ends), -inf)

    def _fold(self, share_ppm: int, policy: Policy) -> None:
        c, rate = self._count, self._rates.rate
        is_known = ~np.isnan(rate)
        absolute = np.where(is_known, np.clip(policy.error_ratio * rate, policy.error_limit, 1.0), policy.error_limit)
        relative = np.clip(policy.relative_ratio * np.where(is_known, rate, 0), policy.relative_limit, 1.0)
        if share_ppm:
            self._share(share_ppm / WHOLE_PPM)
        if c["candidate_requests"].any():
            n, x = c["candidate_requests"], c["candidate_errors"]
            if policy.fallback:
                n, x = _discordant(n, x, c["candidate_discordant_errors"])
            self._suspect("errors", n, x, absolute, is_tempered=True)
            self._suspect("relative_errors", np.where(is_known, n, 0), x, relative, is_tempered=True)
            self._tallies["live"] = n, x
            self._slow("latency", "slow_live", "candidate")
        if c["shadow_requests"].any():
            n, x = _discordant(c["shadow_requests"], c["shadow_errors"], c["shadow_discordant_errors"])
            self._suspect("shadow_errors", n, x, absolute, is_tempered=True)
            self._tallies["shadow"] = n, x
            self._slow("shadow_latency", "slow_shadow", "shadow")
        compared = c["candidate_comparisons"] + c["shadow_comparisons"]
        if compared.any():
            differ = np.minimum(c["candidate_mismatches"] + c["shadow_mismatches"], compared)
            self._suspect("mismatches", compared, differ, np.full(len(compared), policy.mismatch_limit))
            self._tallies["comparisons"] = compared, differ

    def _share(self, target: float) -> None:
        c = self._count
        days = (self.ends - min(self._state.started_at, self._starts[0])) / DAY_SECONDS
        per_user = SESSION_REQUESTS + REQUESTS_PER_USER_DAY * days
        x = c["candidate_requests"] / per_user
        n = (c["candidate_requests"] + c["control_requests"]) / per_user
        low, high = target * SHARE_BAND[0], min(1.0, target * SHARE_BAND[1])
        self._suspect("share_high", n, x, np.full(len(n), high))
        self._suspect("share_low", n, n - x, np.full(len(n), 1 - low))

    def _slow(self, name: str, tally: str, arm: str) -> None:
        c = self._count
        requests, slow, control = c[f"{arm}_requests"], c[f"{arm}_slow"], c["control_requests"]
        both = np.where((requests > 0) & (control > 0), c["control_slow"] + slow, 0)
        if arm == "candidate" and self._step > self._state.step.step:
            both[0] = 0  # a new share starts new sandboxes, which are slow once
        fair = requests / np.maximum(requests + control, 1)
        self._suspect(name, both, slow, fair)
        self._tallies[tally] = both, np.where(both > 0, slow, 0)

    def _suspect(self, name: str, n: Floats, x: Floats, p0: Floats, *, is_tempered: bool = False) -> None:
        power = self._dispersions.power(n) if is_tempered else None
        before = getattr(self._state, name)
        self._suspicions[name] = Suspicions.fold(
            before, self._step, n, np.minimum(x, n), p0, power, self._dispersions.is_known
        )

    def _step_tally(self, count: int, totals: list[float]) -> StepTally:
        before = self._state.step if self._state.step.step == self._step else StepTally(self._step)
        candidate, shadow, comparisons, slow, slow_shadow = totals[-5:]
        return StepTally(
            self._step,
            before.seconds + count * self._seconds,
            before.control + totals[0],
            before.candidate + candidate,
            before.shadow + shadow,
            before.comparisons + comparisons,
            before.slow + slow,
            before.slow_shadow + slow_shadow,
            before.misrouted,
        )


_CONTROL, _TALLY = 4, 3  # how many rows of `Stretch.sums` are control's, and how many each tally's


def tempered(phi: Floats) -> Floats:
    """As `ramp.core.dispersion.tempered`, of each."""
    return np.where(phi <= 1, 1.0, 1 / (MARGIN * np.maximum(phi, 1)))


def _plus(tally: Tally, more: list[float]) -> Tally:
    trials, events, squares = more
    return Tally(tally.trials + trials, tally.events + events, tally.squares + squares)


def _discordant(requests: Floats, errors: Floats, discordant: Floats) -> tuple[Floats, Floats]:
    informative = requests - np.maximum(0, errors - discordant)
    return informative, np.minimum(discordant, informative)


def _first_phi(buckets: Floats, requests: Floats, errors: Floats, squares: Floats) -> Floats:
    """`Dispersion.phi` before the first block is full."""
    is_told = (buckets >= 2) & (errors >= DISPERSION_ERRORS)  # noqa: PLR2004  # a variance takes two
    p = np.where(is_told, errors / np.maximum(requests, 1), 0.0)
    spread = (buckets - 1) * p * (1 - p)
    phi = np.where(spread > 0, (squares - errors * p) / np.where(spread > 0, spread, 1), 1.0)
    noise = SIGMAS * np.sqrt(2 / np.maximum(buckets - 1, 1))
    return np.where(is_told & (phi > np.maximum(CLUSTERED_ABOVE, 1 + noise)), phi, 1.0)
