"""One look through the gate that the plan asks for: what is kept, what is judged, and that nothing counts twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from ramp.core.bucket import Bucket
from ramp.core.check import Consequence, Missing, Verdict
from ramp.core.evidence import ArmCounts, Evidence
from ramp.core.judge import judge, policy_of, position_of
from ramp.core.policy import ASK_BUDGET, ROLL_BACK_BUDGET, Policy
from ramp.core.sequential_gate import GateState
from ramp.core.state import RampState
from ramp.core.verdict import Action, decide

MINUTE = 60
PLAN: dict[str, Any] = {
    "steps": [
        {"percent": 0, "bake_seconds": 3600},
        {"percent": 5, "bake_seconds": 3600},
        {"percent": 100, "bake_seconds": 3600},
    ]
}
BEGIN = GateState.begin().to_wire()


def at(step: int, **plan: Any) -> RampState:
    """A ramp at `step`, which began at nought."""
    return RampState("ramp-1", "arn", PLAN | plan, "1", 0.0, step)


def minutes(step: int, count: int, **counts: int) -> tuple[Bucket, ...]:
    """As many minutes with the same counts."""
    return tuple(Bucket(MINUTE * index, MINUTE, step, **counts) for index in range(count))


def seen(buckets: tuple[Bucket, ...], **alarms: str) -> Evidence:
    """The evidence of these minutes; totals are not what the sequential gate reads."""
    return Evidence(buckets=buckets, until=buckets[-1].end if buckets else 0.0, alarms=alarms)


CLEAN_SHADOW = minutes(
    0,
    60,
    control_requests=60,
    control_slow=3,
    shadow_requests=60,
    comparisons=60,
)


def verdicts(look: Any) -> dict[str, Verdict]:
    """By name."""
    return {check.name: check.verdict for check in look.checks}


def test_an_hour_of_clean_shadow_reads_is_certified() -> None:
    """Every row passes, and the guards beside them."""
    look = judge(at(0), seen(CLEAN_SHADOW, guard="OK"), BEGIN, now=3700.0)
    assert set(verdicts(look).values()) == {Verdict.PASS}
    assert "alarm guard" in verdicts(look)


def test_nothing_seen_certifies_nothing() -> None:
    """Absence of evidence is never a pass."""
    look = judge(at(0), seen(()), BEGIN, now=3700.0)
    assert Verdict.PASS not in verdicts(look).values()


def test_what_is_read_again_counts_once() -> None:
    """Looks in any number, crashed ones included, end in the same state as one look over everything."""
    state = at(0)
    kept: Mapping[str, Any] = BEGIN
    for minute in (10, 25, 25, 40, 60):
        evidence = replace(seen(CLEAN_SHADOW[:minute]), until=minute * MINUTE)
        look = judge(state, evidence, json.loads(json.dumps(kept)), now=minute * MINUTE + 60.0)
        kept = look.kept
    once = judge(state, seen(CLEAN_SHADOW), BEGIN, now=3660.0)
    assert look.checks == once.checks
    assert look.left == once.left


def test_counts_that_are_corrected_before_they_settle_are_taken_over() -> None:
    """What a look only judged is judged anew at the next; what has settled stays."""
    first = judge(at(0), seen(CLEAN_SHADOW), BEGIN, now=3660.0)
    corrected = (*CLEAN_SHADOW[:-1], CLEAN_SHADOW[-1]._replace(shadow_errors=60, shadow_discordant=60))
    second = judge(at(0), seen(corrected), first.kept, now=3660.0)
    assert verdicts(second)["shadow errors"] is Verdict.FAIL


def test_failures_of_users_requests_roll_back_by_proof() -> None:
    """A tenth of the served requests failing at 5 % is proven; one failure is not."""
    healthy = judge(at(0), seen(CLEAN_SHADOW), BEGIN, now=3660.0)
    counts = {"control_requests": 950, "candidate_requests": 50, "comparisons": 45}
    failing = [
        bucket._replace(start=bucket.start + 7200)
        for bucket in minutes(1, 10, candidate_errors=5, candidate_discordant=5, **counts)
    ]
    look = judge(at(1), seen(tuple(failing)), healthy.left, now=9000.0)
    assert verdicts(look)["errors"] is Verdict.FAIL
    (unlucky, *_) = [bucket._replace(candidate_errors=1, candidate_discordant=1) for bucket in failing]
    assert verdicts(judge(at(1), seen((unlucky,)), healthy.left, now=9000.0))["errors"] is not Verdict.FAIL


def test_the_fixed_gate_reads_totals_and_keeps_nothing() -> None:
    """Plain thresholds on the step so far."""
    evidence = Evidence(shadow=ArmCounts(requests=1_000, discordant_errors=500, errors=500))
    look = judge(at(0, gate="fixed"), evidence, {}, now=100.0)
    assert verdicts(look)["errors"] is Verdict.FAIL
    assert (look.kept, look.left) == ({}, {})


@pytest.mark.parametrize(("step", "position"), [(0, (0, 50_000)), (1, (50_000, 1_000_000)), (2, (1_000_000, None))])
def test_a_step_knows_its_share_and_the_next(step: int, position: tuple[int, int | None]) -> None:
    """The harm budget is drawn from the next share."""
    assert position_of(at(0).plan, step) == position


def test_the_plans_percents_are_the_gates_rates() -> None:
    """2 %, 0.5 % and 1 % by default, and whether control answers after a failure."""
    policy = policy_of(at(0, routing={"fallback": False}).plan)
    assert (policy.error_limit, policy.mismatch_limit, policy.mismatch_certified) == (0.02, 0.005, 0.01)
    assert not policy.fallback


def test_the_default_budgets_are_the_gates_own_to_the_bit() -> None:
    """A plan that says nothing decides as the benchmark measured."""
    assert policy_of(at(0).plan) == Policy()


def test_budgets_are_divided_among_the_checks_in_the_same_proportions() -> None:
    """Half the rollbacks, twice the questions, a tenth of the certificates' errors."""
    asked = {"roll_back_percent": 0.5, "ask_percent": 3, "certificate_percent": 0.1, "step_certificate_percent": 0.5}
    policy, default = policy_of(at(0, budgets=asked).plan), Policy()
    for name in ("errors", "relative", "shadow_errors"):
        assert getattr(policy, f"alpha_{name}") == pytest.approx(getattr(default, f"alpha_{name}") / 2)
    for name in ("mismatches", "latency", "shadow_latency", "share"):
        assert getattr(policy, f"alpha_{name}") == pytest.approx(2 * getattr(default, f"alpha_{name}"))
    assert (policy.beta_shadow, policy.beta_step, policy.beta_whole) == (0.001, 0.005, 0.001)
    assert default.alpha_errors + default.alpha_relative + default.alpha_shadow_errors == pytest.approx(
        ROLL_BACK_BUDGET
    )
    asks = (default.alpha_mismatches, default.alpha_latency, default.alpha_shadow_latency, default.alpha_share)
    assert sum(asks) == pytest.approx(ASK_BUDGET)


