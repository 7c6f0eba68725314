"""No evidence, no person's silence and no order of events gets a ramp past a check that does not pass."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from ramp.core.check import Check, Consequence, Numbers, Verdict, worst
from ramp.core.evidence import ArmCounts, Evidence
from ramp.core.gate import checks
from ramp.core.plan import Gates, Step
from ramp.core.state import Question, RampState
from ramp.core.verdict import APPROVAL, Action, Answer, Command, Verb, decide

PLANS: list[dict[str, Any]] = [
    {"steps": [{"percent": 0, "bake_seconds": 60, "approval": True}, {"percent": 100, "bake_seconds": 60}]},
    {"steps": [{"percent": 5, "bake_seconds": 60, "patience_seconds": 0}, {"percent": 100, "bake_seconds": 60}]},
    {"steps": [{"percent": 100, "bake_seconds": 60}], "approvals": {"on_timeout": "hold"}},
]
NAMES = ["errors", "mismatches", "latency", "share"]
CHECKS = st.lists(
    st.builds(
        Check,
        st.sampled_from(NAMES),
        st.sampled_from(Verdict),
        st.sampled_from(Consequence),
        st.just("3 of 4"),
        st.sampled_from([Numbers(), Numbers(trials=0), Numbers(trials=4)]),
    ),
    max_size=4,
    unique_by=lambda check: check.name,
)
COUNT = st.integers(0, 5_000)
ARMS = st.builds(
    ArmCounts,
    requests=COUNT,
    errors=COUNT,
    discordant_errors=COUNT,
    timeouts=COUNT,
    comparisons=COUNT,
    mismatches=COUNT,
    p95_ms=st.none() | st.floats(0, 10_000),
)
ALARMS = st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA", "MISSING"]))
EVIDENCE = st.builds(Evidence, ARMS, ARMS, ARMS, ALARMS)
STEPS = st.builds(Step, st.sampled_from([0, 17, 10_000, 500_000, 1_000_000]), st.just(60), st.just(60), st.booleans())
GATES = st.builds(
    Gates,
    min_requests=st.integers(1, 1_000),
    error_percent_max=st.floats(0.1, 50),
    latency_go_percent=st.just(15),
    latency_investigate_percent=st.just(30),
    latency_allowance_ms=st.integers(0, 100),
    mismatch_go_percent=st.just(0.5),
    mismatch_investigate_percent=st.just(1),
    shadow_failure_percent_max=st.floats(0.1, 50),
    shadow_p95_ms_max=st.integers(1, 2_000),
)
CAUSE_NAMES = [APPROVAL, *(f"{name} {word}" for name in NAMES for word in ("INCONCLUSIVE", "FAIL"))]
CAUSES = st.lists(st.sampled_from(CAUSE_NAMES), max_size=3, unique=True).map(tuple)
QUESTIONS = st.none() | st.builds(Question, st.just("0-1"), CAUSES, st.just("why?"), st.floats(0, 200))
STATES = st.builds(
    lambda plan, step, look, acknowledged, question: RampState(
        "ramp-1", "arn", plan, "1", 0.0, min(step, len(plan["steps"]) - 1), look, 0.0, 60, None, acknowledged, question
    ),
    st.sampled_from(PLANS),
    st.integers(0, 1),
    st.integers(0, 9),
    CAUSES,
    QUESTIONS,
)
ANSWERS = st.none() | st.builds(Answer, st.booleans(), st.just("ada"), st.just("so"))
MOMENTS = st.floats(0, 400)


@given(STEPS, GATES, st.booleans())
def test_nothing_passes_on_no_evidence(step: Step, gates: Gates, fallback: bool) -> None:  # generated
    """Every check is inconclusive, whatever the thresholds."""
    found = checks(Evidence(), step, gates, fallback=fallback, control_p95_ms=10.0)
    assert found
    assert {check.verdict for check in found} == {Verdict.INCONCLUSIVE}


@given(EVIDENCE, STEPS, GATES, st.integers(1, 100))
def test_more_failures_never_make_a_verdict_milder(evidence: Evidence, step: Step, gates: Gates, more: int) -> None:
    """The errors check is monotone in the candidate's failures."""
    severity = list(Verdict).index
    worse = replace(
        evidence,
        candidate=replace(evidence.candidate, discordant_errors=evidence.candidate.discordant_errors + more),
    )
    before, after = (
        next(c for c in checks(e, step, gates, fallback=True, control_p95_ms=None) if c.name == "errors")
        for e in (evidence, worse)
    )
    assert severity(after.verdict) >= severity(before.verdict)


@given(EVIDENCE, STEPS, GATES)
def test_a_pass_always_rests_on_the_minimum_of_evidence(evidence: Evidence, step: Step, gates: Gates) -> None:
    """No check of a rate or a latency passes on fewer observations than `min_requests`."""
    for check in checks(evidence, step, gates, fallback=True, control_p95_ms=10.0):
        trials = check.numbers.trials
        if check.verdict is Verdict.PASS and check.name != "share" and isinstance(trials, int):
            assert trials >= gates.min_requests, check


