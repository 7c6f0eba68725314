"""The simulated world: virtual time passes, requests are dealt, and a guard may go off in between.

Requests are dealt ahead, in chunks that double in length while the setting stays; a change of the setting throws away
what has not come to pass. So the counts depend on the settings and on when they change, and on nothing else: not on
when anybody looks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from ramp.adapters.metrics import History
from ramp.core import flag_document
from ramp.core.bucket import Bucket
from ramp.core.units import DAY_SECONDS, MINUTE_SECONDS, WHOLE_PPM

from rampctl.rehearsal.arm import Arm
from rampctl.rehearsal.dealing import COLUMN, COUNTED, Counts, Dealing, Setting
from rampctl.rehearsal.guards import MINUTE, MINUTES, Alarm, first_alarm
from rampctl.rehearsal.users import Users

OFF = Setting(step=-1)
CHUNK_CELLS, CHUNK_CELLS_MAX = 60, 1_440
Moments = npt.NDArray[np.float64]


class Chunk(NamedTuple):
    """Cells under one setting: cell i lasts from `edges[i]` to `edges[i + 1]`, in seconds since the ramp began."""

    setting: Setting
    edges: Moments
    rows: Counts

    @property
    def end(self) -> float:
        """When its last cell ends."""
        return float(self.edges[-1])

    def between(self, after: float, until: float) -> Self:
        """Its cells that begin from `after` on and before `until`."""
        first, last = np.searchsorted(self.edges[:-1], (after, until))
        return self._replace(edges=self.edges[first : last + 1], rows=self.rows[first:last])


@dataclass
class Simulation:
    """Deals cells of `cell_seconds` (which divides a minute) from the beginning on; `arms`: control, candidate."""

    dealer: Dealing
    rng: np.random.Generator
    arms: tuple[Arm, Arm]
    cell_seconds: float = float(MINUTE)
    guarded: bool = True
    now: float = 0.0
    chunks: list[Chunk] = field(default_factory=list)
    alarm: Alarm | None = None
    fired: str | None = None

    def pass_seconds(self, seconds: float, setting: Setting) -> str | None:
        """Let time pass at `setting`, up to the moment at which a guard first goes off; its name then."""
        end = self.now + seconds
        if self.chunks and self.chunks[-1].setting != setting:
            self.cut()
        while self.now < end:
            if not self.chunks or self.chunks[-1].end <= self.now:
                self._deal(setting)
            stop = min(end, self.chunks[-1].end)
            if self.alarm and self.alarm.at < stop:
                self.now, self.fired, self.alarm = self.alarm.at, self.alarm.name, None
                return self.fired
            self.now = stop
        return None

    def cut(self) -> None:
        """Throw away what has been dealt beyond now. Of the cell that runs, what has passed is dealt anew."""
        self.alarm = None
        if not self.chunks or self.chunks[-1].end <= self.now:
            return
        chunk = self.chunks.pop()
        whole = int(np.searchsorted(chunk.edges, self.now, "right")) - 1
        edges, rows = chunk.edges[: whole + 1], chunk.rows[:whole]
        begun = self.now - float(edges[-1])
        if begun:
            part = self.dealer.deal(self.rng, edges[-1:], np.array([begun]), chunk.setting)
            edges, rows = np.append(edges, self.now), np.vstack([rows, part])
        if len(rows):
            self.chunks.append(Chunk(chunk.setting, edges, rows))

    def periods(self, step: int, seconds: float, after: float, until: float = inf) -> tuple[Moments, Counts]:
        """Begin and counts of every period of a step that begins at `after` or later, and ends by `until`.

        Those that have been dealt ahead are among them. As CloudWatch has it, a period in which nothing was counted is
        left out.
        """
        until = min(until, self.chunks[-1].end) if self.chunks else 0.0
        chunks = [chunk.between(after, until) for chunk in self.chunks if chunk.setting.step == step]
        chunks = [chunk for chunk in chunks if len(chunk.rows)]
        if not chunks:
            return np.empty(0), np.empty((0, len(COUNTED)), dtype=np.int64)
        at = np.concatenate([chunk.edges[:-1] for chunk in chunks])
        rows = np.concatenate([chunk.rows for chunk in chunks])
        start = at // seconds * seconds
        wanted = (start >= after) & (start + seconds <= until)
        start, rows = start[wanted], rows[wanted]
        if not len(start):
            return start, rows
        first = np.flatnonzero(np.diff(start, prepend=-1.0))
        summed = np.add.reduceat(rows, first, axis=0)
        served = summed.any(axis=1)
        return start[first][served], summed[served]

    def cells(self) -> tuple[Moments, Counts]:
        """Begin and counts of every cell so far."""
        if not self.chunks:
            return np.empty(0), np.empty((0, len(COUNTED)), dtype=np.int64)
        at = np.concatenate([chunk.edges[:-1] for chunk in self.chunks])
        return at, np.concatenate([chunk.rows for chunk in self.chunks])

    def history(self, began: float) -> History:
        """Control's day before, `began` in epoch seconds."""
        minutes = DAY_SECONDS // MINUTE_SECONDS
        at = np.arange(minutes, dtype=np.float64) * MINUTE_SECONDS
        rows = self.dealer.before().deal(self.rng, at, np.full(minutes, float(MINUTE_SECONDS)), OFF)
        counted = rows[:, [COLUMN["control_requests"], COLUMN["control_errors"]]].tolist()
        starts = (at + began - DAY_SECONDS).tolist()
        served = tuple(
            Bucket(start, MINUTE_SECONDS, -1, 0, requests, errors)
            for start, (requests, errors) in zip(starts, counted, strict=True)
            if requests
        )
        return History(served, self.arms[0].p95_ms if served else None)

    def counted(self) -> Mapping[str, int]:
        """The whole ramp so far."""
        self.cut()
        return dict(zip(COUNTED, self.cells()[1].sum(axis=0).tolist(), strict=True))

    def _deal(self, setting: Setting) -> None:
        same = [chunk for chunk in self.chunks if chunk.setting.step == setting.step]
        before = sum(chunk.setting == setting for chunk in same)
        served = sum(int(chunk.rows[:, COLUMN["candidate_requests"]].sum()) for chunk in same)
        size = min(CHUNK_CELLS_MAX, CHUNK_CELLS * 2 ** min(before, 5))
        first = self.now // self.cell_seconds + 1
        edges = np.append(self.now, (first + np.arange(size)) * self.cell_seconds)
        rows = self.dealer.deal(self.rng, edges[:-1], np.diff(edges), setting, served=served)
        self.chunks.append(Chunk(setting, edges, rows))
        if self.guarded and not self.fired:
            self.alarm = self._alarm()

    def _alarm(self) -> Alarm | None:
        """The first alarm of the last chunk, with the minutes before it that count."""
        chunk, since = self.chunks[-1], (self.now // MINUTE - MINUTES) * MINUTE
        late = [each for each in self.chunks[:-1] if each.end > since]
        at = np.concatenate([each.edges[:-1] for each in (*late, chunk)])
        rows = np.concatenate([each.rows for each in (*late, chunk)])
        recent = at >= since
        return first_alarm(at[recent], rows[recent], self.now, chunk.end)


def setting_of(flag: flag_document.Setting, share_ppm: int, users: Users) -> Setting:
    """What the flag that is served means for the requests; `share_ppm` is read from both levers."""
    adapter, shadow = flag.adapter, flag.shadow
    if adapter is None and shadow is None:
        return OFF
    either = {**(shadow or {}), **(adapter or {})}
    by_alias = bool(either.get("candidate_version"))
    candidate_account, control_account = users.account(share_ppm)
    return Setting(
        step=either["step"],
        share=share_ppm / WHOLE_PPM if by_alias else users.share(share_ppm),
        sample=(shadow or {}).get("sample_ppm", 0) / WHOLE_PPM,
        fallback=either.get("fallback", True),
        deadline_ms=either.get("deadline_ms", OFF.deadline_ms),
        budget_ms=either.get("budget_ms", OFF.budget_ms),
        control_slow_ms=either.get("control_slow_ms"),
        candidate_slow_ms=either.get("candidate_slow_ms"),
        broken=users.broken(share_ppm),
        candidate_account=candidate_account,
        control_account=control_account,
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
