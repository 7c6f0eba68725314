"""The candidate's users in PostgreSQL, over one connection kept between invocations."""

from __future__ import annotations

import select
from datetime import datetime
from typing import Any, Protocol

import psycopg
from psycopg.pq import ConnStatus

from read_path.core.user import User

# Below 2 seconds libpq's own resolution ends. Source: PostgreSQL documentation, libpq, connect_timeout.
_CONNECT_TIMEOUT_SECONDS = 2
SELECT = "SELECT id, email, name, plan, created_at FROM users WHERE id = %s AND deleted_at IS NULL"


class Credentials(Protocol):
    """Says where the database is; asked anew when a login fails."""

    def conninfo(self) -> str: ...
    def refetch(self) -> str: ...


class RowError(ValueError):
    """A row that is no user."""


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
        self._prepared = prepared_statements
        self._connection: psycopg.Connection | None = None
        self._cursor: psycopg.Cursor[Any] | None = None

    def read(self, user_id: str) -> User | None:
        """Return the user; None when unknown or deleted.

        A connection that broke while the sandbox slept is found before it is used, and one that breaks now is replaced
        once: a SELECT can be said twice. Raises psycopg.Error, RowError, and what the credentials raise.
        """
        cursor = self._open()
        try:
            return self._select(cursor, user_id)
        except psycopg.OperationalError:
            if not cursor.connection.closed:
                raise
            return self._select(self._open(), user_id)

    def census(self) -> dict[str, Any]:
        """Return how many users there are, and which schema: for the look at the data before a ramp."""
        cursor = self._open()
        cursor.execute("SELECT count(*) FILTER (WHERE deleted_at IS NULL) FROM users", prepare=False)
        users = cursor.fetchone()
        cursor.execute("SELECT max(version) FROM schema_migrations", prepare=False)
        schema = cursor.fetchone()
        return {"users": users[0] if users else 0, "schema": schema[0] if schema else None}

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()

    def _open(self) -> psycopg.Cursor[Any]:
        """Return the one cursor: made anew it costs as much as the round trip."""
        if self._cursor is None or self._connection is None or _is_dead(self._connection):
            connection = self._log_in()
            try:
                if self._statement_timeout_ms:
                    connection.execute(f"SET statement_timeout = {int(self._statement_timeout_ms)}")
            except psycopg.Error:
                connection.close()  # kept, it would serve every read to come without a timeout
                raise
            self._connection, self._cursor = connection, connection.cursor(binary=True)
        return self._cursor

    def _select(self, cursor: psycopg.Cursor[Any], user_id: str) -> User | None:
        try:
            cursor.execute(SELECT, (user_id,), prepare=self._prepared)
            row = cursor.fetchone()
        except UnicodeError as error:  # of a database whose encoding holds what UTF-8 does not, or of an odd user id
            raise RowError("users: does not read as text, expected UTF-8") from error
        return checked(User._make(row)) if row else None

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
            prepare_threshold=5 if self._prepared else None,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            # A peer that vanished while the sandbox was frozen is noticed in this time, not in the kernel's 15 minutes.
            tcp_user_timeout=max(self._statement_timeout_ms, 1000),
            application_name="huntaze-prisma-read",
        )


def checked(user: User) -> User:
    """Return the user if every column has its type. Raises RowError, which names columns, never values."""
    wanted = {"id": str, "email": str, "name": str, "plan": str, "created_at": datetime}
    faults = [
        f"users.{column}: is no {kind.__name__}, got {type(value).__name__}, expected a {kind.__name__}"
        for (column, kind), value in zip(wanted.items(), user, strict=True)
        if not isinstance(value, kind)
    ]
    if faults:
        raise RowError("; ".join(faults))
    return user


def _is_dead(connection: psycopg.Connection) -> bool:
    """Whether the server has closed a connection at rest: then its socket has something to read, the end. 2 µs."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    try:
        while poll.poll(0) and connection.pgconn.status == ConnStatus.OK:
            connection.pgconn.consume_input()  # the server's last words, or a notice, come before the end
    except psycopg.OperationalError:
        return True
    return connection.pgconn.status != ConnStatus.OK
