"""Runs taken by turns, and what is said of their times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil, floor, sqrt
from typing import NamedTuple

_NORMAL_95 = 1.96


class P99(NamedTuple):
    """The 99th percentile, and the band that holds the true one in 95 of 100 runs, in what was measured."""

    value: float
    low: float
    high: float


def by_turns(runs: Mapping[str, Callable[[], float]], times: int, warm: int = 50) -> dict[str, list[float]]:
    """Each run by turns, so that whatever else the machine does falls on all alike."""
    took: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        for _ in range(warm):
            run()
    for _ in range(times):
        for name, run in runs.items():
            took[name].append(run())
    return took


def p99(measured: list[float]) -> P99:
    """Return it with its band, from the ranks between which a binomial count of 0.99 falls.

    With fewer than 300 samples the band's upper end is the worst one.
    """
    ordered, number = sorted(measured), len(measured)
    spread = _NORMAL_95 * sqrt(number * 0.99 * 0.01)
    ranks = (ceil(number * 0.99), floor(number * 0.99 - spread), ceil(number * 0.99 + spread))
    return P99(*(ordered[min(max(rank, 1), number) - 1] for rank in ranks))
