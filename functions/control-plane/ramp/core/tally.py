"""Tallies: plain counts of one kind, and of one step."""

from collections.abc import Sequence
from typing import NamedTuple, Self


class Tally(NamedTuple):
    """`trials`, the `events` among them, and the sum of the squared trials of each bucket."""

    trials: float = 0
    events: float = 0
    squares: float = 0

    def plus(self, trials: float, events: float) -> Self:
        """With more of both; events without their trial are cut off, since one record carries both."""
        return type(self)(self.trials + trials, self.events + min(events, trials), self.squares + trials * trials)

    @property
    def bucket_trials(self) -> float:
        """Trials that share a bucket with the average trial, itself included."""
        return self.squares / self.trials if self.trials else 0.0

    def to_wire(self) -> list[float]:
        """Plain JSON."""
        return list(self)

    @classmethod
    def from_wire(cls, wire: Sequence[float]) -> Self:
        """The inverse of `to_wire`."""
        return cls(*wire)


class StepTally(NamedTuple):
    """What one step has seen so far: for the share, and for the pace of evidence."""

    step: float = -1
    seconds: float = 0
    control: float = 0
    candidate: float = 0
    shadow: float = 0
    comparisons: float = 0
    slow: float = 0
    slow_shadow: float = 0
    misrouted: float = 0

    def to_wire(self) -> list[float]:
        """Plain JSON."""
        return list(self)

    @classmethod
    def from_wire(cls, wire: Sequence[float]) -> Self:
        """The inverse of `to_wire`."""
        return cls(*wire)
