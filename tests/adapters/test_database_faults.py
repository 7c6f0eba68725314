"""Faults injected into a real database hurt the candidate as their names say, and go without a trace."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest
from local_stack import database, faults
from read_path.sources import mock
from read_path.sources.postgres import PostgresUsers

KINDS = ["errors", "slow", "mismatch", "down"]


class Fixed:
    """One connection string for ever."""

    def __init__(self, url: str) -> None:
        self.url = url

    def conninfo(self) -> str:
        return self.url

    refetch = conninfo


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    database.migrate(postgres_url)
    database.seed(postgres_url)
    yield postgres_url
    faults.clear(postgres_url)


@pytest.fixture
def users(url: str) -> Iterator[PostgresUsers]:
    """The candidate, warm: its statement is prepared on the server before the fault comes."""
    warm = PostgresUsers(Fixed(url), 5000, prepared_statements=True)
    for _ in range(8):
        warm.read("user-1")
    yield warm
    warm.close()


def failing(users: PostgresUsers) -> list[str]:
    failed = []
    for user in mock.users():
        try:
            users.read(user.id)
        except psycopg.Error:
            failed.append(user.id)
    return failed


def test_errors_fail_the_same_third_of_the_users_every_time(url: str, users: PostgresUsers) -> None:
    faults.inject(url, "errors")
    failed = failing(users)
    assert 8 <= len(failed) <= 22
    assert failing(users) == failed


def test_slow_makes_an_eighth_of_the_users_wait(
    url: str, users: PostgresUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enough of them for a p95, and all of them answered."""
    monkeypatch.setattr(faults, "SLOW_SECONDS", 0.05)
    faults.inject(url, "slow")
    waited = []
    for user in mock.users():
        started = time.monotonic()
        assert users.read(user.id) == user
        waited.append(time.monotonic() - started >= faults.SLOW_SECONDS)
    assert 4 <= sum(waited) <= 12


def test_mismatch_changes_email_and_plan_of_a_fifth(url: str, users: PostgresUsers) -> None:
    faults.inject(url, "mismatch")
    different = [user for user in mock.users() if users.read(user.id) != user]
    assert 4 <= len(different) <= 16
    changed = users.read(different[0].id)
    assert changed is not None
    assert (changed.email, changed.plan) == (different[0].email.upper(), "legacy")


def test_down_breaks_the_warm_connection_and_refuses_new_ones(url: str, users: PostgresUsers) -> None:
    faults.inject(url, "down")
    assert failing(users) == [user.id for user in mock.users()]


@pytest.mark.parametrize("kind", KINDS)
def test_clearing_a_fault_leaves_nothing_of_it(url: str, users: PostgresUsers, kind: str) -> None:
    faults.inject(url, kind)
    faults.clear(url)
    faults.clear(url)
    assert [users.read(user.id) for user in mock.users()] == list(mock.users())
    with psycopg.connect(url) as connection:
        left = "SELECT relname FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace"
        assert connection.execute(left).fetchall() == []
        assert connection.execute("SELECT to_regproc('fail_for'), to_regproc('wait_for')").fetchone() == (None, None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_replaces_the_one_before_and_may_be_injected_twice(url: str, kind: str) -> None:
    faults.inject(url, "down")
    faults.inject(url, kind)
    faults.inject(url, kind)
    if kind != "down":
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM users_healthy").fetchone() == (50,)


def test_an_unknown_fault_is_refused_before_anything_is_touched(url: str) -> None:
    with pytest.raises(faults.FaultError, match=r"kind: .* got 'fire', expected one of errors, slow, mismatch, down"):
        faults.inject(url, "fire")
