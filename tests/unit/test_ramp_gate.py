"""The decision table on fixed thresholds, at and around each of its edges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ramp.core.bucket import Bucket
from ramp.core.check import Check, Consequence, Verdict, worst
from ramp.core.evidence import ArmCounts, Evidence
from ramp.core.gate import alarm_checks, checks
from ramp.core.plan import Gates, Plan, Step

GATES: Gates = Plan.parse({"steps": [{"percent": 100, "bake_seconds": 1}]}).gates
SHADOW, CANARY, WHOLE = (Step(ppm, 60, 60, approval=False) for ppm in (0, 100_000, 1_000_000))
PASS, UNKNOWN, FAIL = Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL


def check(name: str, evidence: Evidence, step: Step = SHADOW, **options: Any) -> Check:
    """The one check of that name."""
    settings = {"fallback": True, "control_p95_ms": None} | options
    (found,) = [each for each in checks(evidence, step, GATES, **settings) if each.name == name]
    return found


def shadow(**counts: Any) -> Evidence:
    """A thousand shadow reads, and what else the case says."""
    return Evidence(shadow=ArmCounts(**{"requests": 1_000} | counts))


@pytest.mark.parametrize(("failed", "verdict"), [(0, PASS), (20, PASS), (21, FAIL)])
def test_two_percent_of_failures_go_and_more_roll_back(failed: int, verdict: Verdict) -> None:
    """Candidate error rate: at most 2 % goes, above rolls back."""
    found = check("errors", shadow(discordant_errors=failed))
    assert (found.verdict, found.consequence) == (verdict, Consequence.ROLL_BACK)
    assert str(failed) in found.reason


@pytest.mark.parametrize(("requests", "failed", "verdict"), [(99, 0, UNKNOWN), (10, 3, FAIL), (10, 2, UNKNOWN)])
def test_few_reads_prove_harm_only_when_the_rest_could_not_make_it_good(
    requests: int, failed: int, verdict: Verdict
) -> None:
    """Three failures of ten are more than 2 of 100, whatever the next ninety are."""
    assert check("errors", shadow(requests=requests, discordant_errors=failed)).verdict is verdict


def test_a_shared_outage_counts_for_nobody() -> None:
    """Only failures where control answered count while users are answered from control."""
    down = Evidence(candidate=ArmCounts(requests=1_000, errors=1_000, discordant_errors=0))
    assert check("errors", down, CANARY).verdict is PASS
    assert check("errors", down, CANARY, fallback=False).verdict is FAIL


def test_clean_shadow_reads_do_not_outvote_failing_users() -> None:
    """Ten of a hundred users' requests fail; a clean thousand in shadow make it no better."""
    evidence = Evidence(candidate=ArmCounts(requests=100, discordant_errors=10), shadow=ArmCounts(requests=1_000))
    assert check("errors", evidence, CANARY).verdict is FAIL


@pytest.mark.parametrize(("failed", "verdict"), [(49, PASS), (50, UNKNOWN), (51, FAIL)])
def test_shadow_failures_go_below_five_percent_and_roll_back_above(failed: int, verdict: Verdict) -> None:
    """Failed or timed out, whatever control did."""
    assert check("shadow failures", shadow(errors=failed)).verdict is verdict


@pytest.mark.parametrize(("p95_ms", "verdict"), [(999.0, PASS), (1_000.0, FAIL), (None, UNKNOWN)])
def test_a_shadow_p95_of_a_second_is_asked_about(p95_ms: float | None, verdict: Verdict) -> None:
    """Under a second goes."""
    found = check("shadow p95", shadow(p95_ms=p95_ms))
    assert (found.verdict, found.consequence) == (verdict, Consequence.ASK)


@pytest.mark.parametrize(("differ", "verdict"), [(0, PASS), (4, PASS), (5, UNKNOWN), (10, UNKNOWN), (11, FAIL)])
def test_mismatches_go_wait_or_are_asked_about(differ: int, verdict: Verdict) -> None:
    """Below 0.5 % goes, above 1 % asks, between is not known."""
    found = check("mismatches", shadow(comparisons=1_000, mismatches=differ))
    assert (found.verdict, found.consequence) == (verdict, Consequence.ASK)


@pytest.mark.parametrize(
    ("control_ms", "candidate_ms", "verdict"),
    [
        (1_000, 1_150, PASS),
        (1_000, 1_151, UNKNOWN),
        (1_000, 1_300, UNKNOWN),
        (1_000, 1_301, FAIL),
        (1, 51, PASS),
        (1, 52, FAIL),
        (1_000, 10, PASS),
    ],
)
def test_latency_is_held_to_controls_with_an_allowance(
    control_ms: float, candidate_ms: float, verdict: Verdict
) -> None:
    """+15 % goes, above +30 % asks; 50 ms never count, since percents of a control in memory mean nothing."""
    evidence = Evidence(
        control=ArmCounts(requests=1_000, p95_ms=control_ms),
        candidate=ArmCounts(requests=1_000, p95_ms=candidate_ms),
    )
    assert check("latency", evidence, CANARY).verdict is verdict


