"""What the sequential gate says, row by row, and why."""

from math import log1p
from time import process_time

import pytest
from ramp.core.bucket import Bucket
from ramp.core.check import Check, Consequence, Verdict
from ramp.core.policy import Policy, Position
from ramp.core.sequential_checks import checks
from ramp.core.sequential_gate import GateState, fold

MINUTE = 60.0
SHADOW = Position(0, 10_000)
CANARY = Position(250_000, 500_000)
LAST = Position(1_000_000, None)
POLICY = Policy()


def _minutes(count: int, start: int = 0, step: int = 1, share_ppm: int = 250_000, **counts: int) -> list[Bucket]:
    """So many minutes alike."""
    return [Bucket((start + i) * MINUTE, MINUTE, step, share_ppm, **counts) for i in range(count)]


def _state(buckets: list[Bucket], policy: Policy = POLICY) -> GateState:
    return fold(GateState.begin(), buckets, policy, until=1e9)


def _check(name: str, buckets: list[Bucket], position: Position = CANARY, policy: Policy = POLICY) -> Check:
    return {check.name: check for check in checks(_state(buckets, policy), position, policy)}[name]


def _served(requests: int, failed: int = 0, control: int = 30) -> dict[str, int]:
    return {
        "candidate_requests": requests,
        "candidate_errors": failed,
        "candidate_discordant": failed,
        "control_requests": control,
    }


@pytest.mark.parametrize(("next_ppm", "clean"), [(250_000, 44), (500_000, 89), (1_000_000, 267), (None, 267)])
def test_a_step_passes_on_exactly_the_clean_requests_of_its_harm_budget(next_ppm: int | None, clean: int) -> None:
    """One request fewer is not enough, and the sentence says which."""
    position = Position(50_000, next_ppm)
    enough = _check("errors", _minutes(clean, **_served(1, control=0)), position)
    short = _check("errors", _minutes(clean - 1, **_served(1, control=0)), position)
    assert enough.verdict is Verdict.PASS
    assert short.verdict is Verdict.INCONCLUSIVE
    assert "needs about 1 more clean requests" in short.reason
    assert short.numbers.needs_trials == 1


def test_what_is_missing_is_said_in_requests_and_in_time() -> None:
    """At two requests a minute the missing ones take half as many minutes."""
    check = _check("errors", _minutes(15, **_served(2)))
    assert check.verdict is Verdict.INCONCLUSIVE
    needs = check.numbers.needs_trials
    assert needs == 59
    assert check.numbers.needs_seconds == pytest.approx(59 * 30)
    assert (
        "needs about 59 more clean requests to certify less than 4 %, about 30 minutes at this traffic" in check.reason
    )


def test_a_candidate_that_always_fails_is_proven_on_few_requests() -> None:
    """Three minutes with one request each, against a control that is known to be well."""
    control = _minutes(10, step=0, share_ppm=0, control_requests=300)
    check = _check("errors against control", control + _minutes(3, 10, **_served(1, failed=1, control=300)))
    assert check.verdict is Verdict.FAIL
    assert check.consequence is Consequence.ROLL_BACK
    assert "proven above" in check.reason


def test_an_outage_of_both_arms_neither_condemns_nor_certifies() -> None:
    """Requests that control failed, too, are no trials at all: a dead database must not look like clean requests."""
    outage = {"candidate_requests": 100, "candidate_errors": 100, "control_requests": 100, "control_errors": 100}
    state = _state(_minutes(10, **outage))
    assert state.live[:2] == (0, 0)
    assert _check("errors", _minutes(10, **outage)).verdict is Verdict.INCONCLUSIVE


def test_without_fallback_every_failure_counts() -> None:
    """Control is not asked after a failure, so nobody knows whether it would have answered."""
    policy = Policy(fallback=False)
    failing = {"candidate_requests": 40, "candidate_errors": 40, "control_requests": 20}
    assert _check("errors", _minutes(5, **failing), policy=policy).verdict is Verdict.FAIL
    assert _check("errors", _minutes(5, **failing)).verdict is Verdict.INCONCLUSIVE


