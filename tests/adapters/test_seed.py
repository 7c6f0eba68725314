"""`make seed`: the users that the checks look for, in a database of one's own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg
from local_stack import database

ROOT = Path(__file__).parents[2]


def test_the_mocks_users_are_written_and_written_again(postgres_url: str) -> None:
    """As the quick start has an operator do it."""
    database.migrate(postgres_url)
    for _ in range(2):
        command = ["make", "--silent", "seed", f"DATABASE_URL={postgres_url}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "50 users are there"
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM users WHERE id = 'user-1'").fetchone() == (1,)
