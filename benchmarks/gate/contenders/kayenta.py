"""Kayenta's judge: at the end of a bake, Mann-Whitney on the minutes' error rates of candidate and control.

High when the lower end of the 98 % interval of the shift exceeds a quarter of the Hodges-Lehmann estimate; outliers
beyond 3 interquartile ranges are removed first; no data is no pass.
Source: spinnaker/kayenta NetflixACAJudge.scala, MannWhitneyClassifier.scala (fraction 0.25, confLevel 0.98).
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from ramp.core.bucket import Bucket

from benchmarks.gate.look import Look, Word

FRACTION, Z_98, OUTLIER_RANGES = 0.25, 2.3263, 3.0


class Kayenta:
    """Collects a step's minutes, judges once."""

    def __init__(self, history: Sequence[Bucket], rng: np.random.Generator) -> None:
        self._step = -1
        self._control: list[float] = []
        self._candidate: list[float] = []

    def look(self, look: Look) -> Word:
        """Nothing before the bake is over."""
        if look.step != self._step:
            self._step, self._control, self._candidate = look.step, [], []
        bucket = look.bucket
        if bucket.control_requests:
            self._control.append(bucket.control_errors / bucket.control_requests)
        if bucket.candidate_requests:
            self._candidate.append(bucket.candidate_errors / bucket.candidate_requests)
        if not look.is_bake_over:
            return Word.EXTEND
        stage = look.schedule.stages[look.step]
        if stage.share_ppm == 0 or (not self._control and self._candidate):  # at 100 % there is no control left
            return Word.ADVANCE
        if not self._candidate or is_high(np.array(self._candidate), np.array(self._control)):
            return Word.ROLL_BACK
        return Word.ADVANCE


def is_high(candidate: np.ndarray, control: np.ndarray) -> bool:
    """Whether the candidate's values are classified High; the interval is R's normal approximation (wilcox.test)."""
    a, b = _without_outliers(candidate), _without_outliers(control)
    shifts = np.sort((a[:, None] - b[None, :]).ravel())
    spread = sqrt(len(a) * len(b) * (len(a) + len(b) + 1) / 12)
    rank = int(max(0.0, len(shifts) / 2 - Z_98 * spread))
    estimate = float(np.median(shifts))
    return bool(shifts[rank] > FRACTION * abs(estimate))


def _without_outliers(values: np.ndarray) -> np.ndarray:
    low, high = np.percentile(values, [25, 75])
    reach = OUTLIER_RANGES * (high - low)
    kept = values[(values >= low - reach) & (values <= high + reach)]
    return kept if reach > 0 and len(kept) else values
