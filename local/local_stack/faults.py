"""Faults of the demo, injected into the database, so that every part of the product is the real one.

`users` is renamed to `users_healthy` and a view of the old name misbehaves in its place; `down` closes the database to
connections from outside. `clear` undoes either.
"""

from __future__ import annotations

from typing import Literal, LiteralString, get_args
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

Kind = Literal["errors", "slow", "mismatch", "down"]

MAINTENANCE_DATABASE = "postgres"
SLOW_SECONDS = 4.0
SLOW_PERCENT = 12  # of the users: enough for the p95, few enough that waiting reads do not fill the machine
ERROR_PERCENT = 30
MISMATCH_PERCENT = 20

# VOLATILE and dear, so that PostgreSQL calls fail_for and wait_for last, and for each row that is read. A user's
# hundredth is stable: the same users are hit by every read and after every restart.
_FUNCTIONS = """
    CREATE OR REPLACE FUNCTION hundredth(id text) RETURNS bigint IMMUTABLE LANGUAGE sql AS $$
        SELECT (hashtextextended(id, 0) & 2147483647) % 100
    $$;
    CREATE OR REPLACE FUNCTION fail_for(id text, percent integer) RETURNS boolean
    VOLATILE COST 10000 LANGUAGE plpgsql AS $$
    BEGIN
        IF hundredth(id) < percent THEN RAISE EXCEPTION 'injected fault' USING ERRCODE = 'XX000'; END IF;
        RETURN true;
    END $$;
    CREATE OR REPLACE FUNCTION wait_for(id text, percent integer, seconds double precision) RETURNS boolean
    VOLATILE COST 10000 LANGUAGE plpgsql AS $$
    BEGIN
        IF hundredth(id) < percent THEN PERFORM pg_sleep(seconds); END IF;
        RETURN true;
    END $$;
"""

_VIEWS: dict[str, LiteralString] = {
    "errors": """
        CREATE VIEW users AS SELECT * FROM users_healthy WHERE fail_for(id, {error_percent})
    """,
    "slow": """
        CREATE VIEW users AS SELECT * FROM users_healthy WHERE wait_for(id, {slow_percent}, {slow_seconds})
    """,
    "mismatch": """
        CREATE VIEW users AS SELECT
            id,
            CASE WHEN hundredth(id) < {mismatch_percent} THEN upper(email) ELSE email END AS email,
            name,
            CASE WHEN hundredth(id) < {mismatch_percent} THEN 'legacy' ELSE plan END AS plan,
            created_at,
            deleted_at
        FROM users_healthy
    """,
}


class FaultError(ValueError):
    """There is no such fault."""


def inject(url: str, kind: str) -> None:
    """Replace whatever fault there is by this one: errors, slow, mismatch or down.

    Always the same users are hit. errors: reading about 30 % of them raises (SQLSTATE XX000). slow: reading about 12 %
    takes 4 s. mismatch: about 20 % have an upper-case email and the plan `legacy`. down: no connections.

    Raises FaultError for another word, psycopg.Error.
    """
    if kind not in get_args(Kind):
        raise FaultError(f"kind: is unknown, got {kind!r}, expected one of {', '.join(get_args(Kind))}")
    clear(url)
    if kind == "down":
        _close(url)
        return
    with psycopg.connect(url) as connection:
        connection.execute(_FUNCTIONS)
        connection.execute("ALTER TABLE users RENAME TO users_healthy")
        connection.execute(
            sql.SQL(_VIEWS[kind]).format(
                error_percent=ERROR_PERCENT,
                slow_percent=SLOW_PERCENT,
                slow_seconds=SLOW_SECONDS,
                mismatch_percent=MISMATCH_PERCENT,
            )
        )


def clear(url: str) -> None:
    """Take every fault back; without one, do nothing. Raises psycopg.Error."""
    _open(url)
    with psycopg.connect(url) as connection:
        healthy = connection.execute("SELECT to_regclass('users_healthy')").fetchone()
        if healthy is None or healthy[0] is None:
            return
        connection.execute("DROP VIEW IF EXISTS users")
        connection.execute("ALTER TABLE users_healthy RENAME TO users")
        connection.execute(
            "DROP FUNCTION fail_for(text, integer), wait_for(text, integer, double precision), hundredth(text)"
        )


def _close(url: str) -> None:
    database = _database(url)
    with _maintenance(url) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(database)))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database,))


def _open(url: str) -> None:
    with _maintenance(url) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(_database(url))))


def _maintenance(url: str) -> psycopg.Connection:
    return psycopg.connect(urlsplit(url)._replace(path=f"/{MAINTENANCE_DATABASE}").geturl(), autocommit=True)


def _database(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")
