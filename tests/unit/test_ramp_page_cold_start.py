"""What the page's first answer does not wait for: clients that nobody needs yet, and libraries that it never calls."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import boto3
import pytest
from ramp.adapters.late import late
from ramp.page import handlers

NEVER_CALLED = {"jsonschema", "psycopg", "requests", "sqlite3", "numpy", "matplotlib", "rampctl", "moto"}
ENVIRONMENT = {
    "ADAPTER_FLAG": "prismaAdapter",
    "ALARM_NAMES": "an-alarm",
    "BRAKE_FUNCTION": "brake",
    "CLEANUP_FUNCTION": "cleanup",
    "COMPARATOR_LOGS": "/aws/lambda/comparator",
    "MORE_FLAGS": "",
    "RAMP_TABLE": "ramps",
}


class Session:
    """Counts what is asked of it."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def client(self, name: str, **_: Any) -> Any:
        self.made.append(name)
        return self

    def resource(self, name: str, **_: Any) -> Any:
        return self.client(name)

    def Table(self, name: str) -> str:  # noqa: N802  # boto3's own name
        return name


def test_a_late_client_is_made_once_when_it_is_asked() -> None:
    """Not before, and not again."""
    made: list[str] = []

    def make() -> str:
        made.append("a client")
        return "a client"

    client = late(make)
    assert made == []
    assert (client.upper(), client.title()) == ("A CLIENT", "A Client")
    assert made == ["a client"]


def test_the_page_begins_with_the_table_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of ramps and most of a ramp's page ask for nothing else; the log is asked when its fields are."""
    session = Session()
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "Session", lambda: session)
    handlers.desk.cache_clear()
    desk = handlers.desk()
    handlers.desk.cache_clear()
    assert session.made == ["dynamodb"]
    with pytest.raises(AttributeError):
        desk.comparisons.differing("ramp-1", 0)
    assert session.made == ["dynamodb", "logs"]


def test_the_page_imports_nothing_that_it_never_calls() -> None:
    """In an interpreter of its own, traced as on Lambda: X-Ray would else import all that it knows how to patch.

    A recorded ramp's plan is not checked again, so what checks plans is not needed either.
    """
    program = (
        "import sys, ramp.page.handlers\n"
        "from ramp.core.state import RampState\n"
        "RampState('r', 'arn', {'steps': [{'percent': 100, 'bake_seconds': 60}]}, '1', 0).plan\n"
        f"print(*{NEVER_CALLED} & set(sys.modules))"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "LAMBDA_TASK_ROOT": "/var/task", "POWERTOOLS_SERVICE_NAME": "page"}
    told = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.split() == []
