"""The candidate's users on a real PostgreSQL."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from local_stack import database
from read_path.aws import Service
from read_path.core.answer import of_user
from read_path.signature import Credentials
from read_path.sources import mock
from read_path.sources.postgres import SELECT, PostgresUsers
from read_path.sources.secret import DatabaseSecret


@dataclass
class Handed:
    """Credentials that are handed over in turn; the last stays."""

    script: list[str]
    refetched: int = field(default=0)

    def conninfo(self) -> str:
        return self.script[0]

    def refetch(self) -> str:
        self.refetched += 1
        if len(self.script) > 1:
            self.script.pop(0)
        return self.script[0]


Opens = Callable[..., PostgresUsers]


@pytest.fixture
def url(postgres_url: str) -> str:
    database.migrate(postgres_url)
    database.seed(postgres_url)
    return postgres_url


@pytest.fixture
def opened(url: str) -> Iterator[Opens]:
    made: list[PostgresUsers] = []

    def open_users(
        credentials: Handed | None = None, timeout_ms: int = 500, *, prepared_statements: bool = True
    ) -> PostgresUsers:
        made.append(PostgresUsers(credentials or Handed([url]), timeout_ms, prepared_statements=prepared_statements))
        return made[-1]

    yield open_users
    for users in made:
        users.close()


@pytest.fixture
def admin(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def backend(users: PostgresUsers) -> int:
    connection = users._connection
    assert connection is not None
    return connection.info.backend_pid


def wrong_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.username}:wrong@{parts.hostname}:{parts.port}").geturl()


def test_every_user_reads_exactly_as_control_answers_it(opened: Opens) -> None:
    users = opened()
    assert [of_user(users.read(user.id)) for user in mock.users()] == [mock.read(user.id) for user in mock.users()]


def test_an_unknown_user_is_nobody(opened: Opens) -> None:
    assert opened().read("user-51") is None


def test_a_deleted_user_is_nobody(opened: Opens, admin: psycopg.Connection) -> None:
    admin.execute("UPDATE users SET deleted_at = now() WHERE id = 'user-3'")
    assert opened().read("user-3") is None


def test_a_user_id_is_a_value_and_no_sql(opened: Opens) -> None:
    assert opened().read("user-1' OR true --") is None


def test_one_connection_is_kept_between_reads(opened: Opens) -> None:
    users = opened()
    users.read("user-1")
    first = backend(users)
    users.read("user-2")
    assert backend(users) == first


def test_a_connection_broken_between_reads_is_replaced_within_the_read(
    opened: Opens, admin: psycopg.Connection
) -> None:
    users = opened()
    users.read("user-1")
    first = backend(users)
    admin.execute("SELECT pg_terminate_backend(%s, 5000)", (first,))
    assert users.read("user-1") == mock.users()[0]
    assert backend(users) != first


def test_a_statement_ends_at_its_timeout_and_the_connection_lives_on(opened: Opens, admin: psycopg.Connection) -> None:
    users = opened(timeout_ms=100)
    users.read("user-1")
    first = backend(users)
    with admin.transaction():
        admin.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(psycopg.errors.QueryCanceled):
            users.read("user-1")
    assert users.read("user-1") == mock.users()[0]
    assert backend(users) == first


def test_no_read_goes_over_a_connection_that_did_not_take_its_timeout(
    opened: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement without an end would hold a sandbox; the next read logs in anew, and leaves no connection behind."""
    refused: list[psycopg.Connection] = []
    execute = psycopg.Connection.execute

    def refusing_once(connection: psycopg.Connection, statement: str, **options: Any) -> Any:
        if not refused:
            refused.append(connection)
            raise psycopg.errors.QueryCanceled("canceling statement due to user request")
        return execute(connection, statement, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", refusing_once)
    users = opened(timeout_ms=300)
    with pytest.raises(psycopg.errors.QueryCanceled):
        users.read("user-1")
    assert refused[0].closed
    assert users.read("user-1") == mock.users()[0]
    assert users._connection is not None
    assert users._connection.execute("SHOW statement_timeout").fetchone() == ("300ms",)


def test_a_timeout_of_zero_is_left_to_the_role(opened: Opens) -> None:
    users = opened(timeout_ms=0)
    users.read("user-1")
    assert users._connection is not None
    assert users._connection.execute("SHOW statement_timeout").fetchone() == ("0",)


@pytest.mark.parametrize(("prepared", "count"), [(True, 1), (False, 0)])
def test_server_side_prepared_statements_can_be_switched_off(opened: Opens, *, prepared: bool, count: int) -> None:
    users = opened(prepared_statements=prepared)
    for _ in range(10):
        users.read("user-1")
    assert users._connection is not None
    statements = users._connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()
    assert statements == (count,)


def test_after_a_failed_login_the_secret_is_fetched_once_more(opened: Opens, url: str) -> None:
    """The password was rotated while the sandbox slept."""
    credentials = Handed([wrong_password(url), url])
    assert opened(credentials).read("user-1") == mock.users()[0]
    assert credentials.refetched == 1


def test_a_secret_that_did_not_change_is_not_tried_twice(
    opened: Opens, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the driver's own door tells how often it was knocked at: the server counts no refused login."""
    knocked = []
    connect = psycopg.connect

    def counting(*arguments: Any, **options: Any) -> psycopg.Connection:
        knocked.append(1)
        return connect(*arguments, **options)

    monkeypatch.setattr(psycopg, "connect", counting)
    credentials = Handed([wrong_password(url)])
    with pytest.raises(psycopg.OperationalError):
        opened(credentials).read("user-1")
    assert (credentials.refetched, len(knocked)) == (1, 1)


def test_a_server_that_is_not_there_asks_for_no_secret(opened: Opens) -> None:
    credentials = Handed(["postgresql://u:p@127.0.0.1:1/x"])
    with pytest.raises(psycopg.OperationalError):
        opened(credentials).read("user-1")
    assert credentials.refetched == 0


def test_a_secret_in_secrets_manager_opens_the_database(url: str, emulated: Callable[[str], Any]) -> None:
    """Fetched once; after a refused login once more, since passwords rotate."""
    manager = emulated("secretsmanager")
    made = manager.create_secret(Name="huntaze/read", SecretString=json.dumps({"DATABASE_URL": wrong_password(url)}))
    service = Service("secretsmanager", manager.meta.endpoint_url, Credentials("us-east-1", "test", "test"), lambda: "")
    users = PostgresUsers(DatabaseSecret("huntaze/read", service), 500, prepared_statements=True)
    with pytest.raises(psycopg.OperationalError):
        users.read("user-1")
    manager.put_secret_value(SecretId=made["ARN"], SecretString=json.dumps({"DATABASE_URL": url}))
    assert users.read("user-1") == mock.users()[0]
    users.close()


def test_a_connection_that_died_at_rest_is_found_before_it_is_used(opened: Opens, admin: psycopg.Connection) -> None:
    """No statement is lost on it: after a failover the first read is as good as any."""
    users = opened()
    users.read("user-1")
    dead = users._cursor
    assert dead is not None
    admin.execute("SELECT pg_terminate_backend(%s, 5000)", (backend(users),))
    started = time.monotonic()
    assert users._open() is not dead
    assert users.read("user-1") == mock.users()[0]
    assert time.monotonic() - started < 0.5  # the router's usual deadline


def test_a_notice_at_rest_is_no_death(opened: Opens, admin: psycopg.Connection) -> None:
    users = opened()
    users.read("user-1")
    first = backend(users)
    connection = users._connection
    assert connection is not None
    connection.execute("LISTEN news")
    admin.execute("NOTIFY news")
    assert users.read("user-1") == mock.users()[0]
    assert backend(users) == first


def test_a_read_is_one_round_trip_outside_any_transaction(opened: Opens, admin: psycopg.Connection) -> None:
    users = opened()
    users.read("user-1")
    state = admin.execute("SELECT state, query FROM pg_stat_activity WHERE pid = %s", (backend(users),)).fetchone()
    assert state is not None
    assert state[0] == "idle"
    assert state[1].startswith("SELECT id, email")


def test_the_census_counts_living_users_and_names_the_schema(opened: Opens, admin: psycopg.Connection) -> None:
    admin.execute("UPDATE users SET deleted_at = now() WHERE id = 'user-3'")
    assert opened().census() == {"users": 49, "schema": "001_users"}


def test_among_a_million_users_a_read_is_an_index_lookup(opened: Opens, admin: psycopg.Connection) -> None:
    """Ten seconds of seeding; the plan is PostgreSQL's own, with fresh statistics."""
    with admin.transaction(force_rollback=True):
        admin.execute(
            "INSERT INTO users SELECT 'u' || n, 'e' || n, 'n', 'free', now() FROM generate_series(1, 1000000) AS n"
        )
        admin.execute("ANALYZE users")
        plan = admin.execute("EXPLAIN (FORMAT JSON) " + SELECT, ("u500000",)).fetchone()
    assert plan is not None
    node = plan[0][0]["Plan"]
    assert node["Node Type"] in {"Index Scan", "Index Only Scan"}
    assert node["Index Name"] == "users_pkey"
    assert node["Total Cost"] < 20


def test_migrating_and_seeding_again_changes_nothing(url: str, admin: psycopg.Connection) -> None:
    before = admin.execute("SELECT * FROM users ORDER BY id").fetchall()
    database.migrate(url)
    assert database.seed(url) == 50
    assert admin.execute("SELECT * FROM users ORDER BY id").fetchall() == before
    assert admin.execute("SELECT version FROM schema_migrations").fetchall() == [("001_users",)]


def test_seeding_repairs_a_user_that_was_changed(url: str, admin: psycopg.Connection) -> None:
    admin.execute("UPDATE users SET email = 'x', deleted_at = now() WHERE id = 'user-1'")
    database.seed(url)
    assert admin.execute("SELECT email, deleted_at FROM users WHERE id = 'user-1'").fetchone() == (
        "user-1@example.com",
        None,
    )
