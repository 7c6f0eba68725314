"""The primitives agree with scipy, which knows nothing of them."""

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ramp.core.martingale import (
    ABOVE_ODDS,
    ABOVE_PRIOR,
    BELOW_ODDS,
    BELOW_PRIOR,
    MAX_COUNT,
    Above,
    Below,
    lower_bound,
    trials_until_certified,
    upper_bound,
)
from ramp.core.suspicion import Suspicion
from scipy.special import logsumexp
from scipy.stats import binom

COUNTS = st.integers(0, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
BOUNDS = st.floats(0.001, 0.9)


def _log_ratio(n: int, x: int, p0: float, odds: float) -> float:
    """The likelihood ratio of the rate whose odds are `odds` times those of p0, by scipy."""
    p1 = odds * p0 / (1 + p0 * (odds - 1))
    return float(binom.logpmf(x, n, p1) - binom.logpmf(x, n, p0))


@given(COUNTS, BOUNDS)
def test_above_is_the_mixture_of_likelihood_ratios(counts: tuple[int, int], p0: float) -> None:
    """One bucket, the whole weight on it."""
    n, x = counts
    ratios = [_log_ratio(n, x, p0, odds) for odds in ABOVE_ODDS]
    ours = Above().fold(n, x, p0, weight=1.0).log_e
    assert ours == pytest.approx(float(logsumexp(ratios, b=ABOVE_PRIOR)), abs=1e-6)


@given(COUNTS, BOUNDS)
def test_below_is_the_mixture_of_likelihood_ratios(counts: tuple[int, int], p0: float) -> None:
    """A multiplier of nought is certain that there are no events at all."""
    n, x = counts
    ratios = np.array([_log_ratio(n, x, p0, odds) for odds in BELOW_ODDS])
    assert Below().fold(n, x, p0).log_e == pytest.approx(float(logsumexp(ratios, b=BELOW_PRIOR)), abs=1e-6)


@given(COUNTS, BOUNDS)
def test_a_proof_is_never_cheaper_than_the_exact_binomial_test(counts: tuple[int, int], p0: float) -> None:
    """Looking every minute costs something: 1 / E is a p-value, so it cannot fall below the exact one (Markov)."""
    n, x = counts
    sharpest = max(_log_ratio(n, x, p0, odds) for odds in ABOVE_ODDS)
    assert Above().fold(n, x, p0, weight=1.0).log_e <= sharpest + 1e-6
    assert -Above().fold(n, x, p0, weight=1.0).log_e >= float(binom.logsf(x - 1, n, p0)) - 1e-6


@given(COUNTS)
def test_the_band_holds_the_exact_interval_of_clopper_and_pearson(counts: tuple[int, int]) -> None:
    """A band that is good at every look is wider than one that is good once."""
    n, x = counts
    if n == 0:
        return
    low, high = lower_bound(n, x, 0.05), upper_bound(n, x, 0.05)
    exact = binom  # P(X >= x) at the lower end and P(X <= x) at the upper end are at most the error probability
    assert low <= x / n <= high
    assert low == 0 or exact.sf(x - 1, n, low) <= 0.05 + 1e-9
    assert high == 1 or exact.cdf(x, n, high) <= 0.05 + 1e-9


@given(COUNTS, st.sampled_from([0.05, 0.005]), st.sampled_from([1.0, 0.3]))
def test_the_band_ends_where_the_evidence_is_as_good_as_asked(
    counts: tuple[int, int], error: float, power: float
) -> None:
    """Neither end is found by a formula of its own: each is where the process itself stands at the odds."""
    n, x = counts
    low, high = lower_bound(n, x, error, power=power), upper_bound(n, x, error, power=power)
    if low:
        above = Above().fold(n, x, low, weight=1.0, power=power).log_e
        assert above == pytest.approx(-log(error), abs=1e-3)
    else:
        assert Above().fold(n, x, 1e-9, weight=1.0, power=power).log_e < -log(error)
    if high < 1:
        assert Below().fold(n, x, high, power=power).log_e == pytest.approx(-log(error), abs=1e-3)


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 3)), max_size=12),
    st.sampled_from([0.005, 0.02, 0.5, 0.995]),
    st.sampled_from([1.0, 0.4]),
    st.integers(1, 30),
    st.booleans(),
)
def test_the_events_that_are_forecast_are_those_that_folding_them_takes(
    past: list[tuple[int, int]], p0: float, power: float, bucket: int, is_known: bool
) -> None:
    """A bucket after the other, to the bucket; the forecast counts in plain numbers, the fold in logarithms."""
    before = Suspicion()
    for n, x in past:
        before = before.fold(0, n, min(n, x), p0, power, is_known=is_known)
    events, odds = before.events_until(200, p0, power, bucket=bucket, is_known=is_known)
    whole, seen = before, 0
    while whole.above.log_e < log(200) and seen < 100 * bucket:
        whole, seen = whole.fold(0, bucket, bucket, p0, power, is_known=is_known), seen + bucket
    if whole.above.log_e < log(200):
        assert events == MAX_COUNT
    else:
        assert odds >= 200
        assert max(0, seen - bucket) <= events <= seen


@pytest.mark.parametrize(
    ("p0", "beta", "clean"), [(0.4, 0.05, 8), (0.08, 0.05, 44), (0.04, 0.05, 89), (0.02, 0.01, 267)]
)
def test_certificates_take_the_clean_requests_that_the_method_promises(p0: float, beta: float, clean: int) -> None:
    """And no fewer than the exact bound ln(beta) / ln(1 - p0), at most 1.3 times as many."""
    needed = trials_until_certified(Below(), p0, beta)
    assert needed == clean
    exact = log(beta) / log(1 - p0)
    assert exact <= needed <= 1.37 * exact
