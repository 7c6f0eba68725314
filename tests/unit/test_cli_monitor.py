"""`ramp monitor`: the newest lines under load, and a screen that outlives a call that failed."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rampctl import looks, monitoring
from rampctl.monitoring import Reading
from rich.console import Console

NOBODY: Any = None  # what is read is given
THROTTLED = ClientError({"Error": {"Code": "Throttling", "Message": "slow down"}}, "DescribeAlarms")


class Logs:
    """A group of which AWS gives pages of one line, the newest or the oldest first, as it is asked."""

    exceptions = SimpleNamespace(ResourceNotFoundException=KeyError)

    def __init__(self, lines: int) -> None:
        self.lines = lines
        self.pages = 0

    def get_paginator(self, _: str) -> Any:
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, *, startFromHead: bool, **_: Any) -> Iterator[dict[str, Any]]:  # noqa: N803  # boto3's own name
        numbers = range(self.lines) if startFromHead else reversed(range(self.lines))
        for number in numbers:
            self.pages += 1
            yield {"events": [{"timestamp": number, "message": json.dumps({"message": f"[OK] {number}"})}]}


def test_under_load_the_newest_lines_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are in the minute: no more pages are asked for than it takes."""
    monkeypatch.setattr(looks, "read_functions", lambda _: ("read",))
    logs = Logs(10_000)
    session: Any = SimpleNamespace(client=lambda _: logs)
    lines = list(monitoring._lines(session, 1_000.0))
    assert lines[-1].split()[:2] == ["[OK]", "9999"]
    assert logs.pages == monitoring.PAGES


def test_a_call_that_fails_ends_no_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read last stays, under what went wrong; the next reading is shown again."""
    whole = Reading(0.0, "5 % to the candidate", "spring", "none", {}, {}, {}, ())
    answers: list[Any] = [whole, THROTTLED, whole, KeyboardInterrupt()]

    def read(*_: Any) -> Reading:
        answer = answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return whole

    monkeypatch.setattr(monitoring, "read", read)
    monkeypatch.setattr(monitoring, "REFRESH_SECONDS", 0.0)
    out = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        monitoring.monitor(NOBODY, Console(file=out, force_terminal=True, width=80), watch=True, as_json=False)
    assert answers == []
    assert "slow down" in out.getvalue()
