"""A distribution in three numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Spread:
    """Seconds: the middle one, the one that 95 % do not exceed (nearest rank), and the longest."""

    count: int
    p50: float
    p95: float
    longest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Self:
        """Of one or more measurements."""
        ranked = sorted(seconds)
        return cls(len(ranked), _nearest(ranked, 0.5), _nearest(ranked, 0.95), ranked[-1])

    def cells(self) -> tuple[str, str, str, str]:
        """For a table."""
        return str(self.count), f"{self.p50:.2f}", f"{self.p95:.2f}", f"{self.longest:.2f}"

    def to_json(self) -> dict[str, float]:
        """For programs."""
        return {"n": self.count, "p50_seconds": self.p50, "p95_seconds": self.p95, "max_seconds": self.longest}


def _nearest(ranked: Sequence[float], share: float) -> float:
    return ranked[math.ceil(share * len(ranked)) - 1]
