"""The steps as a track: where the ramp has been, where it stands, what is to come."""

from collections.abc import Iterator
from typing import NamedTuple

from ramp.core.judgement import duration
from ramp.page.records import Records


class Stop(NamedTuple):
    """One step. `phase` is `done`, `now`, `stopped` or `ahead`; `progress` is 0–100 of the present one's bake."""

    title: str
    phase: str
    note: str
    approval: bool
    progress: int | None = None

    @property
    def spoken(self) -> str:
        """The phase, for those who do not see the colour."""
        return {"done": "passed", "now": "present step", "stopped": "stopped here", "ahead": "to come"}[self.phase]


def track(records: Records, now: float) -> tuple[Stop, ...]:
    """Every step of the plan, in order."""
    return tuple(_stops(records, now))


def _stops(records: Records, now: float) -> Iterator[Stop]:
    state = records.state
    took = _took(records)
    for index, step in enumerate(state.plan.steps):
        if index < state.step or records.status == "promoted":
            note = f"took {duration(took[index])}" if index in took else "passed"
            yield Stop(step.title, "done", note, step.approval)
        elif index > state.step:
            yield Stop(step.title, "ahead", f"bakes {duration(step.bake_seconds)}", step.approval)
        elif not records.is_running:
            yield Stop(step.title, "stopped", "stopped here", step.approval)
        else:
            baked = now - state.step_started_at if state.step_started_at else 0.0
            left = step.bake_seconds - baked
            note = f"{duration(left)} left" if left > 0 else "bake is over"
            progress = min(100, round(100 * baked / step.bake_seconds)) if step.bake_seconds else 100
            yield Stop(step.title, "now", note, step.approval, max(0, progress))


def _took(records: Records) -> dict[int, float]:
    """Seconds from each step's beginning to the next one's, as far as its looks tell."""
    ends: dict[int, float] = {}
    for look in records.looks:
        ends[look["step"]] = look["at"]
    began, took = records.state.started_at, {}
    for step, end in sorted(ends.items()):
        took[step] = max(0.0, end - began)
        began = end
    return took
