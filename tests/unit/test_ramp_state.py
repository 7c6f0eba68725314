"""What travels from task to task."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ramp.core.state import Question, RampState

PLAN: dict[str, Any] = {"steps": [{"percent": 0, "bake_seconds": 86_400}, {"percent": 100, "bake_seconds": 60}]}
STATE = RampState("ramp-1", "arn", PLAN, "3", started_at=0.0)


@pytest.mark.parametrize(
    ("baked_seconds", "look_seconds"), [(0, 60), (599, 60), (1_200, 120), (8_999, 899), (9_001, 900), (86_400, 900)]
)
def test_looks_grow_with_the_bake_from_a_minute_to_fifteen(baked_seconds: int, look_seconds: int) -> None:
    """A tenth of the bake so far, so that a long ramp keeps within the history's quota."""
    assert STATE.shifted(1_000.0).looked(1_000.0 + baked_seconds, None).look_seconds == look_seconds


def test_a_plan_may_fix_the_time_between_looks() -> None:
    """For demos."""
    state = replace(STATE, raw_plan={**PLAN, "look_seconds": 100}).shifted(0.0)
    assert (state.look_seconds, state.looked(86_400.0, None).look_seconds) == (100, 100)


def test_what_people_accepted_holds_for_one_step() -> None:
    """The next step starts without it, without the question, and counts its own looks."""
    asked = replace(STATE, acknowledged=("errors FAIL",), question=Question("0-1", ("x",), "why?", 1.0), look=7)
    following = asked.at_next_step()
    assert (following.step, following.look, following.acknowledged, following.question) == (1, 0, (), None)


def test_controls_last_good_p95_is_remembered() -> None:
    """For steps at which control serves too few."""
    assert STATE.looked(1.0, 20.0).looked(2.0, None).at_next_step().control_p95_ms == 20.0
    assert STATE.looked(1.0, 20.0).looked(2.0, 25.0).control_p95_ms == 25.0


def test_only_a_ramp_that_moves_the_alias_puts_it_back() -> None:
    """The version is kept in any case; a flag ramp leaves the alias to whoever deploys code meanwhile."""
    assert STATE.alias_to_restore is None
    assert replace(STATE, raw_plan={**PLAN, "lever": "alias", "candidate_version": "4"}).alias_to_restore == ("3", "4")
