"""A bucket: what was counted in one period of one step, per arm. See docs/wire.md, Metrics."""

from typing import NamedTuple


class Bucket(NamedTuple):
    """Counts of `seconds` from `start` (epoch seconds), of requests keyed by this ramp and `step`.

    `share_ppm`: what the plan gives the step. `slow`: control slower than L0, the candidate (served or in shadow)
    slower than 1.15 L0, where L0 is control's p95 of the shadow bake that the flag carries. `discordant`: the candidate
    failed and control answered the same request. `misrouted`: requests served by the other arm than the
    user's bucket says.
    """

    start: float
    seconds: float
    step: int
    share_ppm: int = 0
    control_requests: int = 0
    control_errors: int = 0
    control_slow: int = 0
    candidate_requests: int = 0
    candidate_errors: int = 0
    candidate_discordant: int = 0
    candidate_slow: int = 0
    shadow_requests: int = 0
    shadow_errors: int = 0
    shadow_discordant: int = 0
    shadow_slow: int = 0
    comparisons: int = 0
    mismatches: int = 0
    misrouted: int = 0

    @property
    def end(self) -> float:
        """Epoch seconds; the bucket counts what came before."""
        return self.start + self.seconds