@given(STATES, CHECKS, MOMENTS, ANSWERS)
def test_a_ramp_moves_on_only_past_checks_that_pass_or_were_accepted(
    state: RampState, found: list[Check], now: float, answer: Answer | None
) -> None:
    """ADVANCE and PROMOTE need every check passed, or accepted by a person at this very step."""
    decision = decide(state, found, now=now, answer=answer)
    if decision.action not in {Action.ADVANCE, Action.PROMOTE}:
        return
    accepted = decision.state.acknowledged
    assert all(
        check.verdict is Verdict.PASS or {f"{check.name} {check.verdict}", f"{check.name} FAIL"} & set(accepted)
        for check in found
    )
    assert not any(c.verdict is Verdict.FAIL and c.consequence is Consequence.ROLL_BACK for c in found)
    assert not state.current.approval or APPROVAL in accepted
    assert now - state.step_started_at >= state.current.bake_seconds
    newly = set(accepted) - set(state.acknowledged)
    asked = set(state.question.causes) if state.question else set()
    assert newly <= (asked if answer is not None and answer.approves else set())


@given(STATES, CHECKS, MOMENTS, ANSWERS, st.booleans())
def test_rollbacks_outrank_everything(
    state: RampState,
    found: list[Check],
    now: float,
    answer: Answer | None,
    aborted: bool,  # generated
) -> None:
    """Abort, proven harm, and a person's no lead back whatever else is so."""
    harm = any(c.verdict is Verdict.FAIL and c.consequence is Consequence.ROLL_BACK for c in found)
    command = Command(Verb.ABORT, state.step, "ada", "enough") if aborted else None
    decision = decide(state, found, now=now, answer=answer, command=command)
    if harm or aborted or (answer is not None and not answer.approves):
        assert decision.action is Action.ROLL_BACK
        assert decision.reason


@given(STATES, CHECKS, MOMENTS, ANSWERS)
def test_every_decision_says_why_and_asks_with_a_question(
    state: RampState, found: list[Check], now: float, answer: Answer | None
) -> None:
    """The machine routes on the word; ASK always carries what is asked."""
    decision = decide(state, found, now=now, answer=answer)
    assert decision.action in set(Action) - {Action.START, Action.REFUSE}
    assert decision.reason
    assert decision.verdict is worst(check.verdict for check in found)
    assert decision.action is not Action.ASK or decision.state.question is not None
    assert decision.state.step == state.step


@given(STATES, st.sampled_from(NAMES), MOMENTS)
def test_what_was_accepted_as_unknown_is_asked_again_when_it_turns_out_bad(
    state: RampState, name: str, now: float
) -> None:
    """A yes to "we do not know" is no yes to "it is wrong"."""
    unknown = Check(name, Verdict.INCONCLUSIVE, Consequence.ASK, "2 of 3")
    asked = decide(replace(state, acknowledged=(), question=None), [unknown], now=400.0)
    assert asked.action is Action.ASK
    accepted = decide(asked.state, [unknown], now=400.0, answer=Answer(approves=True, by="ada", reason="so"))
    later = decide(accepted.state, [unknown._replace(verdict=Verdict.FAIL)], now=400.0 + now)
    assert later.action is Action.ASK
    assert later.state.question is not None
    assert later.state.question.causes == (f"{name} FAIL",)


@given(STATES)
def test_the_state_survives_the_state_machine(state: RampState) -> None:
    """To JSON and back it is the same."""
    assert RampState.from_wire(json.loads(json.dumps(state.to_wire()))) == state


LOOKS = st.lists(CHECKS, min_size=1, max_size=20)


@given(LOOKS, st.booleans())
def test_a_ramp_that_asks_without_a_break_ends_within_the_time_to_answer(
    looks: list[list[Check]],
    approval: bool,  # generated
) -> None:
    """However the causes change from look to look: silence ends on the safe side, and no cause is told of twice."""
    steps = [{"percent": 5, "bake_seconds": 60, "approval": approval}, {"percent": 100, "bake_seconds": 60}]
    state = RampState("r", "arn", {"steps": steps, "approvals": {"timeout_seconds": 1_000}}, "1", 0.0)
    asking_since, told = None, set[str]()
    for look, found in enumerate(looks):
        now = 100.0 + 300.0 * look
        decision = decide(replace(state, look=look), found, now=now)
        state = decision.state
        if decision.action is Action.ROLL_BACK:
            return
        if state.question is None:
            asking_since, told = None, set()
            continue
        asking_since = now if asking_since is None else asking_since
        assert now - asking_since < 1_000
        if state.question.request_id == f"0-{look}":  # people hear of it
            new = set(state.question.causes) - told
            assert new
            told |= new


@given(EVIDENCE, STEPS, GATES, st.none() | st.floats(1, 100))
def test_only_a_pass_of_the_fixed_gate_needs_nothing_more(
    evidence: Evidence,
    step: Step,
    gates: Gates,
    control_p95_ms: float | None,  # generated
) -> None:
    """Nought says "it passes"; null, that no number of clean requests would make it pass."""
    for check in checks(evidence, step, gates, fallback=True, control_p95_ms=control_p95_ms):
        assert (check.numbers.needs_trials == 0) is (check.verdict is Verdict.PASS), check
        assert check.verdict is not Verdict.FAIL or check.numbers.needs_trials is None
