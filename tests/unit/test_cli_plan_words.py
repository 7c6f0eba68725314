"""What `ramp check` says of a plan before any traffic: what it does otherwise than by default is never left out."""

from __future__ import annotations

import io
from typing import Any

import pytest
from ramp.core.plan import Plan
from rampctl import plans
from rich.console import Console

STEPS = [{"percent": 0, "bake_seconds": 3600}, {"percent": 100, "bake_seconds": 3600}]


def said(**changes: Any) -> str:
    console = Console(width=2_000, record=True, file=io.StringIO())
    console.print(plans.described(Plan.parse({"steps": STEPS, **changes})))
    return console.export_text()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"gates": {"warn_only": ["latency"]}}, "Shown, and never acting: latency."),
        ({"gates": {"acknowledged": ["mismatches"]}}, "Not asked about, since the plan says go: mismatches."),
        (
            {"acknowledged_drift": ["ErrorRateAlarm", "AlarmTopic"]},
            "Guards that may differ from the template, since the plan says so: ErrorRateAlarm, AlarmTopic.",
        ),
        ({"gates": {"on_investigate": "roll_back"}}, "Nobody is asked about a doubt: it rolls back."),
        (
            {"gates": {"on_patience": "roll_back"}},
            "Evidence that does not suffice within bake and patience rolls back.",
        ),
        ({"gates": {"on_patience": "hold"}}, "holds the share until it does, or the deadline."),
        ({"budgets": {"roll_back_percent": 2}}, "Error probabilities of a whole ramp: 2 % rolled back"),
        ({"approvals": {"on_timeout": "hold"}}, "the ramp is held at its step, and asked again."),
        ({"gate": "fixed"}, "Nothing is judged on fewer than 100 observations"),
    ],
)
def test_what_a_plan_does_otherwise_is_said_in_a_sentence(changes: dict[str, Any], sentence: str) -> None:
    assert sentence in said(**changes)
    assert sentence not in said()
