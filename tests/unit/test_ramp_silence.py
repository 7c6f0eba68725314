"""After a silence a ramp waits for the next request, and asks people when it lasts longer than its patience."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ramp.core.check import Check, Consequence, Missing, Numbers, Verdict
from ramp.core.state import RampState
from ramp.core.verdict import Action, Answer, Command, Verb, decide

PATIENCE_SECONDS = 3_600
PLAN = {
    "steps": [
        {"percent": 50, "bake_seconds": 600, "patience_seconds": PATIENCE_SECONDS},
        {"percent": 100, "bake_seconds": 600},
    ]
}
STATE = RampState("r", "arn", PLAN, "1", 0.0, step_started_at=0.0)
ASKING = replace(STATE, raw_plan={"steps": [{**PLAN["steps"][0], "approval": True}, PLAN["steps"][1]]})
YES = Answer(approves=True, by="ada", reason="seen")
FINE = Check("errors", Verdict.PASS, Consequence.ROLL_BACK, "fine")
LONG_AFTER = 100_000.0  # when bake and patience are over


def silent(seconds: float) -> Check:
    numbers = Numbers(trials=100, silent_seconds=seconds)
    return Check("share", Verdict.INCONCLUSIVE, Consequence.ASK, f"nothing for {seconds:g} s", numbers)


@pytest.mark.parametrize(
    ("seconds", "action"), [(901, Action.EXTEND), (PATIENCE_SECONDS, Action.EXTEND), (PATIENCE_SECONDS + 1, Action.ASK)]
)
def test_a_silence_is_waited_out_for_as_long_as_the_step_has_patience(seconds: float, action: Action) -> None:
    """A quiet night is no question; metrics that died are one."""
    decision = decide(STATE, [FINE, silent(seconds)], now=LONG_AFTER)
    assert decision.action is action
    assert f"nothing for {seconds:g} s" in decision.reason
    assert decide(STATE, [FINE], now=LONG_AFTER).action is Action.ADVANCE


def test_a_yes_in_a_quiet_night_holds_until_morning() -> None:
    """Nobody is asked again: the ramp goes on with the next request."""
    asked = decide(ASKING, [FINE, silent(901)], now=LONG_AFTER)
    assert asked.action is Action.ASK
    assert "nothing for 901 s" in asked.reason
    waiting = decide(asked.state, [FINE, silent(1_000)], now=LONG_AFTER + 100, answer=YES)
    assert waiting.action is Action.EXTEND
    assert waiting.reason.endswith("the ramp waits for the next request")
    assert decide(waiting.state, [FINE], now=LONG_AFTER + 200).action is Action.ADVANCE


def test_a_plan_that_acknowledges_a_cause_acknowledges_no_silence_about_it() -> None:
    """What it knows beforehand is a share that is off, or answers that differ: not that nobody counts them."""
    known = replace(STATE, raw_plan={**PLAN, "gates": {"acknowledged": ["share", "mismatches"]}})
    dead = Numbers(trials=100, missing=Missing.NOT_SEEN)
    for check in (silent(901), Check("mismatches", Verdict.INCONCLUSIVE, Consequence.ASK, "none compared", dead)):
        assert decide(known, [FINE, check], now=LONG_AFTER).action in {Action.EXTEND, Action.ASK}
        seen = check._replace(numbers=Numbers(trials=100))
        assert decide(known, [FINE, seen], now=LONG_AFTER).action is Action.ADVANCE


def test_who_says_go_on_need_not_wait_for_a_request() -> None:
    """An operator's advance ends every wait for evidence."""
    go = Command(Verb.ADVANCE, 0, "ada", "the load test is over")
    assert decide(STATE, [FINE, silent(901)], now=LONG_AFTER, command=go).action is Action.ADVANCE
