"""GrowthBook's sequential test, one-sided: the difference of failure rates with an asymptotic confidence sequence.

Half-width sqrt(s2) * sqrt(2 (n r2 + 1) / (n r)^2 * ln(1 + sqrt(n r2 + 1) / (2 alpha))), r tuned to n = 5000.
Source: growthbook/growthbook gbstats/frequentist/tests.py (sequential one-sided); Waudby-Smith et al. 2021,
"Time-uniform central limit theory and asymptotic confidence sequences".
"""

from collections.abc import Sequence
from math import log, sqrt

import numpy as np
from ramp.core.bucket import Bucket

from benchmarks.gate.look import Look, Word

ALPHA, TUNING = 0.05, 5_000
RHO_SQUARED = (-2 * log(2 * ALPHA) + log(-2 * log(2 * ALPHA) + 1)) / TUNING


class GrowthBook:
    """Rolls back when the candidate is surely worse; nothing else stops it."""

    def __init__(self, history: Sequence[Bucket], rng: np.random.Generator) -> None:
        self._step = -1
        self._counts = [0, 0, 0, 0]

    def look(self, look: Look) -> Word:
        """Each step is an experiment of its own, since the shares differ."""
        if look.step != self._step:
            self._step, self._counts = look.step, [0, 0, 0, 0]
        b = look.bucket
        seen = (b.candidate_requests, b.candidate_errors, b.control_requests, b.control_errors)
        self._counts = [a + c for a, c in zip(self._counts, seen, strict=True)]
        if is_worse(*self._counts):
            return Word.ROLL_BACK
        return Word.ADVANCE if look.is_bake_over else Word.EXTEND


def is_worse(n: int, x: int, control_n: int, control_x: int) -> bool:
    """Whether the lower confidence bound of the difference is above nought."""
    if not n or not control_n or x + control_x == 0:
        return False
    p, q, total = x / n, control_x / control_n, n + control_n
    s2 = total * (p * (1 - p) / n + q * (1 - q) / control_n)
    grown = total * RHO_SQUARED + 1
    half = sqrt(s2) * sqrt(2 * grown / (total**2 * RHO_SQUARED) * log(1 + sqrt(grown) / (2 * ALPHA)))
    return s2 > 0 and p - q - half > 0
