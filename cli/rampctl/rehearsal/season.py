"""A season: how uneven the traffic is."""

from dataclasses import dataclass
from math import tau

import numpy as np
import numpy.typing as npt
from ramp.core.units import DAY_SECONDS


@dataclass(frozen=True)
class Season:
    """`diurnal` (0–1) is how far the day's wave rises above its mean; `burst` the variance of a minute's factor.

    The ramp begins at the mean, when the wave rises.
    """

    diurnal: float = 0.0
    burst: float = 0.0

    def factors(self, rng: np.random.Generator, at: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What the mean rate is multiplied with in the stretches that begin at `at`, seconds since the ramp began."""
        wave = 1 + self.diurnal * np.sin(tau * at / DAY_SECONDS)
        return wave * rng.gamma(1 / self.burst, self.burst, len(at)) if self.burst else wave
