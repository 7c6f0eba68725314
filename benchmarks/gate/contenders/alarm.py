"""The alarm of requirements, 4: errors / max(invocations, 1) over 2 % in 3 of 5 minutes, missing data not breaching.

CodeDeploy and AppConfig act on such an alarm and on nothing else: no alarm by the end of a bake is a go.
Source: AWS CodeDeploy user guide, "Monitoring deployments with CloudWatch alarms"; AWS AppConfig user guide,
"Monitors".
"""

from collections import deque
from collections.abc import Sequence

import numpy as np
from ramp.core.bucket import Bucket

from benchmarks.gate.contenders.minutes import minutes
from benchmarks.gate.look import Look, Word

LIMIT, DATAPOINTS, WINDOW = 0.02, 3, 5


class CandidateAlarm:
    """On the candidate's own failures."""

    def __init__(self, history: Sequence[Bucket], rng: np.random.Generator) -> None:
        self._rng = rng
        self._breaching: deque[bool] = deque(maxlen=WINDOW)

    def look(self, look: Look) -> Word:
        """ALARM rolls back, anything else goes on."""
        for requests, errors in minutes(look.bucket, *self._counts(look.bucket), self._rng):
            self._breaching.append(errors > LIMIT * max(requests, 1))
            if sum(self._breaching) >= DATAPOINTS:
                return Word.ROLL_BACK
        return Word.ADVANCE if look.is_bake_over else Word.EXTEND

    def _counts(self, bucket: Bucket) -> tuple[int, int]:
        return bucket.candidate_requests, bucket.candidate_errors


class WholeFunctionAlarm(CandidateAlarm):
    """On the function that serves both arms, as huntaze-lambda-error-rate-gt-2pct does."""

    def _counts(self, bucket: Bucket) -> tuple[int, int]:
        return (
            bucket.candidate_requests + bucket.control_requests,
            bucket.candidate_errors + bucket.control_errors,
        )
