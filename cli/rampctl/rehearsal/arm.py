"""An arm: how often its reads fail, differ and are slow, at any moment of a ramp."""

from dataclasses import dataclass
from math import erfc, log, sqrt

import numpy as np
import numpy.typing as npt

from rampctl.rehearsal.scenario import Fault

Moments = npt.NDArray[np.float64]
"""Seconds since the ramp began."""
HEALTHY_ERRORS = 0.001  # of a read path that nothing is wrong with; Source: docs/gate.md, healthy 0.1 %
LATENCY_SIGMA = 0.5  # log-normal answer times; Source: benchmarks/gate/world.py
Z95 = 1.6449  # the 95th percentile of a normal distribution


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
        rate = np.full(at.shape, self._beyond(limit_ms, 1.0, 0.0))
        for fault in self._of("latency"):
            rate = np.where(at >= fault.at, self._beyond(limit_ms, fault.factor, fault.extra_ms), rate)
        return rate

    def p95_at(self, at: float) -> float:
        """The 95th percentile of its time at a moment, in milliseconds."""
        slower = [fault for fault in self._of("latency") if fault.at <= at]
        return self.p95_ms * slower[-1].factor + slower[-1].extra_ms if slower else self.p95_ms

    def _rate(self, at: Moments, words: tuple[str, ...], usual: float) -> Moments:
        rate = np.full(at.shape, usual)
        for fault in self._of(*words):
            rate = np.where(at >= fault.at, fault.rate, rate)
        return rate

    def _of(self, *kinds: str) -> list[Fault]:
        """Those faults in the order in which they begin, so that a later one takes an earlier one's place."""
        return sorted((fault for fault in self.faults if fault.kind in kinds), key=lambda fault: fault.at)

    def _beyond(self, limit_ms: float, factor: float, extra_ms: float) -> float:
        if limit_ms <= extra_ms:
            return 1.0
        z = Z95 + log((limit_ms - extra_ms) / (factor * self.p95_ms)) / LATENCY_SIGMA
        return 0.5 * erfc(z / sqrt(2))
