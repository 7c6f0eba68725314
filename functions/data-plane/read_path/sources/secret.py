"""Where the database is and how to log in, from Secrets Manager."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import psycopg
from psycopg.conninfo import make_conninfo

from read_path.aws import Service

_TIMEOUT_SECONDS = 2.0
_HEADERS = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "secretsmanager.GetSecretValue"}
_FIELDS = ("host", "port", "database", "username", "password")

# Query parameters that Prisma reads from a DATABASE_URL and libpq refuses.
# Source: Prisma, "PostgreSQL database connector", connection URL arguments.
_PRISMA_ONLY = frozenset(
    {"connection_limit", "pgbouncer", "pool_timeout", "schema", "socket_timeout", "sslaccept", "statement_cache_size"}
)


class SecretError(ValueError):
    """The secret cannot be used; the message names fields, never their values."""


class DatabaseSecret:
    """The secret `name`, fetched once and kept until someone asks for it anew."""

    def __init__(self, name: str, secretsmanager: Service) -> None:
        self._name = name
        self._secretsmanager = secretsmanager
        self._conninfo: str | None = None

    def conninfo(self) -> str:
        """Return the connection string. Raises AwsError or SecretError."""
        return self._conninfo or self.refetch()

    def refetch(self) -> str:
        """Fetch the secret again, as after a failed login: passwords rotate. Raises as `conninfo` does."""
        body = json.dumps({"SecretId": self._name}).encode()
        reply = self._secretsmanager.call("POST", "/", seconds=_TIMEOUT_SECONDS, body=body, headers=_HEADERS)
        self._conninfo = conninfo_of(json.loads(reply.body).get("SecretString", ""))
        return self._conninfo


def conninfo_of(secret: str) -> str:
    """Turn a secret into a libpq connection string.

    `secret` is JSON, either `{"DATABASE_URL"}` or `{host, port, database, username, password}`. Raises SecretError with
    all faults at once.
    """
    try:
        content = json.loads(secret)
    except ValueError:
        content = None
    if not isinstance(content, Mapping):
        raise SecretError(
            "secret: is no JSON object, expected DATABASE_URL, or host, port, database, username, password"
        )
    url = content.get("DATABASE_URL")
    if url is not None:
        return _from_url(url)
    missing = [field for field in _FIELDS if not isinstance(content.get(field), str | int) or content[field] == ""]
    if missing:
        raise SecretError("; ".join(f"secret.{field}: is missing, expected a value" for field in missing))
    with suppress(UnicodeError, psycopg.ProgrammingError):
        if not any("\x00" in str(content[field]) for field in _FIELDS):  # where a string of C's ends, whatever follows
            return _from_fields(content)
    raise SecretError("secret: does not make a connection string, expected plain text in every field")


def _from_fields(content: Mapping[str, Any]) -> str:
    return make_conninfo(
        host=content["host"],
        port=content["port"],
        dbname=content["database"],
        user=content["username"],
        password=content["password"],
    )


def _from_url(url: object) -> str:
    if not isinstance(url, str) or not url.startswith(("postgresql://", "postgres://")):
        raise SecretError(
            "secret.DATABASE_URL: is no PostgreSQL URL, expected postgresql://user:password@host/database"
        )
    try:
        parts = urlsplit(url)
        str(parts.port)
    except ValueError:
        raise SecretError(
            "secret.DATABASE_URL: does not read as a URL, expected one, special characters escaped"
        ) from None
    arguments = parse_qsl(parts.query)
    if dict(arguments).get("schema", "public") != "public":
        raise SecretError("secret.DATABASE_URL: its schema is not served, expected public")
    kept = urlencode([(name, value) for name, value in arguments if name not in _PRISMA_ONLY])
    return parts._replace(query=kept).geturl()
