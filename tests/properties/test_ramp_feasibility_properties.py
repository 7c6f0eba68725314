"""Steps that are made for any traffic make a sound plan."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from ramp.core.bucket import Bucket
from ramp.core.feasibility import forecast_of, resolve, suited
from ramp.core.plan import Plan
from ramp.core.planner import Traffic

RATES = st.floats(-2, 5).map(lambda exponent: 10.0**exponent)  # 900 requests a day to 100,000 a second
AUTO: dict[str, Any] = {"steps": "auto"}


@given(RATES, st.none() | st.integers(1, 10**9))
def test_auto_is_a_sound_and_feasible_plan_at_any_traffic(rate: float, users: int | None) -> None:
    """From shadow to everybody, rising, and able to pass in its own time."""
    traffic = Traffic.at(rate, users)
    plan = Plan.parse(resolve(AUTO, traffic))
    assert (plan.steps[0].share_ppm, plan.steps[-1].share_ppm) == (0, 1_000_000)
    assert forecast_of(plan, traffic).faults == ()


@given(st.lists(st.tuples(st.integers(0, 86_399), st.integers(1, 10_000)), max_size=20), st.booleans())
def test_a_fixed_plan_is_never_refused_for_its_traffic(minutes: list[tuple[int, int]], whole_day: bool) -> None:
    """It asks for no certificates."""
    buckets = [Bucket(float(at), 60, -1, control_requests=count) for at, count in sorted(minutes)]
    raw = {"gate": "fixed", "steps": [{"percent": 100, "bake_seconds": 1, "patience_seconds": 0}]}
    assert suited(raw, buckets, 86_400.0 * (2 if whole_day else 1)) is raw
