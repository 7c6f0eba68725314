"""An arm: how often its reads fail, differ and are slow, at any moment of a ramp."""

from dataclasses import dataclass
from functools import cache, partial
from math import erfc, log, sqrt

import numpy as np
import numpy.typing as npt
from ramp.core.wilson import Z_ONE_SIDED_95

from rampctl.rehearsal.scenario import Fault

Moments = npt.NDArray[np.float64]
"""Seconds since the ramp began."""
HEALTHY_ERRORS = 0.001  # of a read path that nothing is wrong with; Source: docs/gate.md, healthy 0.1 %
LATENCY_SIGMA = 0.5  # log-normal answer times; Source: benchmarks/gate/world.py


@dataclass(frozen=True)
class Arm:
    """`p95_ms` is control's 95th percentile, on which every arm's time is built; `faults` say what is worse."""

    p95_ms: float
    faults: tuple[Fault, ...] = ()

    def error_rate(self, at: Moments, *, live: bool = True) -> Moments:
        """Share of reads that fail: of users' requests, or, not `live`, of shadow reads."""
        words = ("errors", "live-errors") if live else ("errors",)
        rate = self._rate(at, words, HEALTHY_ERRORS)
        for fault in self.faults:
            if fault.kind in {"outage", "down"}:
                rate = np.where((fault.at <= at) & (at < fault.until), 1.0, rate)
        return rate

    def mismatch_rate(self, at: Moments) -> Moments:
        """Share of answers that differ from control's."""
        return self._rate(at, ("mismatch",), 0.0)

    def slower_rate(self, at: Moments, limit_ms: float) -> Moments:
        """Share of reads that take longer than `limit_ms`."""
        if not self._of("latency"):
            return np.full(at.shape, self._beyond(limit_ms, 1.0, 0.0))
        factors, extras_ms = (times.tolist() for times in self._times(at))
        beyond = cache(partial(self._beyond, limit_ms))
        return np.array([beyond(factor, extra_ms) for factor, extra_ms in zip(factors, extras_ms, strict=True)])

    def p95_at(self, at: float) -> float:
        """The 95th percentile of its time at a moment, in milliseconds."""
        if not self._of("latency"):
            return self.p95_ms
        factor, extra_ms = self._times(np.array([at]))
        return float(self.p95_ms * factor[0] + extra_ms[0])

    @property
    def cluster(self) -> float:
        """How many of its failures hang together, on average."""
        return max((fault.size for fault in self._of("cluster")), default=1.0)

    @property
    def broken_users(self) -> float:
        """Share of users whose every read of it fails."""
        return max((fault.rate for fault in self._of("broken-users")), default=0.0)

    @property
    def has_cold_starts(self) -> bool:
        """Whether the first reads of every step are slow."""
        return bool(self._of("cold-starts"))

    @property
    def has_broken_account(self) -> bool:
        """Whether one user's requests fail on either arm."""
        return bool(self._of("broken-account"))

    def _times(self, at: Moments) -> tuple[Moments, Moments]:
        """What control's time is multiplied with, and what comes on top."""
        factor, extra_ms = np.ones(at.shape), np.zeros(at.shape)
        for fault in self._of("latency"):
            factor, extra_ms = _grown(fault, at, factor, fault.factor), _grown(fault, at, extra_ms, fault.extra_ms)
        return factor, extra_ms

    def _rate(self, at: Moments, words: tuple[str, ...], usual: float) -> Moments:
        rate = np.full(at.shape, usual)
        for fault in self._of(*words):
            rate = _grown(fault, at, rate, fault.rate)
        return rate

    def _of(self, *kinds: str) -> list[Fault]:
        """Those faults in the order in which they begin, so that a later one takes an earlier one's place."""
        return sorted((fault for fault in self.faults if fault.kind in kinds), key=lambda fault: fault.at)

    def _beyond(self, limit_ms: float, factor: float, extra_ms: float) -> float:
        if limit_ms <= extra_ms:
            return 1.0
        z = Z_ONE_SIDED_95 + log((limit_ms - extra_ms) / (factor * self.p95_ms)) / LATENCY_SIGMA
        return 0.5 * erfc(z / sqrt(2))


def _grown(fault: Fault, at: Moments, before: Moments, whole: float) -> Moments:
    """`before` until the fault begins, `whole` once it has grown, and a straight line in between."""
    share = (at - fault.at) / (fault.whole_at - fault.at) if fault.whole_at else np.ones(at.shape)
    return np.where(at < fault.at, before, np.where(share >= 1, whole, before + (whole - before) * share))
