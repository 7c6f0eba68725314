"""A cell of the table: many ramps of one scenario, one load and one contender."""

import zlib
from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from benchmarks.gate.look import Word
from benchmarks.gate.ramp_run import Enter, Outcome, run
from benchmarks.gate.scenario import Scenario
from benchmarks.gate.schedule import Schedule
from benchmarks.gate.traffic import Load


class Cell(NamedTuple):
    """What came of it; shares are 0-1, times in seconds."""

    scenario: Scenario
    load: Load
    contender: str
    outcomes: tuple[Outcome, ...]

    def share(self, word: Word) -> float:
        """Of the ramps that ended so; ADVANCE at the end is promoted."""
        return sum(outcome.word is word for outcome in self.outcomes) / len(self.outcomes)

    @property
    def failures(self) -> np.ndarray:
        """Failed live requests of each ramp that was stopped: rolled back, or put before a person."""
        return np.array([o.failures for o in self.outcomes if o.word is not Word.ADVANCE] or [0])

    @property
    def seen_failures(self) -> np.ndarray:
        """Of those, the ones that control could not answer either, so that users saw them."""
        return np.array([o.seen_failures for o in self.outcomes if o.word is not Word.ADVANCE] or [0])

    @property
    def seconds_to_whole(self) -> float | None:
        """Median time to 100 % of the ramps that came there."""
        times = [o.seconds_to_whole for o in self.outcomes if o.seconds_to_whole is not None]
        return float(np.median(times)) if times else None

    def tolerance(self, share: float) -> float:
        """Three standard deviations of a share measured on this many ramps, so that a guard does not flake."""
        n = len(self.outcomes)
        return 3 * sqrt(max(share * (1 - share), 1 / n) / n)


def measure(
    scenario: Scenario, load: Load, contender: str, enter: Enter, schedule: Schedule, runs: int, seed: int
) -> Cell:
    """`runs` ramps, each on its own seed, the same for every contender."""
    key = zlib.crc32(f"{scenario.name}/{load.name}".encode())
    outcomes: Sequence[Outcome] = [run(scenario, load, schedule, enter, (seed, key, i)) for i in range(runs)]
    return Cell(scenario, load, contender, tuple(outcomes))
