"""Netflix's sequential multinomial test: are failures dealt to the arms as the requests are?

The Bayes factor of a Dirichlet alternative against the shares is a test martingale; 1 / BF below alpha rejects.
Source: Lindon and Malek 2022, "Anytime-Valid Inference for Multinomial Count Data" (NeurIPS), equations 4-6.
"""

from collections.abc import Sequence
from math import lgamma, log

import numpy as np
from ramp.core.bucket import Bucket

from benchmarks.gate.look import Look, Word

ALPHA, CONCENTRATION = 0.05, 100.0  # the paper centres the prior on the shares


class Multinomial:
    """Rolls back when failures fall on the candidate out of proportion; nothing else stops it."""

    def __init__(self, history: Sequence[Bucket], rng: np.random.Generator) -> None:
        self._step = -1
        self._candidate = self._control = 0

    def look(self, look: Look) -> Word:
        """Each step is a test of its own, since the shares differ."""
        if look.step != self._step:
            self._step, self._candidate, self._control = look.step, 0, 0
        self._candidate += look.bucket.candidate_errors
        self._control += look.bucket.control_errors
        share = look.schedule.stages[look.step].share_ppm / 1e6
        if 0 < share < 1 and self._is_rejected(share):
            return Word.ROLL_BACK
        return Word.ADVANCE if look.is_bake_over else Word.EXTEND

    def _is_rejected(self, share: float) -> bool:
        x, y = self._candidate, self._control
        if x <= share * (x + y):
            return False
        a, b = CONCENTRATION * share, CONCENTRATION * (1 - share)
        log_factor = _log_beta(a + x, b + y) - _log_beta(a, b) - x * log(share) - y * log(1 - share)
        return log_factor > -log(ALPHA)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
