"""Flagger: every minute the success rate of that minute; a failed check halts, `threshold` failed checks roll back.

No values count as a failed check ("Halt advancement no values found"), and failed checks are not forgotten while the
analysis goes on. The minimum success rate is set to this route's limit (98 %), the threshold to 5 as in its examples.
Source: fluxcd/flagger pkg/controller/scheduler_metrics.go, docs/gitbook/usage/how-it-works.md (canary analysis).
"""

from collections.abc import Sequence

import numpy as np
from ramp.core.bucket import Bucket

from benchmarks.gate.contenders.minutes import minutes
from benchmarks.gate.look import Look, Word

SUCCESS_MIN, THRESHOLD = 0.98, 5


class Flagger:
    """Shadow is not its business: analysis starts with the first share."""

    def __init__(self, history: Sequence[Bucket], rng: np.random.Generator) -> None:
        self._rng = rng
        self._failed = 0

    def look(self, look: Look) -> Word:
        """One check a minute; the step advances after its bake on a good check."""
        if look.schedule.stages[look.step].share_ppm == 0:
            return Word.ADVANCE if look.is_bake_over else Word.EXTEND
        good = False
        bucket = look.bucket
        for requests, errors in minutes(bucket, bucket.candidate_requests, bucket.candidate_errors, self._rng):
            good = requests > 0 and errors <= (1 - SUCCESS_MIN) * requests
            self._failed += not good
            if self._failed >= THRESHOLD:
                return Word.ROLL_BACK
        return Word.ADVANCE if good and look.is_bake_over else Word.EXTEND
