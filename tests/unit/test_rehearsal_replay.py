"""Recorded minutes dealt to two arms: nothing is lost, nothing is added."""

import numpy as np
import pytest
from ramp.core.bucket import Bucket
from rampctl.rehearsal.dealing import COLUMN, Setting
from rampctl.rehearsal.replay import Replay

DAY = [Bucket(60 * i, 60, 0, control_requests=100, control_errors=i % 3) for i in range(1440)]


def test_every_recorded_request_and_failure_is_on_one_of_the_arms() -> None:
    """At any share; shadow reads are control's again."""
    for share in (0.0, 0.3, 1.0):
        at = np.arange(1440, dtype=np.float64) * 60
        rows = Replay.of(DAY, 0).deal(np.random.default_rng(1), at, np.full(1440, 60.0), Setting(1, share, 1.0))
        count = {name: rows[:, index] for name, index in COLUMN.items()}
        assert (count["control_requests"] + count["candidate_requests"] == 100).all()
        assert (count["control_errors"] + count["candidate_errors"] == np.arange(1440) % 3).all()
        assert (count["shadow_requests"] == count["control_requests"]).all()
        assert abs(count["candidate_requests"].sum() / 144_000 - share) < 0.01


def test_what_the_candidate_served_then_is_part_of_the_traffic() -> None:
    """It would have been control's: so are failures in proportion."""
    shared = [Bucket(60 * i, 60, 0, control_requests=80, control_errors=8, candidate_requests=20) for i in range(10)]
    assert Replay.of(shared, 0).minutes[0].tolist() == [100, 10, 5]


def test_after_the_last_day_comes_the_first_again_and_the_day_before_is_history() -> None:
    """So that every recorded day can be the first of a ramp."""
    two = [*DAY, *(Bucket(86_400 + 60 * i, 60, 0, control_requests=7) for i in range(1440))]
    one_minute = (np.random.default_rng(1), np.zeros(1), np.full(1, 60.0), Setting())
    second = Replay.of(two, 1)
    assert second.deal(*one_minute)[0, COLUMN["control_requests"]] == 7
    assert second.before().deal(*one_minute)[0, COLUMN["control_requests"]] == 100
    assert Replay.of(two, 0).before().deal(*one_minute)[0, COLUMN["control_requests"]] == 7


def test_what_the_candidate_serves_is_compared_whatever_the_sample() -> None:
    """A sample is of control's answers; nought turns the comparison off."""
    at = np.arange(1440, dtype=np.float64) * 60
    for sample, compared in ((1.0, 1), (0.1, 1), (0.0, 0)):
        rows = Replay.of(DAY, 0).deal(np.random.default_rng(1), at, np.full(1440, 60.0), Setting(1, 0.3, sample))
        count = {name: rows[:, index] for name, index in COLUMN.items()}
        answered = count["candidate_requests"] - count["candidate_errors"]
        assert (count["candidate_comparisons"] == compared * answered).all()
        assert (count["shadow_comparisons"] == count["shadow_requests"] - count["shadow_errors"]).all()
        assert count["shadow_requests"].sum() == pytest.approx(sample * count["control_requests"].sum(), rel=0.02)
