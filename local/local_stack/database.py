"""The candidate's database: its schema and the users it is seeded with."""

from __future__ import annotations

from pathlib import Path

import psycopg
from read_path.sources import mock

_MIGRATIONS = Path(__file__).parents[2] / "database"

_UPSERT = """
    INSERT INTO users (id, email, name, plan, created_at)
    VALUES (%(id)s, %(email)s, %(name)s, %(plan)s, %(created_at)s)
    ON CONFLICT (id) DO UPDATE SET
        email = excluded.email,
        name = excluded.name,
        plan = excluded.plan,
        created_at = excluded.created_at,
        deleted_at = NULL
"""


def migrate(url: str) -> None:
    """Run the files of `database/` in the order of their names; each may be run again. Raises psycopg.Error."""
    with psycopg.connect(url, autocommit=True) as connection:
        for migration in sorted(_MIGRATIONS.glob("*.sql")):
            connection.execute(migration.read_bytes())


def seed(url: str) -> int:
    """Write control's users over whatever rows have their ids; return how many. Raises psycopg.Error."""
    users = mock.users()
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.executemany(_UPSERT, [user._asdict() for user in users])
    return len(users)
