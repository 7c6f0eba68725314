"""Whether sandboxes keep their size: each by itself, after its warm-up."""

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import NamedTuple

SAMPLES_MIN = 6  # two for each third


class Growth(NamedTuple):
    """How one sandbox's resident memory grew, in megabytes, from the middle third of its life to the last."""

    function: str
    before_mb: float
    after_mb: float

    @property
    def share(self) -> float:
        """Growth as a share of what it was."""
        return self.after_mb / self.before_mb - 1


def growths(samples: Iterable[Mapping[tuple[str, int], float]]) -> list[Growth]:
    """Return each sandbox's growth. A sample has megabytes by function and process.

    The first third of a sandbox's life is its warm-up: what it loads and keeps for good. One that lived for less than
    half of the longest life is left out: its warm-up is not over.
    """
    lives: dict[tuple[str, int], list[float]] = {}
    for sample in samples:
        for sandbox, mb in sample.items():
            lives.setdefault(sandbox, []).append(mb)
    longest = max((len(life) for life in lives.values()), default=0)
    found = []
    for (function, _), life in lives.items():
        third = len(life) // 3
        if len(life) >= max(SAMPLES_MIN, longest / 2):
            found.append(Growth(function, fmean(life[third:-third]), fmean(life[-third:])))
    return found
