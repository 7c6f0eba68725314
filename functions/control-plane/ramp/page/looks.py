"""A sample of a ramp's looks: as many as a picture has room for, however long the ramp, each read once a sandbox.

A look is written once, and its exemplars a little later, while it is the newest. So what has been read is kept, but for
the newest look: a page that is open asks for that and no more.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ramp.adapters.table import RampTable

POINTS = 160  # of a chart: more than a screen has room for adds nothing
FEWEST_A_STEP = 12
MOST_KEPT = 4_000  # looks of about 5 KB
Key = tuple[str, int, int]


class Looks:
    """Samples and keeps looks of one table."""

    def __init__(self, table: RampTable) -> None:
        self._table = table
        self._kept: dict[Key, Mapping[str, Any]] = {}

    def sample(self, ramp: str, counts: Sequence[int]) -> tuple[Mapping[str, Any], ...]:
        """Looks in order, each document with its `at`, of steps that had so many; the ends of every step included."""
        per_step = max(FEWEST_A_STEP, POINTS // max(1, len(counts)))
        keys = [(ramp, step, look) for step, last in enumerate(counts) for look in spread(last, per_step)]
        missing = [key[1:] for key in keys if key not in self._kept or key == keys[-1]]
        if len(self._kept) + len(missing) > MOST_KEPT:
            self._kept.clear()
            missing = [(step, look) for _, step, look in keys]
        for item in self._table.looks_at(ramp, missing):
            document = item["document"]
            self._kept[ramp, document["step"], document["look"]] = {**document, "at": float(item["at"])}
        return tuple(self._kept[key] for key in keys if key in self._kept)


def spread(last: int, most: int) -> list[int]:
    """At most about `most` of the numbers from 1 to `last`, evenly, both ends included.

    The stride doubles, so that what was chosen of fewer looks is mostly chosen of more.
    """
    stride = 1
    while last > most * stride:
        stride *= 2
    return sorted({*range(1, last + 1, stride), last} - {0})