def test_a_smaller_budget_takes_more_evidence() -> None:
    """What is proven at 1 % is not yet proven at a hundredth of it."""
    healthy = judge(at(0), seen(CLEAN_SHADOW), BEGIN, now=3660.0)
    counts = {"control_requests": 950, "candidate_requests": 50, "candidate_errors": 4, "candidate_discordant": 4}
    failing = seen(tuple(bucket._replace(start=bucket.start + 7200) for bucket in minutes(1, 3, **counts)))
    strict = at(1, budgets={"roll_back_percent": 0.0001})
    assert verdicts(judge(at(1), failing, healthy.left, now=9000.0))["errors"] is Verdict.FAIL
    assert verdicts(judge(strict, failing, healthy.left, now=9000.0))["errors"] is Verdict.INCONCLUSIVE


def misrouted(control: int | None, candidate: int | None) -> Evidence:
    """A thousand requests, a twentieth of them on the candidate."""
    arms = ArmCounts(requests=950, misrouted=control), ArmCounts(requests=50, misrouted=candidate)
    return Evidence(*arms, until=600.0)


@pytest.mark.parametrize("gate", ["sequential", "fixed"])
def test_one_misrouted_request_is_asked_about_at_once_by_either_gate(gate: str) -> None:
    """In the middle of the bake: a count with a limit of nought is crossed back by nothing that follows."""
    state = replace(at(1, gate=gate), step_started_at=0.0)
    look = judge(state, misrouted(0, 1), BEGIN, now=660.0)
    (check,) = [each for each in look.checks if each.name == "misrouted"]
    assert (check.verdict, check.consequence) == (Verdict.FAIL, Consequence.ASK)
    decision = decide(state, look.checks, now=660.0)
    assert decision.action is Action.ASK
    assert "1 of 1,000 requests were tried on the other arm" in decision.reason


