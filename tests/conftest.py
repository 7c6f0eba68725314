"""What several folders of tests share."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Tracer
from local_stack import postgres
from read_path.telemetry import Telemetry


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real, empty PostgreSQL, gone when the session ends."""
    with postgres.running() as url:
        yield url


@pytest.fixture(scope="session")
def read_events() -> dict[str, Any]:
    """Every event of `events/read`, by the name of its file."""
    folder = Path(__file__).parents[1] / "events" / "read"
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}


@dataclass(frozen=True)
class Told:
    """The read path's real telemetry, and what came out of it."""

    telemetry: Telemetry
    stream: io.StringIO
    capsys: pytest.CaptureFixture[str]

    def lines(self) -> list[dict[str, Any]]:
        """Log lines so far."""
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def messages(self) -> list[str]:
        """The first word of each log line so far: operators grep for it."""
        return [line["message"].split()[0] for line in self.lines()]

    def records(self) -> list[dict[str, Any]]:
        """EMF records since the last call."""
        return [json.loads(line) for line in self.capsys.readouterr().out.splitlines() if "_aws" in line]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    """Telemetry under the environment the template gives it."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Huntaze/ReadPath")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "huntaze-mock-read")
    stream = io.StringIO()
    # Powertools keeps one logger for each service name, so each test needs a name of its own.
    logger = Logger(service=uuid.uuid4().hex, stream=stream, location=None, utc=True)
    return Told(Telemetry(logger, Tracer(auto_patch=False, disabled=True)), stream, capsys)
