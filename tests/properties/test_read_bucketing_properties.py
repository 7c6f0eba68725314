"""Shares of users are stable, only ever grow under one salt, and are exact at both ends."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from read_path.core.bucketing import WHOLE_PPM, bucket, in_share, is_sampled

shares = st.integers(0, WHOLE_PPM)


@given(st.text(), st.text(), shares, shares)
def test_raising_the_share_only_adds_users(salt: str, user: str, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert in_share(salt, user, high) or not in_share(salt, user, low)


@given(st.text(), st.text())
def test_nothing_is_nobody_and_everything_is_everybody(salt: str, user: str) -> None:
    assert not in_share(salt, user, 0)
    assert in_share(salt, user, WHOLE_PPM)
    assert 0 <= bucket(salt, user) < WHOLE_PPM


@given(st.text(), st.text())
def test_a_share_ends_exactly_at_its_last_bucket(salt: str, user: str) -> None:
    mine = bucket(salt, user)
    assert not in_share(salt, user, mine)
    assert in_share(salt, user, mine + 1)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 50))
def test_a_share_of_many_users_is_about_the_share(percent: int) -> None:
    """20,000 users: five standard deviations are 1.8 points at most."""
    users = 20_000
    served = sum(in_share("salt", f"user-{number}", percent * 10_000) for number in range(users))
    assert abs(served / users * 100 - percent) < 1.8


def test_a_user_lands_elsewhere_under_another_salt() -> None:
    moved = sum(in_share("one", f"user-{n}", 500_000) != in_share("two", f"user-{n}", 500_000) for n in range(1000))
    assert 400 < moved < 600


def test_a_sample_is_not_the_users_share() -> None:
    """A sample drawn by the bucket of the salt would look at the same requests as the share does."""
    both = sum(is_sampled(f"r{n}", 500_000) and in_share("ramp", f"r{n}", 500_000) for n in range(4000))
    assert 850 < both < 1150
