"""The distribution of many rehearsals: outcomes, and the time, failures and questions that they cost."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from ramp.core.judgement import duration
from rich.console import Group, RenderableType
from rich.table import Table

from rampctl.rehearsal.many import Ending
from rampctl.view import COLUMNS

QUANTILES = (0.1, 0.5, 0.9, 1.0)
MEASURES = ("seconds", "failures", "seen", "questions")
WORDS = {
    "seconds": "time to the end",
    "failures": "candidate failures",
    "seen": "failures users saw",
    "questions": "questions",
}


def facts(endings: Sequence[Ending]) -> dict[str, Any]:
    """For machines; quantiles at 10, 50, 90 and 100 %."""
    return {
        "runs": len(endings),
        "outcomes": dict(Counter(ending.outcome for ending in endings).most_common()),
        "asked_in_doubt": sum(ending.doubts > 0 for ending in endings),
        **{name: np.quantile([getattr(e, name) for e in endings], QUANTILES).tolist() for name in MEASURES},
    }


def told(endings: Sequence[Ending]) -> RenderableType:
    """For people."""
    found, runs = facts(endings), len(endings)
    outcomes = Table("outcome", "ramps", "share", **COLUMNS)
    for outcome, number in found["outcomes"].items():
        outcomes.add_row(outcome, f"{number:,}", f"{100 * number / runs:.1f} %")
    outcomes.add_row("asked in doubt", f"{found['asked_in_doubt']:,}", f"{100 * found['asked_in_doubt'] / runs:.1f} %")
    spread = Table("", "1 in 10 below", "median", "9 in 10 below", "most", **COLUMNS)
    for name in MEASURES:
        shown = (duration(value) if name == "seconds" else f"{value:,.0f}" for value in found[name])
        spread.add_row(WORDS[name], *shown)
    return Group(outcomes, "", spread)
