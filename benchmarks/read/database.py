"""The candidate's read beside pgbench, on one PostgreSQL with a million users, by turns."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import psycopg
from local_stack import database, postgres
from read_path.core.answer import of_user
from read_path.sources.postgres import SELECT, PostgresUsers

from benchmarks.read.figure import Figure

USERS = 1_000_000
ROUNDS = 5


class Fixed:
    """One connection string for ever."""

    def __init__(self, url: str) -> None:
        self.url = url

    def conninfo(self) -> str:
        return self.url

    refetch = conninfo


def reads(requests: int) -> list[Figure]:
    """p50 of a read, from the id to the JSON, against `pgbench -S -M prepared -c1` with the same statement."""
    with postgres.running() as url:
        _fill(url)
        took: dict[str, list[float]] = {"prepared": [], "simple": [], "pgbench": []}
        with _users(url, prepared=True) as prepared, _users(url, prepared=False) as simple:
            for _ in range(ROUNDS):
                took["pgbench"].append(_pgbench(url, requests))
                took["prepared"].append(_p50_ms(prepared, requests))
                took["simple"].append(_p50_ms(simple, requests))
    ms = {name: median(values) for name, values in took.items()}
    return [
        _figure("candidate p50 ÷ pgbench -M prepared -c1", ms["prepared"], ms["pgbench"], 2.0),
        _figure("— without prepared statements", ms["simple"], ms["pgbench"], 4.0),
    ]


def _figure(measure: str, mine_ms: float, floor_ms: float, at_most: float) -> Figure:
    said = f"{mine_ms * 1000:.0f} µs ÷ {floor_ms * 1000:.0f} µs"
    return Figure(measure, mine_ms / floor_ms, said, at_most=at_most)


def _fill(url: str) -> None:
    database.migrate(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO users SELECT 'user-' || n, 'user-' || n || '@example.com', 'User ' || n, 'free', now()"
            " FROM generate_series(1, %s) AS n",
            (USERS,),
        )
        connection.execute("VACUUM ANALYZE users")


@contextmanager
def _users(url: str, *, prepared: bool) -> Iterator[PostgresUsers]:
    users = PostgresUsers(Fixed(url), 500, prepared_statements=prepared)
    try:
        yield users
    finally:
        users.close()


def _p50_ms(users: PostgresUsers, requests: int) -> float:
    took = []
    for number in range(requests):
        started = time.perf_counter()
        of_user(users.read(f"user-{number * 7919 % USERS + 1}"))
        took.append(time.perf_counter() - started)
    return median(took) * 1000


def _pgbench(url: str, requests: int) -> float:
    """pgbench's median in milliseconds, from its own log of each transaction in microseconds."""
    statement = SELECT.replace("%s", "'user-' || :n")
    script = f"\\set n random(1, {USERS})\n{statement};\n"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "read.sql").write_text(script)
        parts = urlsplit(url)
        place = ["-h", str(parts.hostname), "-p", str(parts.port), "-U", str(parts.username), parts.path[1:]]
        subprocess.run(
            [_program(), "-n", "-M", "prepared", "-c", "1", "-t", str(requests), "-l", "-f", "read.sql", *place],
            env={**os.environ, "PGPASSWORD": parts.password or ""},
            cwd=folder,
            check=True,
            capture_output=True,
        )
        (log,) = Path(folder).glob("pgbench_log.*")
        return median(int(re.split(r"\s+", line)[2]) for line in log.read_text().splitlines()) / 1000


def _program() -> str:
    """pgbench of the path, else of the wheel that the local stack takes PostgreSQL from."""
    wheel = find_spec(postgres.WHEEL)
    places = [Path(place) / "pginstall" / "bin" for place in (wheel.submodule_search_locations or ())] if wheel else []
    found = shutil.which("pgbench") or shutil.which("pgbench", path=os.pathsep.join(map(str, places)))
    if found is None:
        raise RuntimeError("pgbench: is not installed, expected it on the path or in the wheel of requirements/dev.in")
    return found