def test_latency_at_the_whole_is_held_to_the_last_good_control() -> None:
    """At 100 % control serves nobody; its p95 of the step before is the measure, and without one nothing is known."""
    evidence = Evidence(candidate=ArmCounts(requests=1_000, p95_ms=70.0))
    assert check("latency", evidence, WHOLE, control_p95_ms=20.0).verdict is PASS
    assert check("latency", evidence, WHOLE, control_p95_ms=10.0).verdict is FAIL
    assert check("latency", evidence, WHOLE).verdict is UNKNOWN


def test_at_the_whole_there_is_no_shadow_to_judge() -> None:
    """Nothing is read in shadow when control serves nobody."""
    names = [each.name for each in checks(Evidence(), WHOLE, GATES, fallback=True, control_p95_ms=None)]
    assert not [name for name in names if "shadow" in name]


@pytest.mark.parametrize(
    ("state", "verdict"), [("OK", PASS), ("ALARM", FAIL), ("INSUFFICIENT_DATA", UNKNOWN), ("MISSING", UNKNOWN)]
)
def test_an_alarm_passes_only_when_it_is_ok(state: str, verdict: Verdict) -> None:
    """And rolls back only in ALARM."""
    (found,) = alarm_checks({"guard": state})
    assert (found.verdict, found.consequence) == (verdict, Consequence.ROLL_BACK)


@pytest.mark.parametrize(("served", "verdict"), [(100, PASS), (1_000, PASS), (4_000, FAIL), (0, UNKNOWN)])
def test_the_share_is_about_the_configured_one(served: int, verdict: Verdict) -> None:
    """10 % configured of 10,000 requests: half to twice of it, widened for few users; none served proves nothing."""
    evidence = Evidence(control=ArmCounts(requests=10_000 - served), candidate=ArmCounts(requests=served))
    if served == 100:
        evidence = replace(evidence, control=ArmCounts(requests=900))
    assert check("share", evidence, CANARY).verdict is verdict


@pytest.mark.parametrize(("silent_seconds", "verdict"), [(900, PASS), (901, UNKNOWN)])
def test_the_share_of_well_before_a_silence_is_not_that_of_now(silent_seconds: int, verdict: Verdict) -> None:
    evidence = Evidence(
        control=ArmCounts(requests=900),
        candidate=ArmCounts(requests=100),
        until=10_000,
        buckets=(Bucket(0, 60, 1), Bucket(10_000 - silent_seconds - 60, 60, 1)),
    )
    found = check("share", evidence, CANARY)
    assert found.verdict is verdict
    assert ("; nothing has been measured for 15 minutes" in found.reason) is (verdict is UNKNOWN)


@pytest.mark.parametrize(("failed", "flips"), [(0, 21), (20, 1)])
def test_a_rate_says_how_many_failures_in_a_row_would_roll_back(failed: int, flips: int) -> None:
    """The flip is exactly there: one fewer still passes."""
    numbers = check("errors", shadow(discordant_errors=failed)).numbers
    assert (numbers.flips_after, numbers.flips_to) == (flips, FAIL)
    for more, verdict in ((flips - 1, PASS), (flips, FAIL)):
        more_failures = shadow(requests=1_000 + more, discordant_errors=failed + more)
        assert check("errors", more_failures).verdict is verdict


def test_what_is_missing_is_said_in_observations_and_in_time() -> None:
    """Forty in ten minutes, so another sixty take fifteen."""
    found = check("errors", shadow(requests=40), seconds=600.0)
    assert (found.numbers.needs_trials, found.numbers.needs_seconds) == (60, 900.0)
    assert found.reason.endswith("needs 60 more); about 15 minutes at this traffic")


def test_a_share_says_how_many_requests_on_one_side_would_be_too_many() -> None:
    """Of either arm, whichever comes first."""
    evidence = Evidence(control=ArmCounts(requests=180), candidate=ArmCounts(requests=20))
    flips = check("share", evidence, CANARY).numbers.flips_after
    assert flips is not None
    for more, verdict in ((flips - 1, PASS), (flips, FAIL)):
        moved = replace(evidence, candidate=ArmCounts(requests=20 + more))
        assert check("share", moved, CANARY).verdict is verdict


def test_users_on_the_candidate_in_a_shadow_step_are_asked_about() -> None:
    """Nobody should be there."""
    evidence = Evidence(control=ArmCounts(requests=900), candidate=ArmCounts(requests=100))
    assert check("share", evidence, SHADOW).verdict is FAIL


def test_the_worst_verdict_counts_and_none_is_no_pass() -> None:
    """FAIL over INCONCLUSIVE over PASS."""
    assert worst([PASS, FAIL, UNKNOWN]) is FAIL
    assert worst([PASS, UNKNOWN]) is UNKNOWN
    assert worst([PASS]) is PASS
    assert worst([]) is UNKNOWN
