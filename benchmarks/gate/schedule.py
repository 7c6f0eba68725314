"""The schedules that ramps follow: the fixed one of every peer, and the one that the planner draws."""

from typing import NamedTuple

from ramp.core.planner import Traffic, auto_steps
from ramp.core.policy import Policy, Position

from benchmarks.gate.traffic import Load


class Stage(NamedTuple):
    """One step; times in seconds."""

    share_ppm: int
    bake_seconds: int
    patience_seconds: int


class Schedule(NamedTuple):
    """The stages of one ramp."""

    name: str
    stages: tuple[Stage, ...]

    def position(self, step: int) -> Position:
        """Where `step` stands."""
        following = self.stages[step + 1].share_ppm if step + 1 < len(self.stages) else None
        return Position(self.stages[step].share_ppm, following)


SHARES_PPM = (0, 10_000, 50_000, 250_000, 500_000, 1_000_000)
HOUR, DAY = 3_600, 86_400


def fixed(load: Load) -> Schedule:
    """Shadow for an hour, then 1, 5, 25, 50, 100 % for half an hour each; a day each at 1,000 requests a day."""
    bakes = [DAY] * 6 if load.is_small else [HOUR, *[HOUR // 2] * 5]
    return Schedule("fixed", tuple(Stage(share, bake, bake) for share, bake in zip(SHARES_PPM, bakes, strict=True)))


def planned(load: Load) -> Schedule:
    """What `steps: auto` gives at this load."""
    steps = auto_steps(Traffic(load.requests_per_second, load.users), Policy())
    return Schedule("planned", tuple(Stage(s.share_ppm, s.bake_seconds, s.patience_seconds) for s in steps))