def test_what_rolls_back_stays_proven_and_what_is_asked_is_asked_about_the_present() -> None:
    """Ville bounds the highest value ever; a person who said yes is not asked about the past again."""
    bad, clean = _minutes(5, **_served(100, failed=50)), _minutes(200, 5, **_served(100))
    assert _check("errors", bad + clean).verdict is Verdict.FAIL
    differing = _minutes(5, **_served(20), comparisons=20, mismatches=5)
    equal = _minutes(1_000, 5, **_served(20), comparisons=50)
    assert _check("mismatches", differing).verdict is Verdict.FAIL
    assert _check("mismatches", differing + equal).verdict is Verdict.PASS


def test_a_comparator_that_died_after_the_shadow_step_lets_no_share_pass() -> None:
    """What it compared before is evidence of the answers then, and none that it compares now."""
    before = _minutes(1_740, step=0, share_ppm=0, shadow_requests=1, control_requests=1, comparisons=1)
    unseen = _minutes(370, start=1_740, **_served(15, control=45))
    check = _check("mismatches", before + unseen)
    assert check.verdict is Verdict.INCONCLUSIVE
    assert check.reason.startswith("0 of 1,740 answers differ from control's")
    assert (
        "none of them at this step, of 5,550 requests that the candidate served; look at dispatch_err" in check.reason
    )
    assert check.numbers.needs_trials is None
    seen = _minutes(1, start=2_110, **_served(15, control=45), comparisons=1)
    assert _check("mismatches", before + unseen + seen).verdict is Verdict.PASS


def test_nothing_passes_while_doubt_is_piling_up() -> None:
    """A rate just over the limit is certified below the harm budget of the next share, and yet it waits."""
    doubtful = _minutes(20, **_served(100, failed=3, control=300))
    check = _check("errors", doubtful, Position(10_000, 50_000))
    assert check.verdict is Verdict.INCONCLUSIVE
    assert "the odds that it is above 2 % stand at" in check.reason


def test_a_burst_in_one_small_minute_counts_once() -> None:
    """Five failures of five requests in one minute are one failure, since they may be one user's retries."""
    burst = _minutes(30, **_served(2)) + _minutes(1, 30, **_served(5, failed=5))
    assert _check("errors", burst).verdict is Verdict.INCONCLUSIVE


def test_clusters_that_control_shows_temper_the_proof() -> None:
    """The same counts of the candidate condemn beside a steady control, and do not beside one that fails in bursts."""
    steady = _minutes(100, step=0, share_ppm=0, control_requests=1_000, control_errors=10)
    bursts = [
        bucket._replace(control_errors=100 if i % 10 == 0 else 0)
        for i, bucket in enumerate(_minutes(100, step=0, share_ppm=0, control_requests=1_000))
    ]
    bad = _minutes(3, 100, **_served(300, failed=14, control=1_000))
    assert _check("errors", steady + bad).verdict is Verdict.FAIL
    assert _check("errors", bursts + bad).verdict is not Verdict.FAIL


def test_the_limit_rises_with_a_control_that_is_itself_unwell() -> None:
    """One and a half times control's rate, where that is more than 2 %."""
    unwell = _minutes(5, step=0, share_ppm=0, control_requests=1_000, control_errors=40)
    numbers = _check("errors", unwell + _minutes(1, 5, **_served(10, control=0))).numbers
    assert numbers.limit == pytest.approx(1.5 * 0.04, rel=0.03)


def test_a_step_that_has_so_far_served_control_only_condemns_nobody_for_latency() -> None:
    """The first look of a small team's step: a share of nothing is no limit, and the look must not break."""
    before = _minutes(30, **_served(100, control=100), candidate_slow=12, control_slow=12)
    check = _check("latency", before + _minutes(2, 30, step=2, share_ppm=500_000, control_requests=3))
    assert check.verdict is not Verdict.FAIL
    assert check.numbers.limit == 1.0


