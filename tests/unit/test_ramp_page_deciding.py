"""What a person has seen of the evidence, and what of it may change under a click."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ramp.core.bucket import Bucket
from ramp.core.evidence import ArmCounts, Evidence
from ramp.core.judge import judge
from ramp.core.sequential_gate import GateState
from ramp.core.state import Question, RampState
from ramp.core.verdict import Answer, decide
from ramp.page.deciding import Appraisal

MINUTES = 20
CLEAN = Bucket(
    0, 60, 1, control_requests=100, control_slow=5, candidate_requests=100, candidate_slow=5, comparisons=100
)


def appraised(*minutes: Bucket, gate: str = "sequential") -> Appraisal:
    """The evidence of these minutes at 50 %, judged for somebody who was asked for go or no-go."""
    steps = [
        {"percent": 0, "bake_seconds": 600},
        {"percent": 50, "bake_seconds": 600, "approval": True},
        {"percent": 100, "bake_seconds": 600},
    ]
    question = Question("1-1", ("approval",), "go?", 700.0)
    state = RampState(
        "r", "arn", {"gate": gate, "steps": steps}, "1", 0.0, 1, control_p95_ms=10.0, limited=True, question=question
    )
    buckets = tuple(minute._replace(start=60 * number) for number, minute in enumerate(minutes))
    requests = sum(minute.candidate_requests for minute in minutes)
    failed = sum(minute.candidate_errors for minute in minutes)
    differing = sum(minute.mismatches for minute in minutes)
    arm = ArmCounts(requests=requests, p95_ms=10.0)
    candidate = replace(
        arm, errors=failed, discordant_errors=failed, comparisons=requests, mismatches=differing, p95_ms=12.0
    )
    evidence = Evidence(arm, candidate, ArmCounts(), {"a": "OK"}, 60.0 * len(minutes), buckets)
    now = evidence.until + 60
    found = judge(state, evidence, GateState.begin().to_wire(), now)
    decision = decide(state, found.checks, now=now, answer=Answer(approves=True, by="ada", reason="so"))
    return Appraisal(found.checks, decision, question.causes)


@pytest.mark.parametrize("gate", ["sequential", "fixed"])
def test_a_minute_of_healthy_requests_changes_nothing_that_a_person_decides_by(gate: str) -> None:
    """Requests are served and some are slow every minute; would that count, no approval would ever go through."""
    assert appraised(*[CLEAN] * MINUTES, gate=gate).seen == appraised(*[CLEAN] * (MINUTES + 1), gate=gate).seen


@pytest.mark.parametrize("gate", ["sequential", "fixed"])
@pytest.mark.parametrize(
    "worse", [{"candidate_errors": 1, "candidate_discordant": 1}, {"mismatches": 1}], ids=["failure", "mismatch"]
)
def test_one_more_failure_is_shown_before_a_yes_counts(gate: str, worse: dict[str, int]) -> None:
    """Or one more answer that differs."""
    before = appraised(*[CLEAN] * MINUTES, gate=gate)
    after = appraised(*[CLEAN] * MINUTES, CLEAN._replace(**worse), gate=gate)
    assert before.seen != after.seen


def test_another_verdict_is_shown_before_a_yes_counts() -> None:
    """Of a check whose counts come with every healthy request, too."""
    slow = CLEAN._replace(control_slow=0, candidate_slow=60)
    assert appraised(*[CLEAN] * MINUTES).seen != appraised(*[CLEAN] * MINUTES, *[slow] * 5).seen
