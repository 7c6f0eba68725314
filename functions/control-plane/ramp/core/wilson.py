"""Wilson's interval: between which rates the true one lies, of which so many events in so many trials were seen."""

from math import sqrt

Z_ONE_SIDED_95, Z_TWO_SIDED_95 = 1.6449, 1.959964  # the quantiles 0.95 and 0.975 of a normal distribution


def wilson(events: float, trials: float, z: float) -> tuple[float, float]:
    """The lowest and the highest rate (0-1), of more than no trials; `z` as above, for one end or for both.

    Source: Wilson 1927, the score interval.
    """
    rate, square = events / trials, z * z
    middle = (rate + square / (2 * trials)) / (1 + square / trials)
    half = z * sqrt(rate * (1 - rate) / trials + square / (4 * trials * trials)) / (1 + square / trials)
    return max(0.0, middle - half), min(1.0, middle + half)