@pytest.mark.parametrize("gate", ["sequential", "fixed"])
def test_misrouted_requests_that_nobody_counts_are_neither_health_nor_fault(gate: str) -> None:
    """Functions of an older version: no row, where a count of nought is one that passes."""
    assert "misrouted" not in verdicts(judge(at(1, gate=gate), misrouted(None, None), BEGIN, now=660.0))
    counted = judge(at(1, gate=gate), misrouted(0, None), BEGIN, now=660.0)
    assert verdicts(counted)["misrouted"] is Verdict.PASS


SERVED = ArmCounts(requests=240)


@pytest.mark.parametrize("gate", ["sequential", "fixed"])
@pytest.mark.parametrize(
    ("step", "evidence", "missing", "said"),
    [
        (0, Evidence(until=0.0), Missing.NOT_ARRIVED, "the first period of this step can be judged in 90 seconds"),
        (0, Evidence(until=60.0), Missing.NO_SERIES, "no datapoint of any arm under ramp ramp-1, step 0, 30 seconds"),
        (0, Evidence(control=SERVED, until=60.0), Missing.NO_TRAFFIC, "none was read in shadow; look at dispatch_err"),
        (1, Evidence(control=SERVED, until=60.0), Missing.NO_TRAFFIC, "control served 240 requests and the candidate"),
        (2, Evidence(until=60.0), Missing.NO_SERIES, "look whether anybody asks"),
    ],
)
def test_no_data_is_told_apart_by_its_reason(
    gate: str, step: int, evidence: Evidence, missing: Missing, said: str
) -> None:
    """In a code, and once in the sentence of the verdict however many checks it holds up."""
    state = replace(at(step, gate=gate), step_started_at=0.0)
    look = judge(state, evidence, BEGIN, now=30.0)
    assert {check.numbers.missing for check in look.checks if check.numbers.trials == 0} == {missing}
    reason = decide(state, look.checks, now=10_000.0).reason
    assert reason.count(said) == 1, reason


def test_a_shadow_that_samples_nothing_says_so() -> None:
    """The plan itself is the place to look."""
    state = replace(at(0, shadow={"sample_percent": 0}), step_started_at=0.0)
    look = judge(state, Evidence(control=SERVED, until=60.0), BEGIN, now=120.0)
    assert "since shadow.sample_percent is 0" in decide(state, look.checks, now=120.0).reason


def test_counts_that_tell_nothing_are_not_missing() -> None:
    """Both arms failed every request: the row keeps its own words."""
    dead = minutes(1, 10, control_requests=100, control_errors=100, candidate_requests=5, candidate_errors=5)
    arm = ArmCounts(requests=50, errors=50)
    evidence = replace(seen(dead), control=ArmCounts(requests=1_000, errors=1_000), candidate=arm)
    look = judge(at(1), evidence, BEGIN, now=660.0)
    (errors,) = [check for check in look.checks if check.name == "errors"]
    assert (errors.numbers.trials, errors.numbers.missing) == (0, None)
