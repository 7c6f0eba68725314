"""What CloudWatch would show of a simulated world."""

from collections.abc import Mapping
from dataclasses import fields

import numpy as np
from ramp.adapters.metrics import History
from ramp.core.bucket import Bucket
from ramp.core.evidence import ArmCounts, Evidence
from ramp.core.plan import EvidenceSettings

from rampctl.rehearsal.dealing import COUNTED
from rampctl.rehearsal.fakes import START, FakeMetrics
from rampctl.rehearsal.simulation import Simulation, bucket_of

ARM_FIELDS = {field.name for field in fields(ArmCounts)} - {"p95_ms"}


class SimulatedMetrics(FakeMetrics):
    """Complete periods only, after the plan's delay."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(lambda step, seconds: Evidence())
        self._simulation = simulation
        self._step, self._after = -1, 0.0  # periods of the step that end by then have been read
        self._buckets: list[Bucket] = []
        self._total = np.zeros(len(COUNTED), dtype=np.int64)

    def evidence(self, ramp: str, step: int, since: float, now: float, settings: EvidenceSettings) -> Evidence:
        period = settings.period_seconds
        until = (now - settings.delay_seconds) // period * period
        self._catch_up(step, until, period)
        counted = dict(zip(COUNTED, self._total.tolist(), strict=True))
        return Evidence(
            **{arm: self._arm(arm, counted) for arm in ("control", "candidate", "shadow")},
            alarms=self.alarms(),
            until=until,
            buckets=tuple(self._buckets),
        )

    def history(self, now: float) -> History:
        return self._simulation.history(now)

    def alarms(self) -> dict[str, str]:
        return {name: "ALARM" if name == self._simulation.fired else state for name, state in self.states.items()}

    def _catch_up(self, step: int, until: float, period: float) -> None:
        """Add up what has become visible since the last look; a step's counts are asked for by its looks alone."""
        if step != self._step:
            self._step, self._buckets, self._total = step, [], np.zeros_like(self._total)
        starts, rows = self._simulation.periods(step, period, self._after, until - START)
        for start, row in zip(starts.tolist(), rows, strict=True):
            self._buckets.append(bucket_of(START + start, period, step, row))
        self._total = self._total + rows.sum(axis=0)
        self._after = max(self._after, until - START)

    def _arm(self, arm: str, total: Mapping[str, int]) -> ArmCounts:
        counts = {name.removeprefix(f"{arm}_"): count for name, count in total.items() if name.startswith(f"{arm}_")}
        control, candidate = self._simulation.arms
        behaves = control if arm == "control" else candidate
        p95_ms = behaves.p95_at(self._simulation.now) if counts["requests"] else None
        if arm == "candidate":
            counts["fallbacks"] = counts["errors"] - counts["user_errors"]
        if arm != "shadow":
            counts["misrouted"] = 0  # the simulated router makes no mistakes
        return ArmCounts(**{name: count for name, count in counts.items() if name in ARM_FIELDS}, p95_ms=p95_ms)