def test_latency_is_judged_on_the_candidates_share_of_slow_answers() -> None:
    """Half of the requests and nearly all slow answers: a question, no rollback. A shared slow-down: nothing."""
    slow = _minutes(30, **_served(100, control=100), candidate_slow=12, control_slow=3)
    both = _minutes(30, **_served(100, control=100), candidate_slow=60, control_slow=60)
    assert _check("latency", slow).verdict is Verdict.FAIL
    assert _check("latency", slow).consequence is Consequence.ASK
    assert _check("latency", both).verdict is Verdict.PASS


def test_cold_starts_of_a_new_share_are_no_evidence_of_slowness() -> None:
    """The first bucket of a step does not count for live latency."""
    cold = _minutes(1, **_served(5, control=3_000), candidate_slow=5, control_slow=150)
    warm = _minutes(10, 1, **_served(5, control=3_000), control_slow=150)
    assert _check("latency", cold + warm).verdict is Verdict.PASS


def test_a_request_that_is_served_in_shadow_is_one_too_many() -> None:
    """The share of a shadow step is nought, exactly."""
    check = _check("share", _minutes(1, step=0, share_ppm=0, **_served(1, control=999)), SHADOW)
    assert check.verdict is Verdict.FAIL
    assert "should serve none" in check.reason


@pytest.mark.parametrize(("served", "verdict"), [(250, Verdict.PASS), (750, Verdict.FAIL), (60, Verdict.FAIL)])
def test_the_share_may_be_half_to_twice_what_is_configured(served: int, verdict: Verdict) -> None:
    """25 % of a thousand requests a minute, for ten minutes."""
    check = _check("share", _minutes(10, **_served(served, control=1_000 - served)))
    assert check.verdict is verdict


@pytest.mark.parametrize(("minutes", "verdict"), [(15, Verdict.PASS), (16, Verdict.INCONCLUSIVE)])
def test_what_was_measured_well_before_a_silence_passes_nothing(minutes: int, verdict: Verdict) -> None:
    """Nobody asks, or the routers lost the flag, or the metrics end somewhere: nothing is known of now."""
    state = _state(_minutes(100, **_served(10)))
    found = {check.name: check for check in checks(state, CANARY, POLICY, (100 + minutes) * MINUTE)}["share"]
    assert found.verdict is verdict
    assert ("nothing has been measured for 16 minutes, so nothing is known of now; look" in found.reason) is (
        verdict is Verdict.INCONCLUSIVE
    )
    assert found.numbers.needs_trials == (1 if verdict is Verdict.INCONCLUSIVE else 0)
    assert _check("share", _minutes(100, **_served(10))).verdict is Verdict.PASS


def test_shadow_passes_on_its_three_certificates_and_on_nothing_less() -> None:
    """Mismatches, errors and latency, each by itself: take one away and the step waits."""
    good: dict[str, int] = {
        "control_requests": 100,
        "control_slow": 5,
        "shadow_requests": 100,
        "shadow_slow": 4,
        "comparisons": 100,
    }
    whole = checks(_state(_minutes(30, step=0, share_ppm=0, **good)), SHADOW, POLICY)
    assert {check.verdict for check in whole} == {Verdict.PASS}
    for missing, row in (("comparisons", "mismatches"), ("shadow_requests", "shadow errors")):
        without = _check(row, _minutes(30, step=0, share_ppm=0, **good | {missing: 0}), SHADOW)
        assert without.verdict is Verdict.INCONCLUSIVE
    untimed = good | {"shadow_slow": 0, "control_slow": 0}
    assert (
        _check("shadow latency", _minutes(30, step=0, share_ppm=0, **untimed), SHADOW).verdict is Verdict.INCONCLUSIVE
    )


def test_a_straggler_of_the_step_before_is_evidence_but_not_of_this_step() -> None:
    """Its failures count; the share of this step does not."""
    late = Bucket(60, MINUTE, 0, 0, control_requests=500)
    state = _state([Bucket(0, MINUTE, 1, 250_000, **_served(25, control=75)), late])
    assert state.step.step == 1
    assert state.step.control == 75


