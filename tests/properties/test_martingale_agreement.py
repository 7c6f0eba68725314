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
    Above,
    Below,
    lower_bound,
    trials_until_certified,
    upper_bound,
)
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


@pytest.mark.parametrize(
    ("p0", "beta", "clean"), [(0.4, 0.05, 8), (0.08, 0.05, 44), (0.04, 0.05, 89), (0.02, 0.01, 267)]
)
def test_certificates_take_the_clean_requests_that_the_method_promises(p0: float, beta: float, clean: int) -> None:
    """And no fewer than the exact bound ln(beta) / ln(1 - p0), at most 1.3 times as many."""
    needed = trials_until_certified(Below(), p0, beta)
    assert needed == clean
    exact = log(beta) / log(1 - p0)
    assert exact <= needed <= 1.37 * exact
