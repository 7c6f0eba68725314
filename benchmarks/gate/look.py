"""A look: what any contender is shown, and what it may answer."""

from enum import StrEnum
from typing import NamedTuple, Protocol

from ramp.core.bucket import Bucket

from benchmarks.gate.schedule import Schedule


class Word(StrEnum):
    """EXTEND leaves the ramp where it is."""

    EXTEND = "EXTEND"
    ADVANCE = "ADVANCE"
    ASK = "ASK"
    ROLL_BACK = "ROLL_BACK"


class Look(NamedTuple):
    """The newest complete bucket; `baked_seconds` is how long its step has been seen. Advancing at the end promotes."""

    bucket: Bucket
    step: int
    baked_seconds: float
    schedule: Schedule
    latency: float  # the candidate's true p95 over control's: what a perfect percentile would say

    @property
    def is_bake_over(self) -> bool:
        """The step's minimum."""
        return self.baked_seconds >= self.schedule.stages[self.step].bake_seconds

    @property
    def is_patience_over(self) -> bool:
        """The step's maximum."""
        stage = self.schedule.stages[self.step]
        return self.baked_seconds >= stage.bake_seconds + stage.patience_seconds


class Contender(Protocol):
    """One ramp's judge; it is made anew for each ramp with control's day before."""

    def look(self, look: Look) -> Word:
        """The word for what has been seen."""
        ...
