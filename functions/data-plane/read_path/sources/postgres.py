"""The candidate's users in PostgreSQL, over one connection kept between invocations."""

from __future__ import annotations

from typing import Protocol

import psycopg
from psycopg.rows import class_row

from read_path.core.user import User

# Below 2 seconds libpq's own resolution ends. Source: PostgreSQL documentation, libpq, connect_timeout.
_CONNECT_TIMEOUT_SECONDS = 2
_PREPARE_AFTER_USES = 5  # Source: psycopg 3, Connection.prepare_threshold's default.

_SELECT = "SELECT id, email, name, plan, created_at FROM users WHERE id = %s AND deleted_at IS NULL"


class Credentials(Protocol):
    """Says where the database is; asked anew when a login fails."""

    def conninfo(self) -> str: ...
    def refetch(self) -> str: ...


class PostgresUsers:
    """Reads users. A sandbox serves one request at a time, so one connection is a pool.

    The statement timeout is set with SET, since RDS Proxy refuses `options` at connection time. SET pins a session of
    RDS Proxy to its connection, and behind a transaction pooler it may fall on another one: there pass 0 and give the
    timeout to the role (`ALTER ROLE … SET statement_timeout`). `prepared_statements=False` keeps server-side prepared
    statements out of pooled sessions.
    Source: AWS, "Avoiding pinning an RDS Proxy"; psycopg 3, "Prepared statements", on PgBouncer.
    """

    def __init__(self, credentials: Credentials, statement_timeout_ms: int, *, prepared_statements: bool) -> None:
        self._credentials = credentials
        self._statement_timeout_ms = statement_timeout_ms
        self._prepare_threshold = _PREPARE_AFTER_USES if prepared_statements else None
        self._connection: psycopg.Connection | None = None

    def read(self, user_id: str) -> User | None:
        """Return the user; None when unknown or deleted.

        A connection that turns out broken is replaced once: a SELECT can be said twice. Raises psycopg.Error, and what
        the credentials raise.
        """
        connection = self._open()
        try:
            return _select(connection, user_id)
        except psycopg.OperationalError:
            if not connection.closed:
                raise
            return _select(self._open(), user_id)

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()

    def _open(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._log_in()
            if self._statement_timeout_ms:
                self._connection.execute(f"SET statement_timeout = {int(self._statement_timeout_ms)}")
        return self._connection

    def _log_in(self) -> psycopg.Connection:
        """Log in; where the server asked for a password and then refused, once more if the secret has changed."""
        tried = self._credentials.conninfo()
        try:
            return self._connect(tried)
        except psycopg.OperationalError as error:
            if not (error.pgconn and error.pgconn.used_password):
                raise
            fresh = self._credentials.refetch()
            if fresh == tried:
                raise
        return self._connect(fresh)

    def _connect(self, conninfo: str) -> psycopg.Connection:
        return psycopg.connect(
            conninfo,
            autocommit=True,
            prepare_threshold=self._prepare_threshold,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            # A peer that vanished while the sandbox was frozen is noticed in this time, not in the kernel's 15 minutes.
            tcp_user_timeout=max(self._statement_timeout_ms, 1000),
            application_name="huntaze-prisma-read",
        )


def _select(connection: psycopg.Connection, user_id: str) -> User | None:
    with connection.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(_SELECT, (user_id,)).fetchone()
