"""One measured figure beside its goal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`value` is judged, `said` tells both sides of a ratio; without `at_most` it is shown for comparison only."""

    measure: str
    value: float
    said: str
    at_most: float | None = None
    unit: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        return None if self.at_most is None else self.value <= self.at_most

    def row(self) -> str:
        """The row of a Markdown table."""
        goal = "" if self.at_most is None else f"≤ {self.at_most:g}"
        verdict = {None: "", True: "met", False: "**missed**"}[self.is_met]
        return f"| {self.measure} | {goal} | {self.value:.2f} | {self.said} | {verdict} |"
