"""The plain thresholds of requirements, 3, as core/gate.py applies them, with `gate: "fixed"`."""

from collections.abc import Sequence

import numpy as np
from ramp.core.bucket import Bucket
from ramp.core.evidence import ArmCounts, Evidence
from ramp.core.gate import checks
from ramp.core.plan import Plan, Step

from benchmarks.gate.contenders.sequential import choose
from benchmarks.gate.look import Look, Word

CONTROL_P95_MS = 400.0
GATES = Plan.parse({"steps": [{"percent": 100, "bake_seconds": 60}]}).gates


class Thresholds:
    """Counts of the step so far, every look; the percentiles are perfect, which no real ones are."""

    def __init__(self, history: Sequence[Bucket], rng: np.random.Generator) -> None:
        self._step = -1
        self._counts = np.zeros(len(_COUNTED), dtype=int)

    def look(self, look: Look) -> Word:
        """Checks in, word out."""
        if look.step != self._step:
            self._step, self._counts = look.step, np.zeros(len(_COUNTED), dtype=int)
        self._counts += [getattr(look.bucket, name) for name in _COUNTED]
        c = dict(zip(_COUNTED, map(int, self._counts), strict=True))
        candidate_p95_ms = CONTROL_P95_MS * look.latency
        evidence = Evidence(
            control=ArmCounts(c["control_requests"], c["control_errors"], p95_ms=CONTROL_P95_MS),
            candidate=ArmCounts(
                c["candidate_requests"],
                c["candidate_errors"],
                c["candidate_discordant"],
                comparisons=c["comparisons"],
                mismatches=c["mismatches"],
                p95_ms=candidate_p95_ms,
            ),
            shadow=ArmCounts(c["shadow_requests"], c["shadow_errors"], c["shadow_discordant"], p95_ms=candidate_p95_ms),
        )
        stage = look.schedule.stages[look.step]
        step = Step(stage.share_ppm, stage.bake_seconds, stage.patience_seconds, approval=False)
        found = checks(evidence, step, GATES, fallback=True, control_p95_ms=CONTROL_P95_MS)
        return choose([(check.verdict, check.consequence) for check in found], look)


_COUNTED = (
    "control_requests",
    "control_errors",
    "candidate_requests",
    "candidate_errors",
    "candidate_discordant",
    "shadow_requests",
    "shadow_errors",
    "shadow_discordant",
    "comparisons",
    "mismatches",
)
