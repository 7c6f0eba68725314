"""The primitives keep their error budgets on twenty thousand whole ramps, looked at after every bucket."""

from math import log, sqrt

import numpy as np
import pytest
from ramp.core.martingale import Below
from ramp.core.suspicion import Suspicion

PATHS, BUCKETS, REQUESTS = 20_000, 25, 40
ERROR = 0.05
TOLERANCE = 3 * sqrt(ERROR * (1 - ERROR) / PATHS)


def _paths(rate: float, seed: int, paths: int = PATHS) -> np.ndarray:
    return np.random.default_rng(seed).binomial(REQUESTS, rate, (paths, BUCKETS))


def _ever_proven(path: np.ndarray, bound: float) -> bool:
    suspicion = Suspicion()
    for bucket, events in enumerate(path):
        suspicion = suspicion.fold(bucket // 10, REQUESTS, int(events), bound)
    return suspicion.above.log_peak >= -log(ERROR)


def _ever_certified(path: np.ndarray, bound: float) -> bool:
    below = Below()
    for events in path:
        below = below.fold(REQUESTS, int(events), bound)
        if below.log_e >= -log(ERROR):
            return True
    return False


@pytest.mark.parametrize("rate", [0.05, 0.02])
def test_an_arm_at_the_bound_is_condemned_no_oftener_than_the_budget_allows(rate: float) -> None:
    """Three steps, a look after every bucket, restarts at each: at the bound itself, and for a rarer event."""
    false_alarms = np.mean([_ever_proven(path, rate) for path in _paths(rate, 1)])
    assert false_alarms <= ERROR + TOLERANCE


def test_an_arm_at_the_bound_is_certified_no_oftener_than_the_budget_allows() -> None:
    """However often one looks."""
    false_passes = np.mean([_ever_certified(path, 0.05) for path in _paths(0.05, 2)])
    assert false_passes <= ERROR + TOLERANCE


def test_the_budgets_are_not_kept_by_never_deciding() -> None:
    """Three times the bound is proven, and a third of it certified, in nearly every ramp of the same length."""
    assert np.mean([_ever_proven(path, 0.05) for path in _paths(0.15, 3, 500)]) > 0.99
    assert np.mean([_ever_certified(path, 0.06) for path in _paths(0.02, 4, 500)]) > 0.95


def test_a_fault_that_begins_late_is_found_by_a_restart() -> None:
    """Fifteen clean buckets first; without restarts the same ten bad ones would have to pay them back."""
    clean, bad = _paths(0.01, 5, 500)[:, :15], _paths(0.3, 6, 500)[:, :10]
    assert np.mean([_ever_proven(path, 0.05) for path in np.hstack([clean, bad])]) > 0.99


def test_restart_weights_sum_to_one_at_most() -> None:
    """However many buckets and steps: where l is nought the sum of the weights is all that is left."""
    suspicion = Suspicion()
    for bucket in range(20_000):
        suspicion = suspicion.fold(bucket // 10, 1, 1, 1.0)  # p0 = 1 multiplies by exactly 1
    assert 0.9 < np.exp(suspicion.above.log_e) <= 1
