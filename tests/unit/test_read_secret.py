"""Both forms of the secret become one connection string, and a broken one is told without its values."""

from __future__ import annotations

import json

import pytest
from psycopg.conninfo import conninfo_to_dict
from read_path.sources.secret import SecretError, conninfo_of

FIELDS = {"host": "db.example.com", "port": 5432, "database": "app", "username": "reader", "password": "p@ss w'rd"}


def test_fields_become_a_connection_string() -> None:
    assert conninfo_to_dict(conninfo_of(json.dumps(FIELDS))) == {
        "host": "db.example.com",
        "port": "5432",
        "dbname": "app",
        "user": "reader",
        "password": "p@ss w'rd",
    }


def test_a_url_is_taken_without_what_only_prisma_understands() -> None:
    url = (
        "postgresql://reader:p%40ss@db.example.com/app?schema=public&connection_limit=1&pgbouncer=true&sslmode=require"
    )
    assert conninfo_to_dict(conninfo_of(json.dumps({"DATABASE_URL": url}))) == {
        "host": "db.example.com",
        "dbname": "app",
        "user": "reader",
        "password": "p@ss",
        "sslmode": "require",
    }


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "topsecret",
        '["topsecret"]',
        '{"password": "topsecret"}',
        '{"DATABASE_URL": "mysql://u:topsecret@h/d"}',
        '{"DATABASE_URL": {"topsecret": 1}}',
        '{"DATABASE_URL": "postgresql://u:topsecret@h/d?schema=topsecret"}',
    ],
)
def test_a_secret_that_cannot_be_used_is_not_shown(secret: str) -> None:
    with pytest.raises(SecretError) as refused:
        conninfo_of(secret)
    assert "topsecret" not in str(refused.value)


def test_all_missing_fields_are_named_at_once() -> None:
    with pytest.raises(SecretError, match=r"secret\.host: .*; secret\.port: .*; secret\.username"):
        conninfo_of(json.dumps({"password": "x"}))


@pytest.mark.parametrize("url", ["postgresql://[", "postgresql://u:hunter2@h:port/d", "postgresql://u:p@[::1/d"])
def test_a_url_that_does_not_read_is_refused_without_showing_it(url: str) -> None:
    """A password with a slash or a bracket in it is the usual reason."""
    with pytest.raises(SecretError, match="DATABASE_URL: does not read") as refused:
        conninfo_of(json.dumps({"DATABASE_URL": url}))
    assert "hunter2" not in str(refused.value)


def test_fields_that_make_no_connection_string_are_refused() -> None:
    """A NUL ends a string of C's too early."""
    fields = {"host": "h", "port": 5432, "database": "d", "username": "u", "password": "a\x00b"}
    with pytest.raises(SecretError, match="does not make a connection string"):
        conninfo_of(json.dumps(fields))