def test_errors_that_arrive_without_their_requests_cannot_fabricate_evidence() -> None:
    """One record carries both, so more failures than requests are read as no more than the requests."""
    state = _state([Bucket(0, MINUTE, 1, 250_000, candidate_requests=2, candidate_errors=9, candidate_discordant=9)])
    assert state.live.events <= state.live.trials == 2


def test_a_week_of_minutes_folds_in_a_second_and_a_look_in_fifty_milliseconds() -> None:
    """From scratch, and then a quarter of an hour again with checks and sentences.

    In units of a loop timed in the same run, which takes 0.07 s of CPU on a machine where the fold takes 0.6 s and the
    look 3 ms: machines are noisy, and their neighbours slow both alike.
    """
    began = process_time()
    sum(log1p(number) for number in range(1_200_000))
    unit = process_time() - began
    week = _minutes(10_080, **_served(15, control=45), shadow_requests=45, comparisons=60, control_slow=2)
    began = process_time()
    state = fold(GateState.begin(), week[:-1], POLICY, until=1e9)
    from_scratch = process_time() - began
    began = process_time()
    checks(fold(state, week[-16:], POLICY, until=1e9), CANARY, POLICY)
    look = process_time() - began
    assert from_scratch < 16 * unit
    assert look < 0.5 * unit


@pytest.mark.parametrize("failed", [0, 3])
def test_the_events_in_a_row_that_a_check_names_do_make_it_worse(failed: int) -> None:
    """One fewer does not; whether it comes to doubt, to the loss of a certificate or to a proof."""
    before = _minutes(10, **_served(300, failed=failed))
    check = _check("errors", before)
    flips, flips_to = check.numbers.flips_after, check.numbers.flips_to
    assert flips is not None
    for more, verdict in ((flips - 1, check.verdict), (flips, flips_to)):
        after = before + _minutes(1, 10, **_served(more, failed=more))
        assert _check("errors", after).verdict is verdict, (more, flips)


def test_the_failures_in_a_row_that_would_roll_back_do_and_one_fewer_does_not() -> None:
    """A proof, where no certificate is there to be lost first, minute by minute as users ask."""
    before = _minutes(10, **_served(20))
    check = _check("errors", before, LAST)
    assert (check.verdict, check.numbers.flips_to) == (Verdict.INCONCLUSIVE, Verdict.FAIL)
    flips = check.numbers.flips_after
    assert flips is not None
    assert f"{flips} more in a row would roll back" in check.reason
    for more, verdict in ((flips - 1, Verdict.INCONCLUSIVE), (flips, Verdict.FAIL)):
        whole, rest = divmod(more, 20)
        after = before + _minutes(whole, 10, **_served(20, failed=20))
        after += _minutes(bool(rest), 10 + whole, **_served(rest, failed=rest))
        assert _check("errors", after, LAST).verdict is verdict, (more, flips)


def test_the_clean_requests_that_a_doubt_takes_do_settle_it() -> None:
    """In numbers and in words; one fewer does not."""
    doubtful = _minutes(20, **_served(100, failed=3, control=300))
    check = _check("errors", doubtful, Position(10_000, 50_000))
    needs = check.numbers.needs_trials
    assert needs
    assert "more clean requests would settle it, about" in check.reason
    for more, verdict in ((needs - 1, Verdict.INCONCLUSIVE), (needs, Verdict.PASS)):
        settled = doubtful + _minutes(1, 20, **_served(more, control=300))
        assert _check("errors", settled, Position(10_000, 50_000)).verdict is verdict


def test_a_share_names_requests_that_would_prove_it_wrong() -> None:
    """At shadow one is too many; elsewhere they count as users."""
    state = _state(_minutes(60, **_served(10, control=30)))
    numbers = {check.name: check for check in checks(state, CANARY, POLICY)}["share"].numbers
    assert numbers.flips_after is not None
    assert numbers.flips_after > 10
    assert numbers.flips_to is Verdict.FAIL
    assert (numbers.limit_low, numbers.target, numbers.limit) == (0.125, 0.25, 0.5)
    assert _check("share", _minutes(1, step=0, share_ppm=0, control_requests=9), SHADOW).numbers.flips_after == 1
