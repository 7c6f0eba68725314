"""Tallies: plain counts of one kind, and of one step."""

from collections.abc import Sequence
from typing import NamedTuple, Self


class Tally(NamedTuple):
    """`trials` and the `events` among them."""

    trials: float = 0
    events: float = 0

    def plus(self, trials: float, events: float) -> Self:
        """With more of both; events without their trial are cut off, since one record carries both."""
        return type(self)(self.trials + trials, self.events + min(events, trials))

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

    def to_wire(self) -> list[float]:
        """Plain JSON."""
        return list(self)

    @classmethod
    def from_wire(cls, wire: Sequence[float]) -> Self:
        """The inverse of `to_wire`."""
        return cls(*wire)
