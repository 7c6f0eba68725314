"""The simulated world: virtual time passes, requests are dealt, and a guard may go off in between."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from ramp.adapters.metrics import DAY_SECONDS, MINUTE_SECONDS, History
from ramp.core import flag_document
from ramp.core.bucket import Bucket
from ramp.core.plan import WHOLE_PPM

from rampctl.rehearsal.arm import Arm
from rampctl.rehearsal.dealing import COUNTED, Counts, Dealing, Setting
from rampctl.rehearsal.guards import MINUTE, Guards
from rampctl.rehearsal.users import Users

OFF = Setting(step=-1)


@dataclass
class Cell:
    """What one stretch of time counted at one step; times in seconds since the ramp began."""

    at: float
    until: float
    step: int
    row: Counts


@dataclass
class Simulation:
    """Deals cells of `cell_seconds` (which divides a minute) from the beginning on; `arms`: control, candidate."""

    dealer: Dealing
    rng: np.random.Generator
    arms: tuple[Arm, Arm]
    cell_seconds: float = float(MINUTE)
    guarded: bool = True
    now: float = 0.0
    cells: list[Cell] = field(default_factory=list)
    guards: Guards = field(default_factory=Guards)

    def pass_seconds(self, seconds: float, setting: Setting) -> str | None:
        """Let time pass at `setting`, up to the moment at which a guard goes off; its name then."""
        end = self.now + seconds
        inner = np.arange(self.now // self.cell_seconds + 1, np.ceil(end / self.cell_seconds)) * self.cell_seconds
        edges = np.array([self.now, *inner, end])
        rows = self.dealer.deal(self.rng, edges[:-1], np.diff(edges), setting)
        for at, until, row in zip(edges[:-1].tolist(), edges[1:].tolist(), rows, strict=True):
            fired = self.guards.count(at, row)
            if fired and self.guarded:
                self.now = at  # what was dealt from here on belongs to a time that never came
                return fired
            self.cells.append(Cell(at, until, setting.step, row))
        self.now = end
        return None

    def history(self, began: float) -> History:
        """Control's day before, `began` in epoch seconds."""
        minutes = DAY_SECONDS // MINUTE_SECONDS
        at = np.arange(minutes, dtype=np.float64) * MINUTE_SECONDS
        rows = self.dealer.before().deal(self.rng, at, np.full(minutes, float(MINUTE_SECONDS)), OFF)
        starts = (began - DAY_SECONDS + MINUTE_SECONDS * index for index in range(minutes))
        buckets = (bucket_of(start, MINUTE_SECONDS, -1, row) for start, row in zip(starts, rows, strict=True))
        served = tuple(bucket for bucket in buckets if bucket.control_requests)
        return History(served, self.arms[0].p95_ms if served else None)

    def counted(self) -> Mapping[str, int]:
        """The whole ramp so far."""
        rows = [cell.row for cell in self.cells]
        return dict(zip(COUNTED, np.sum(rows, axis=0).tolist() if rows else [0] * len(COUNTED), strict=True))


def setting_of(flag: flag_document.Setting, share_ppm: int, users: Users) -> Setting:
    """What the flag that is served means for the requests; `share_ppm` is read from both levers."""
    adapter, shadow = flag.adapter, flag.shadow
    if adapter is None and shadow is None:
        return OFF
    either = {**(shadow or {}), **(adapter or {})}
    by_alias = bool(either.get("candidate_version"))
    return Setting(
        step=either["step"],
        share=share_ppm / WHOLE_PPM if by_alias else users.share(share_ppm),
        sample=(shadow or {}).get("sample_ppm", 0) / WHOLE_PPM,
        fallback=either.get("fallback", True),
        deadline_ms=either.get("deadline_ms", OFF.deadline_ms),
        budget_ms=either.get("budget_ms", OFF.budget_ms),
        control_slow_ms=either.get("control_slow_ms"),
        candidate_slow_ms=either.get("candidate_slow_ms"),
    )


def bucket_of(start: float, seconds: float, step: int, row: Counts) -> Bucket:
    """A row as the gate takes it; `start` in epoch seconds."""
    n = dict(zip(COUNTED, row.tolist(), strict=True))
    return Bucket(
        start,
        seconds,
        step,
        control_requests=n["control_requests"],
        control_errors=n["control_errors"],
        control_slow=n["control_slow"],
        candidate_requests=n["candidate_requests"],
        candidate_errors=n["candidate_errors"],
        candidate_discordant=n["candidate_discordant_errors"],
        candidate_slow=n["candidate_slow"],
        shadow_requests=n["shadow_requests"],
        shadow_errors=n["shadow_errors"],
        shadow_discordant=n["shadow_discordant_errors"],
        shadow_slow=n["shadow_slow"],
        comparisons=n["candidate_comparisons"] + n["shadow_comparisons"],
        mismatches=n["candidate_mismatches"] + n["shadow_mismatches"],
    )
