"""Whatever JSON people hand in, it is a plan or a list of sentences."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from ramp.core.plan import SCHEMA, Plan, PlanInvalid, format_percent, to_ppm
from ramp.core.units import WHOLE_PPM

DEMO = json.loads((Path(__file__).parents[2] / "events" / "plans" / "demo.json").read_text())
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
ANY_JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)
FIELDS = st.sampled_from(sorted(SCHEMA["properties"]))
STEPS = st.lists(st.dictionaries(st.sampled_from(["percent", "bake_seconds", "approval", "x"]), ANY_JSON) | ANY_JSON)


def parsed_or_faulty(raw: Any) -> Plan | None:
    """The plan, or None once its faults are sentences with a path, what was got, and what is expected."""
    try:
        return Plan.parse(raw)
    except PlanInvalid as invalid:
        faults = invalid.faults
    assert faults
    for fault in faults:
        path, _, sentence = fault.partition(": ")
        assert path
        assert ", got " in sentence
        assert ", expected " in sentence
    return None


@given(ANY_JSON)
@example({"steps": [{"percent": float("inf"), "bake_seconds": 1}]})
@example({"steps": [{"percent": float("nan"), "bake_seconds": 1}]})
@example({"steps": [{"percent": 100, "bake_seconds": 10**30}]})
def test_any_json_is_a_plan_or_faults(raw: Any) -> None:
    """Nothing else leaves the parser."""
    parsed_or_faulty(raw)


@given(st.dictionaries(FIELDS, ANY_JSON, max_size=4), STEPS)
def test_any_fields_of_a_plan_are_a_plan_or_faults(fields: dict[str, Any], steps: list[Any]) -> None:
    """As above, where the parser looks deeper: known fields with any content."""
    parsed_or_faulty({**DEMO, **fields, "steps": steps})
    parsed_or_faulty({**DEMO, **fields})


@given(
    st.lists(st.integers(0, WHOLE_PPM - 1), max_size=20, unique=True).map(sorted),
    st.integers(1, 1_000),
)
def test_every_rising_list_of_shares_that_ends_at_the_whole_is_a_plan(shares: list[int], bake_seconds: int) -> None:
    """Down to one part per million, and the shares arrive exactly."""
    percents = [float(Decimal(ppm) / 10_000) for ppm in [*shares, WHOLE_PPM]]
    plan = Plan.parse({"steps": [{"percent": percent, "bake_seconds": bake_seconds} for percent in percents]})
    assert [step.share_ppm for step in plan.steps] == [*shares, WHOLE_PPM]


@given(st.integers(0, WHOLE_PPM))
def test_percent_and_parts_per_million_are_exact_both_ways(share_ppm: int) -> None:
    """As a number and in the words for people."""
    assert to_ppm(share_ppm / 10_000) == share_ppm
    assert to_ppm(float(format_percent(share_ppm).removesuffix(" %").removesuffix(" %"))) == share_ppm


@given(st.lists(st.integers(0, WHOLE_PPM), min_size=2, max_size=6).filter(lambda shares: shares != sorted(set(shares))))
def test_shares_that_do_not_rise_are_refused(shares: list[int]) -> None:
    """Traffic only ever rises within a ramp; back is what Roll Back is for."""
    steps = [{"percent": ppm / 10_000, "bake_seconds": 1} for ppm in [*shares, WHOLE_PPM]]
    assert parsed_or_faulty({"steps": steps}) is None
