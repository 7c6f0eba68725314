"""A question stands until it is answered, settles or times out, whatever the evidence adds to it meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice

from ramp.core.check import Check, Consequence, Verdict
from ramp.core.state import RampState
from ramp.core.verdict import Action, Answer, Command, Decision, Verb, decide

TIMEOUT_SECONDS = 3_600
PLAN = {
    "steps": [
        {"percent": 50, "bake_seconds": 600, "patience_seconds": 0, "approval": True},
        {"percent": 100, "bake_seconds": 600},
    ],
    "approvals": {"timeout_seconds": TIMEOUT_SECONDS},
}
STATE = RampState("r", "arn", PLAN, "1", 0.0, step_started_at=0.0)
YES = Answer(approves=True, by="ada", reason="known")


def a_check(name: str, verdict: Verdict) -> Check:
    return Check(name, verdict, Consequence.ASK, f"{name} {verdict}")


SLOW = a_check("latency", Verdict.INCONCLUSIVE)
DIFFERING = a_check("mismatches", Verdict.INCONCLUSIVE)
PROVEN = a_check("mismatches", Verdict.FAIL)
FINE = a_check("latency", Verdict.PASS)


def looked(*looks: Sequence[Check]) -> list[Decision]:
    """A look a quarter of an hour, the first one once bake and patience are over."""
    state, decisions = STATE, []
    for number, checks in enumerate(looks):
        decisions.append(decide(state, checks, now=700.0 + 900 * number))
        state = decisions[-1].state.looked(700.0 + 900 * number, None)
    return decisions


def asked(decision: Decision) -> tuple[str, float]:
    assert decision.state.question is not None
    return decision.state.question.request_id, decision.state.question.asked_at


def test_causes_that_come_and_go_are_one_question_that_times_out() -> None:
    """Asked once, and silence ends where the plan says, counted from the first time that people were asked."""
    coming_and_going = cycle([(SLOW, DIFFERING), (FINE, DIFFERING), (SLOW, a_check("mismatches", Verdict.PASS))])
    decisions = looked(*islice(coming_and_going, 5))
    assert [decision.action for decision in decisions] == [Action.ASK] * 4 + [Action.ROLL_BACK]
    assert {asked(decision) for decision in decisions} == {("0-0", 700.0)}
    assert "nobody answered within 60 minutes" in decisions[-1].reason


def test_a_cause_that_is_new_is_asked_about_and_buys_no_time() -> None:
    """People hear of it by a question of its own, which names what stood before and keeps the clock."""
    first, second, third = looked([SLOW], [SLOW, PROVEN], [SLOW, PROVEN])
    assert asked(first) == ("0-0", 700.0)
    assert asked(second) == ("0-1", 700.0)
    assert asked(third) == asked(second)
    assert second.state.question is not None
    assert set(second.state.question.causes) == {"latency INCONCLUSIVE", "approval", "mismatches FAIL"}
    assert "mismatches FAIL" in second.state.question.text
    assert "asked before: latency INCONCLUSIVE, approval" in second.state.question.text


def test_two_causes_that_take_turns_are_told_of_once_each() -> None:
    """And a yes holds for both, since both were put to people."""
    first, second, third, fourth = looked([DIFFERING], [SLOW], [DIFFERING], [SLOW])
    assert asked(first) != asked(second)
    assert asked(second) == asked(third) == asked(fourth)
    both = decide(fourth.state, [SLOW, DIFFERING], now=3_500.0, answer=YES)
    assert both.action is Action.ADVANCE


def test_what_turns_milder_is_no_news_and_what_turns_worse_is() -> None:
    """A question about "it is wrong" stands when it is only unknown again; the other way round people are asked."""
    worse, milder = looked([PROVEN], [DIFFERING])
    assert asked(worse) == ("0-0", 700.0)
    assert set(asked(milder)) == {"0-1", 700.0}  # the plan's own go or no-go came with it
    unknown, proven = looked([DIFFERING], [PROVEN])
    assert asked(unknown)[0] != asked(proven)[0]


def test_a_question_that_has_settled_is_asked_anew() -> None:
    """With a clock of its own: nobody was asked in between."""
    state = STATE
    question = decide(state, [PROVEN], now=100.0)
    settled = decide(question.state, [FINE], now=200.0)
    assert settled.action is Action.EXTEND
    again = decide(settled.state, [PROVEN], now=300.0)
    assert asked(again)[1] == 300.0


def test_a_go_that_was_given_is_not_asked_for_again() -> None:
    """What has become unknown since is asked about alone."""
    go = decide(STATE, [FINE], now=700.0)
    assert asked(go)[0] == "0-0"
    paused = Command(Verb.PAUSE, 0, "bob", "wait")
    given = decide(go.state, [FINE], now=800.0, answer=YES, command=paused)
    later = decide(given.state.looked(900.0, None), [SLOW], now=900.0, command=paused)
    assert later.state.question is not None
    assert later.state.question.causes == ("latency INCONCLUSIVE",)
