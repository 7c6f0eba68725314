"""Whatever is read, in whatever slices: every bucket counts once, and nothing counts that was not seen."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from ramp.core.bucket import Bucket
from ramp.core.check import Verdict
from ramp.core.policy import Policy, Position
from ramp.core.sequential_checks import checks, judgements
from ramp.core.sequential_gate import GateState, fold

POLICY = Policy()
SHADOW, CANARY = Position(0, 250_000), Position(250_000, 1_000_000)
MINUTE = 60.0


@st.composite
def ramps(draw: st.DrawFn) -> list[Bucket]:
    """Up to thirty minutes of a shadow step and a canary step."""
    size = draw(st.integers(0, 30))
    return [_bucket(draw, minute, size) for minute in range(size)]


def _bucket(draw: st.DrawFn, minute: int, size: int) -> Bucket:
    step = int(minute >= size / 2)
    control, candidate = draw(st.integers(0, 300)), draw(st.integers(0, 100)) * step
    control_errors, shadow_errors = draw(st.integers(0, control)), draw(st.integers(0, min(control, 20)))
    errors = draw(st.integers(0, min(candidate, 10)))
    return Bucket(
        minute * MINUTE,
        MINUTE,
        step,
        250_000 * step,
        control_requests=control,
        control_errors=control_errors,
        control_slow=control // 20,
        candidate_requests=candidate,
        candidate_errors=errors,
        candidate_discordant=draw(st.integers(0, errors)),
        candidate_slow=candidate // 20,
        shadow_requests=control,
        shadow_errors=shadow_errors,
        shadow_discordant=draw(st.integers(0, shadow_errors)),
        shadow_slow=control // 25,
        comparisons=control,
        mismatches=draw(st.integers(0, min(control, 3))),
    )


@given(ramps(), st.lists(st.floats(0, 2_000), max_size=5))
def test_reading_the_same_period_again_never_counts_twice(buckets: list[Bucket], horizons: list[float]) -> None:
    """Any number of looks at any times, each of which reads everything again, end where one look ends."""
    state = GateState.begin()
    for until in sorted(horizons):
        state = fold(state, buckets, POLICY, until=until)
    assert fold(state, buckets, POLICY, until=2_000) == fold(GateState.begin(), buckets, POLICY, until=2_000)


@given(ramps(), st.randoms())
def test_buckets_may_arrive_in_any_order(buckets: list[Bucket], random: object) -> None:
    """What counts is when they were, not when they came."""
    shuffled = [*buckets]
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    whole = fold(GateState.begin(), buckets, POLICY, until=2_000)
    assert fold(GateState.begin(), shuffled, POLICY, until=2_000) == whole


@given(ramps(), ramps())
def test_corrected_counts_replace_what_was_only_judged(early: list[Bucket], corrected: list[Bucket]) -> None:
    """A view is thrown away: what was provisional in it leaves no trace in the next look."""
    kept = GateState.begin()
    fold(kept, early, POLICY, until=2_000)
    assert fold(kept, corrected, POLICY, until=2_000) == fold(GateState.begin(), corrected, POLICY, until=2_000)


@given(ramps(), st.floats(0, 2_000))
def test_a_resumed_fold_is_exact(buckets: list[Bucket], crash_at: float) -> None:
    """The state goes through JSON, as it does in the ramp table, and comes back to the bit."""
    kept = fold(GateState.begin(), buckets, POLICY, until=crash_at)
    resumed = GateState.from_wire(json.loads(json.dumps(kept.to_wire(), allow_nan=False)))
    assert resumed == kept
    assert fold(resumed, buckets, POLICY, until=2_000) == fold(kept, buckets, POLICY, until=2_000)


@given(ramps())
def test_splitting_buckets_changes_no_count(buckets: list[Bucket]) -> None:
    """How a minute is cut changes what is seen of clusters, and so what is proven; never how many there were."""
    whole, split = (fold(GateState.begin(), cut, POLICY, until=2_000) for cut in (buckets, _halved(buckets)))
    for name in ("live", "shadow", "comparisons", "slow_shadow"):
        assert getattr(split, name)[:2] == getattr(whole, name)[:2]


@given(ramps(), st.sampled_from([SHADOW, CANARY]))
def test_splitting_buckets_changes_no_certificate_of_what_does_not_cluster(
    buckets: list[Bucket], position: Position
) -> None:
    """Where control has shown no clusters, a certificate and its band depend on the counts alone."""
    calm = [bucket._replace(control_errors=0) for bucket in buckets]
    whole, split = (
        _certificates(fold(GateState.begin(), cut, POLICY, until=2_000), position) for cut in (calm, _halved(calm))
    )
    assert split == whole


def _certificates(state: GateState, position: Position) -> list[tuple[object, ...]]:
    """What each rests on, without what is proven against the candidate: that goes by buckets."""
    found = ((check.name, check.numbers) for check in checks(state, position, POLICY))
    return [
        (name, numbers.trials, numbers.events, numbers.rate_high, numbers.go_limit)
        for name, numbers in found
        if numbers.go_limit is not None
    ]


def _halved(buckets: list[Bucket]) -> list[Bucket]:
    return [half for bucket in buckets for half in _halves(bucket)]


def _halves(bucket: Bucket) -> tuple[Bucket, Bucket]:
    """The first half has half of the requests and as many of the failures as fit."""
    whole = bucket._asdict()
    first = {name: whole[name] // 2 for name in TRIALS}
    for name, of in EVENTS.items():
        first[name] = min(whole[name], first[of])
    rest = {name: whole[name] - first[name] for name in first}
    step = (bucket.step, bucket.share_ppm)
    return Bucket(bucket.start, 30.0, *step, **first), Bucket(bucket.start + 30, 30.0, *step, **rest)


TRIALS = ("control_requests", "candidate_requests", "shadow_requests", "comparisons")
EVENTS = {
    "control_errors": "control_requests",
    "control_slow": "control_requests",
    "candidate_errors": "candidate_requests",
    "candidate_discordant": "candidate_errors",
    "candidate_slow": "candidate_requests",
    "shadow_errors": "shadow_requests",
    "shadow_discordant": "shadow_errors",
    "shadow_slow": "shadow_requests",
    "mismatches": "comparisons",
}


@given(st.sampled_from([SHADOW, CANARY]))
def test_nothing_passes_and_nothing_fails_without_evidence(position: Position) -> None:
    """Absence of evidence is never a pass, and never a proof."""
    assert {check.verdict for check in checks(GateState.begin(), position, POLICY)} == {Verdict.INCONCLUSIVE}


@settings(max_examples=50)
@given(ramps(), st.integers(0, 29))
def test_one_more_failure_never_helps(buckets: list[Bucket], index: int) -> None:
    """Evidence against the candidate grows and its certificate shrinks with each further failure of the last bucket."""
    if not buckets or not buckets[-1].candidate_requests > buckets[-1].candidate_errors:
        return
    last = buckets[-1]
    worse = last._replace(
        candidate_errors=last.candidate_errors + 1, candidate_discordant=last.candidate_discordant + 1
    )
    before = fold(GateState.begin(), buckets, POLICY, until=2_000)
    after = fold(GateState.begin(), [*buckets[:-1], worse], POLICY, until=2_000)
    assert after.errors.above.log_e >= before.errors.above.log_e
    pairs = zip(judgements(before, CANARY, POLICY), judgements(after, CANARY, POLICY), strict=True)
    assert all(not (a.verdict is Verdict.PASS and b.verdict is not Verdict.PASS) for b, a in pairs)
