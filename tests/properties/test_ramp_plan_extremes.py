"""Whatever limit the schema allows, the plan is refused in words or the ramp is judged and forecast; never a crash."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from math import nextafter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ramp.core.bucket import Bucket
from ramp.core.evidence import ArmCounts, Evidence
from ramp.core.feasibility import forecast_of
from ramp.core.judge import judge
from ramp.core.plan import SCHEMA, Plan, PlanInvalid
from ramp.core.planner import Traffic
from ramp.core.sequential_gate import GateState
from ramp.core.state import RampState
from ramp.core.verdict import decide

STEPS = [
    {"percent": 0, "bake_seconds": 600},
    {"percent": 0.0001, "bake_seconds": 600},
    {"percent": 50, "bake_seconds": 600},
    {"percent": 100, "bake_seconds": 600},
]


def extremes(schema: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    """Every number of a plan outside of its steps, at either end of its range."""
    for name, field in schema.get("properties", {}).items():
        here = (*path, name)
        yield from extremes(field, here)
        if field.get("type") in {"number", "integer"}:
            yield here, field["minimum"] if "minimum" in field else field["exclusiveMinimum"] + sys.float_info.min
            yield here, field["maximum"] if "maximum" in field else nextafter(field["exclusiveMaximum"], 0)


EXTREMES = [*extremes(SCHEMA)]
CASES = [pytest.param(path, value, id=f"{'.'.join(path)}={value:g}") for path, value in EXTREMES]


def a_plan(gate: str, *changes: tuple[tuple[str, ...], Any]) -> dict[str, Any]:
    raw: dict[str, Any] = {"gate": gate, "steps": STEPS}
    for path, value in changes:
        place = raw
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = value
    return raw


def assert_refused_or_judged(raw: Mapping[str, Any]) -> None:
    """Judged at every step on no traffic, on healthy and on failing, and forecast at little and at much traffic."""
    try:
        plan = Plan.parse(raw)
    except PlanInvalid:  # in sentences, as test_ramp_plan_properties.py holds of every fault
        return
    for step in range(len(STEPS)):
        state = RampState("r", "arn", raw, "1", 0.0, step, step_started_at=60.0, control_p95_ms=10.0, limited=True)
        for failed in (None, 0, 1, 100):
            evidence = an_evidence(step, failed)
            found = judge(state, evidence, GateState.begin().to_wire(), evidence.until + 60)
            decision = decide(state, found.checks, now=evidence.until + 60)
            assert decision.reason
            json.dumps([[check.to_wire() for check in found.checks], found.kept, found.left], allow_nan=False)
    for requests_per_second in (1e-4, 1.0, 1000.0):
        forecast_of(plan, Traffic.at(requests_per_second))


def an_evidence(step: int, failed: int | None) -> Evidence:
    """Twelve minutes with so many of 100 requests failed; None: without one request."""
    n = 0 if failed is None else 100
    x = failed or 0
    served = n if step else 0
    bucket = Bucket(
        0, 60, step, control_requests=n, control_slow=5 if n else 0, candidate_requests=served,
        candidate_errors=min(x, served), candidate_discordant=min(x, served), shadow_requests=n, shadow_errors=x,
        shadow_discordant=x, comparisons=n, mismatches=x,
    )  # fmt: skip
    arm = ArmCounts(requests=12 * n, errors=12 * x, discordant_errors=12 * x, p95_ms=10.0 if n else None)
    return Evidence(
        arm if n else ArmCounts(),
        arm if served else ArmCounts(),
        arm,
        {"alarm": "OK"},
        60.0 + 12 * 60,
        tuple(bucket._replace(start=60.0 * (1 + minute)) for minute in range(12)) if n else (),
    )


@pytest.mark.parametrize("gate", ["sequential", "fixed"])
@pytest.mark.parametrize(("path", "value"), CASES)
def test_a_plan_at_the_end_of_a_range_is_refused_or_judged(path: tuple[str, ...], value: float, gate: str) -> None:
    """One field at a time."""
    assert_refused_or_judged(a_plan(gate, (path, value)))


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(["sequential", "fixed"]), st.lists(st.sampled_from(EXTREMES), min_size=2, max_size=6))
def test_plans_at_the_ends_of_several_ranges_are_refused_or_judged(
    gate: str, changes: list[tuple[tuple[str, ...], float]]
) -> None:
    """Together, too."""
    assert_refused_or_judged(a_plan(gate, *changes))
