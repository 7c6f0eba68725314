"""What several folders of tests share."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from local_stack import postgres
from read_path.settings import TelemetrySettings
from read_path.telemetry import Telemetry
from read_path.tracing import Tracing


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The count of the fault sweep (tests/sweep): here, because with several processes this one alone hears of all."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    told = [value for report in reports for name, value in report.user_properties if name == "sweep"]
    if told:
        endings: Counter[str] = sum((Counter(found) for _, found, _ in told), Counter())
        ended = ", ".join(f"{number} {ending}" for ending, number in endings.most_common())
        faults, broken = sum(faults for faults, _, _ in told), sum(broken for *_, broken in told)
        terminalreporter.write_line(f"fault sweep: {faults} faults tried; endings: {ended}; violations: {broken}")


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


@dataclass
class Told:
    """The read path's real telemetry, and what came out of it."""

    telemetry: Telemetry
    stream: io.StringIO
    seen: int = 0

    def lines(self) -> list[dict[str, Any]]:
        """Log lines so far."""
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def messages(self) -> list[str]:
        """The first word of each log line so far: operators grep for it."""
        return [line["message"].split()[0] for line in self.lines()]

    def records(self) -> list[dict[str, Any]]:
        """Lines with metrics, since the last call."""
        lines, before = self.lines(), self.seen
        self.seen = len(lines)
        return [line for line in lines[before:] if "_aws" in line]


@pytest.fixture
def told() -> Told:
    """Telemetry under the settings the template gives it, and no trace."""
    stream = io.StringIO()
    about = TelemetrySettings("huntaze-mock-read", "Huntaze/ReadPath", "INFO", "")
    return Told(Telemetry(about, Tracing("", lambda: ""), stream), stream)
