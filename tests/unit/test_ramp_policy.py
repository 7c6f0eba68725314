"""What a plan makes of doubt and of spent patience, where it asks nobody."""

from __future__ import annotations

from typing import Any

import pytest
from ramp.core.check import Check, Consequence, Verdict
from ramp.core.plan import Plan, PlanInvalid
from ramp.core.state import RampState
from ramp.core.verdict import Action, Decision, decide

STEPS = [{"percent": 5, "bake_seconds": 600, "patience_seconds": 600}, {"percent": 100, "bake_seconds": 600}]
DOUBT = Check("mismatches", Verdict.FAIL, Consequence.ASK, "9 of 100 answers differ")
UNKNOWN = Check("errors", Verdict.INCONCLUSIVE, Consequence.ROLL_BACK, "needs 40 more")


def decided(check: Check, now: float, **gates: Any) -> Decision:
    """At the first step, which began at nought."""
    state = RampState("r", "arn", {"steps": STEPS, "gates": gates}, "", 0.0, step_started_at=0.0)
    return decide(state, [check], now=now)


@pytest.mark.parametrize(("policy", "action"), [("ask", Action.ASK), ("roll_back", Action.ROLL_BACK)])
def test_a_doubt_leads_where_the_plan_says(policy: str, action: Action) -> None:
    """With its numbers either way."""
    decision = decided(DOUBT, 60.0, on_investigate=policy)
    assert decision.action is action
    assert "9 of 100 answers differ" in decision.reason


@pytest.mark.parametrize(
    ("policy", "action"), [("ask", Action.ASK), ("roll_back", Action.ROLL_BACK), ("hold", Action.EXTEND)]
)
def test_spent_patience_leads_where_the_plan_says(policy: str, action: Action) -> None:
    """And not a second before it is spent."""
    assert decided(UNKNOWN, 1_199.0, on_patience=policy).action is Action.EXTEND
    decision = decided(UNKNOWN, 1_200.0, on_patience=policy)
    assert decision.action is action
    assert "the evidence did not suffice within 20 minutes" in decision.reason


def test_a_doubt_is_no_want_of_evidence_and_a_want_no_doubt() -> None:
    """Each has its own word in the plan."""
    assert decided(DOUBT, 1_200.0, on_patience="roll_back").action is Action.ASK
    assert decided(UNKNOWN, 1_200.0, on_investigate="roll_back").action is Action.ASK


def test_a_ramp_that_is_held_goes_on_once_the_evidence_suffices() -> None:
    """Nobody has to say so; and it looks the more rarely the longer it waits."""
    held = decided(UNKNOWN, 6_000.0, on_patience="hold")
    assert held.state.look_seconds == 600
    passed = Check("errors", Verdict.PASS, Consequence.ROLL_BACK, "clean")
    assert decide(held.state, [passed], now=6_600.0).action is Action.ADVANCE


def test_a_plan_that_may_be_held_for_a_month_would_fill_the_history() -> None:
    """A look every quarter of an hour for 30 days; for two weeks there is room."""
    plan = {"steps": STEPS, "gates": {"on_patience": "hold"}, "deadline_seconds": 2_592_000}
    with pytest.raises(PlanInvalid, match="look_seconds: may fill the execution's history"):
        Plan.parse(plan)
    assert Plan.parse(plan | {"deadline_seconds": 1_209_600})
    assert Plan.parse(plan | {"gates": {}})
