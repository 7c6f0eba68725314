"""Evidence: what was counted for exactly this ramp and step, per arm."""

from dataclasses import dataclass, field
from typing import Any

from ramp.core.bucket import Bucket


@dataclass(frozen=True)
class ArmCounts:
    """Counts of one arm since the step began. See docs/wire.md, Metrics.

    `p95_ms` is None when nothing was measured, `misrouted` when nothing counted it, as functions of older versions do.
    """

    requests: int = 0
    errors: int = 0
    discordant_errors: int = 0
    slow: int = 0
    timeouts: int = 0
    fallbacks: int = 0
    user_errors: int = 0
    dispatch_errors: int = 0
    comparisons: int = 0
    mismatches: int = 0
    misrouted: int | None = None
    p95_ms: float | None = None


@dataclass(frozen=True)
class Evidence:
    """All that a look judges. `alarms` maps each guard's name to OK, ALARM, INSUFFICIENT_DATA or MISSING.

    `until` is the end of the last period that counts, in epoch seconds: later ones are incomplete. `buckets` are the
    same counts period by period.
    """

    control: ArmCounts = field(default_factory=ArmCounts)
    candidate: ArmCounts = field(default_factory=ArmCounts)
    shadow: ArmCounts = field(default_factory=ArmCounts)
    alarms: dict[str, str] = field(default_factory=dict)
    until: float = 0.0
    buckets: tuple[Bucket, ...] = ()

    def totals(self) -> dict[str, Any]:
        """Plain JSON of everything but the buckets, for the record of a look."""
        arms = {name: {**vars(getattr(self, name))} for name in ("control", "candidate", "shadow")}
        return {**arms, "alarms": {**self.alarms}, "until": self.until}

    @property
    def candidate_reads(self) -> int:
        """Reads of the candidate, served to users or in shadow: both are evidence about it."""
        return self.candidate.requests + self.shadow.requests

    @property
    def misrouted(self) -> int | None:
        """Requests that were tried on the other arm than the user's bucket says; None where neither arm counted."""
        counted = [arm.misrouted for arm in (self.control, self.candidate) if arm.misrouted is not None]
        return sum(counted) if counted else None

    @property
    def comparisons(self) -> int:
        """Answers of both arms that were compared."""
        return self.candidate.comparisons + self.shadow.comparisons

    @property
    def mismatches(self) -> int:
        """Of those, the ones that differed."""
        return self.candidate.mismatches + self.shadow.mismatches
