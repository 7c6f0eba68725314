"""The goals, and what was measured of each: the floor below which no gate can fall is given where it binds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ramp.core.planner import divergence

from benchmarks.gate.cell import Cell
from benchmarks.gate.look import Word

if TYPE_CHECKING:
    from benchmarks.gate.sharpness import Sharpness

PLANNED, FIXED = "sequential, planned", "sequential, fixed"
Cells = Mapping[tuple[str, str, str], Cell]  # scenario, load, contender
CLUSTERED = (
    "bursty traffic",
    "diurnal traffic",
    "clustered errors",
    "shared outage",
    "one broken account",
    "cold starts",
)
FLOOR_ALPHA = 0.01
DETECTION_RATIO, CERTIFICATE_RATIO = 2.0, 1.3  # requests over Wald's bound


class Goal(NamedTuple):
    """`value` <= `goal` is wanted; `tolerance` is the noise of this sample; `note` says what binds."""

    name: str
    value: float
    goal: float
    tolerance: float
    unit: str
    note: str = ""

    @property
    def is_reached(self) -> bool:
        """Within the noise of the sample."""
        return self.value <= self.goal + self.tolerance


def floor_failures(rate: float, limit: float) -> float:
    """Failures before any test of error probability 1 % can tell `rate` from `limit`.

    Source: Wald 1945: ln(1 / alpha) / KL(rate || limit) requests on average, times the rate.
    """
    return -float(np.log(FLOOR_ALPHA)) / divergence(rate, limit) * rate


def goals(cells: Cells) -> Iterator[Goal]:
    """Every goal that the measured cells can answer."""
    ours = [cell for cell in cells.values() if cell.contender in {PLANNED, FIXED}]
    for cell in ours:
        name = f"{cell.scenario.name}, {cell.load.name}, {cell.contender}"
        rolled, promoted = cell.share(Word.ROLL_BACK), cell.share(Word.ADVANCE)
        if cell.scenario.kind == "healthy":
            goal = 0.005 if cell.scenario.name in CLUSTERED else 0.001
            yield _share(f"false rollback: {name}", cell, rolled, goal)
        if cell.scenario.kind == "bad" and not cell.scenario.is_late and not cell.scenario.is_drift:
            goal = 0.0 if cell.scenario.no_pass_without_evidence else 0.01
            note = "a fault that begins late or drifts is no part of this goal, see What remains weak"
            yield _share(f"bad promoted: {name}", cell, promoted, goal, note)
    yield from _planned(cells)


def _planned(cells: Cells) -> Iterator[Goal]:
    for (scenario, load, contender), cell in cells.items():
        if contender != PLANNED:
            continue
        for wanted, judge in _BY_SCENARIO.items():
            if scenario == wanted:
                yield from judge(cell, load)


def _healthy(cell: Cell, load: str) -> Iterator[Goal]:
    yield _share(f"person asked: healthy 0.1 %, {load}", cell, cell.share(Word.ASK), 0.02)
    seconds = cell.seconds_to_whole or float("inf")
    if cell.load.is_small:
        yield Goal(f"hours to 100 %: {load}", seconds / 3600, 36, 1.0, "h", AT_A_TENTH)
    elif cell.load.requests_per_second >= 50:  # noqa: PLR2004
        yield Goal(f"minutes to 100 %: {load}", seconds / 60, 45, 1.0, "min", AT_A_TENTH)


AT_A_TENTH = "of the healthy scenario at 0.1 % alone; the others take longer, see the tables"


def _one_percent(cell: Cell, load: str) -> Iterator[Goal]:
    if cell.load.is_small:
        yield _share(f"person asked: healthy 1 %, {load}", cell, cell.share(Word.ASK), 0.10)


def _total(cell: Cell, load: str) -> Iterator[Goal]:
    yield _failures(f"failures at 100 % fault, median: {load}", cell, 50, 5)
    yield _failures(f"failures at 100 % fault, p90: {load}", cell, 90, 15)


def _five(cell: Cell, load: str) -> Iterator[Goal]:
    yield _failures(f"failures at 5 % fault, median: {load}", cell, 50, 10)


def _five_noisy(cell: Cell, load: str) -> Iterator[Goal]:
    floor = floor_failures(0.05, 0.05 * 0.4)
    note = f"control fails at 1 %, so 5 % is judged against 2 %: no test needs fewer than {floor:.0f} on average"
    yield _failures(f"failures at 5 % fault beside 1 %, median: {load}", cell, 50, 2 * floor, note)


def _just_over(cell: Cell, load: str) -> Iterator[Goal]:
    floor = floor_failures(0.025, 0.02)
    note = f"floor {floor:.0f} by Wald"
    yield _failures(f"failures at 2.5 % beside 1 %, median: {load}", cell, 50, 1.5 * floor, note)


def _in_shadow(cell: Cell, load: str) -> Iterator[Goal]:
    yield _failures(f"failures, {cell.scenario.name}, p90: {load}", cell, 90, 0)


_BY_SCENARIO: Mapping[str, Callable[[Cell, str], Iterator[Goal]]] = {
    "healthy 0.1 %": _healthy,
    "healthy 1 %": _one_percent,
    "live errors 100 %": _total,
    "live errors 5 %": _five,
    "live errors 5 %, control 1 %": _five_noisy,
    "live errors 2.5 %, control 1 %": _just_over,
    "errors 2.5 % in shadow": _in_shadow,
    "errors 5 % in shadow": _in_shadow,
    "errors 100 % in shadow": _in_shadow,
}


def of_primitives(sharp: Sequence["Sharpness"]) -> Iterator[Goal]:
    """How close each primitive must come to what any test needs; the tolerance is three standard errors."""
    for item in sharp:
        kind, goal = ("detection", DETECTION_RATIO) if item.detects else ("certificate", CERTIFICATE_RATIO)
        yield Goal(f"{kind} over its bound: {item.name}", item.ratio, goal, 3 * item.error / item.bound, "")


def _share(name: str, cell: Cell, value: float, goal: float, note: str = "") -> Goal:
    return Goal(name, 100 * value, 100 * goal, 100 * cell.tolerance(goal), "%", note)


def _failures(name: str, cell: Cell, percentile: int, goal: float, note: str = "") -> Goal:
    """The tolerance is the spread of the percentile over halves of the sample's order statistics (three sigmas)."""
    failures = np.sort(cell.failures)
    n, q = len(failures), percentile / 100
    reach = 3 * np.sqrt(n * q * (1 - q))
    high = failures[min(n - 1, int(np.ceil(n * q + reach)))]
    value = float(np.percentile(failures, percentile))
    return Goal(name, value, goal, float(high) - value if n < 200 else 0.0, "", note)  # noqa: PLR2004
