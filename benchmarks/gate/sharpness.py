"""How close the two primitives come to what any test needs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from ramp.core.martingale import Above, Below, trials_until_certified
from ramp.core.planner import divergence
from ramp.core.suspicion import FIRST_WEIGHT

from benchmarks.gate.goals import FLOOR_ALPHA

PATHS = 400


class Sharpness(NamedTuple):
    """Mean requests over the bound of Wald: ln(1 / alpha) / KL; `error` is the mean's standard error."""

    name: str
    requests: float
    bound: float
    error: float = 0.0
    detects: bool = False

    @property
    def ratio(self) -> float:
        """1 is perfect."""
        return self.requests / self.bound


def sharpness(seed: int) -> list[Sharpness]:
    """Detection of constant faults at error probability 1 %, and certificates of clean and half-clean arms."""
    rng = np.random.default_rng([seed, 1])
    found = []
    for rate, limit in ((0.025, 0.02), (0.05, 0.02), (0.05, 0.005), (0.2, 0.02), (0.2, 0.005)):
        requests = [_detection(rng, rate, limit) for _ in range(PATHS)]
        bound = -np.log(FLOOR_ALPHA) / divergence(rate, limit)
        found.append(Sharpness(f"detect {rate:.1%} above {limit:.1%}", *_mean(requests, bound), detects=True))
    for limit, beta in ((0.08, 0.05), (0.02, 0.01), (0.01, 0.01)):
        clean = trials_until_certified(Below(), limit, beta)
        found.append(Sharpness(f"certify 0 % below {limit:.0%}", clean, float(np.log(beta) / np.log1p(-limit))))
    requests = [_certificate(rng, 0.01, 0.02, 0.01) for _ in range(PATHS)]
    bound = -np.log(0.01) / divergence(0.01, 0.02)
    found.append(Sharpness("certify 1 % below 2 %", *_mean(requests, bound)))
    return found


def _mean(requests: Sequence[float], bound: float) -> tuple[float, float, float]:
    """Mean, bound, and the mean's standard error."""
    return float(np.mean(requests)), float(bound), float(np.std(requests) / np.sqrt(len(requests)))


def _detection(rng: np.random.Generator, rate: float, limit: float) -> float:
    above, n, chunk = Above().fold(0, 0, 1, weight=FIRST_WEIGHT), 0, max(1, round(0.2 / rate))
    while above.log_e < -np.log(FLOOR_ALPHA):
        above, n = above.fold(chunk, int(rng.binomial(chunk, rate)), limit), n + chunk
    return n


def _certificate(rng: np.random.Generator, rate: float, limit: float, beta: float) -> float:
    below, n, chunk = Below(), 0, 10
    while below.log_e < -np.log(beta):
        below, n = below.fold(chunk, int(rng.binomial(chunk, rate)), limit), n + chunk
    return n
