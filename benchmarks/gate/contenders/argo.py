"""Argo Rollouts: a background analysis takes a measurement a minute.

A measurement over the limit is Failed, and more than `failureLimit` of them fail the run; no data is an Error (an empty
result or NaN), and more than `consecutiveErrorLimit` (4 by default) in a row abort. The error rate may be 2 %, and
`failureLimit` is 3, as in its examples.
Source: argoproj/argo-rollouts analysis/analysis.go (assessMetricStatus), docs/features/analysis.md.
"""

from collections.abc import Sequence

import numpy as np
from ramp.core.bucket import Bucket

from benchmarks.gate.contenders.minutes import minutes
from benchmarks.gate.look import Look, Word

LIMIT, FAILURE_LIMIT, CONSECUTIVE_ERROR_LIMIT = 0.02, 3, 4


class Argo:
    """The analysis runs from the first share to the end."""

    def __init__(self, history: Sequence[Bucket], rng: np.random.Generator) -> None:
        self._rng = rng
        self._failed = 0
        self._errors_in_a_row = 0

    def look(self, look: Look) -> Word:
        """Failed or aborted runs roll back, a finished pause goes on."""
        if look.schedule.stages[look.step].share_ppm == 0:
            return Word.ADVANCE if look.is_bake_over else Word.EXTEND
        bucket = look.bucket
        for requests, errors in minutes(bucket, bucket.candidate_requests, bucket.candidate_errors, self._rng):
            self._errors_in_a_row = 0 if requests else self._errors_in_a_row + 1
            self._failed += errors > LIMIT * requests
            if self._failed > FAILURE_LIMIT or self._errors_in_a_row > CONSECUTIVE_ERROR_LIMIT:
                return Word.ROLL_BACK
        return Word.ADVANCE if look.is_bake_over else Word.EXTEND
