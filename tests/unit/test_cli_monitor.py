"""`ramp monitor`: the newest lines under load, whole numbers or none, and a screen that outlives a failed call."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from ramp.adapters.metrics import Metrics
from ramp.errors import AwsUnavailable
from rampctl import dashboard, looks, monitoring
from rampctl.dashboard import Line
from rampctl.exits import Exit
from rampctl.monitoring import Reading
from rampctl.troubles import FORESEEN, told_as
from rich.console import Console

NOBODY: Any = None  # what is read is given
THROTTLED = ClientError({"Error": {"Code": "Throttling", "Message": "slow down"}}, "DescribeAlarms")
NOT_WHOLE = AwsUnavailable("MetricDataResults: are not whole, slow down")
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
FAILED = Line("q0", "failed", "Sum", visible=True, metric=("AWS/Lambda", "Errors", "FunctionName", "read"))


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


@pytest.fixture
def cloudwatch() -> Iterator[Any]:
    """A client that nobody answers but the test."""
    client = boto3.client("cloudwatch", region_name="us-east-1", config=Config(signature_version=UNSIGNED))
    with Stubber(client) as stub:
        yield SimpleNamespace(client=client, answers=lambda *answer: _stub(stub, answer))


def _stub(stub: Stubber, results: tuple[Any, ...]) -> None:
    stub.add_response("get_metric_data", {"MetricDataResults": list(results)})


def _result(index: int, *values: float, status: str = "Complete") -> dict[str, Any]:
    times = [datetime.fromtimestamp(NOON.timestamp() + 60 * minute, UTC) for minute in range(len(values))]
    return {"Id": f"q{index}", "Timestamps": times, "Values": list(values), "StatusCode": status}


def test_an_arm_is_told_by_its_sums_and_its_worst_minute(cloudwatch: Any) -> None:
    """An arm that nobody used has no datapoint, which is no request."""
    values = ((3, 4), (1,), (20, 90.5))
    cloudwatch.answers(*(_result(index, *(values[index] if index < 3 else ())) for index in range(9)))
    arms = Metrics(cloudwatch.client, ()).arms(NOON.timestamp(), NOON.timestamp() + 300)
    assert {name: (arm.requests, arm.errors, arm.p95_ms) for name, arm in arms.items()} == {
        "control": (7, 1, 90.5),
        "candidate": (0, 0, None),
        "shadow": (0, 0, None),
    }


@pytest.mark.parametrize("odd", [(), (_result(0, status="PartialData"),), (_result(0, status="InternalError"),)])
def test_what_cloudwatch_did_not_answer_is_no_zero(cloudwatch: Any, odd: tuple[Any, ...]) -> None:
    """Neither on the screen nor in the picture: "0 errors" would be a reading."""
    cloudwatch.answers(*odd, *(_result(index) for index in range(1, 9)))
    with pytest.raises(AwsUnavailable, match="not whole"):
        Metrics(cloudwatch.client, ()).arms(NOON.timestamp(), NOON.timestamp() + 300)
    cloudwatch.answers(*odd)
    with pytest.raises(AwsUnavailable, match="not whole"):
        dashboard.read(cloudwatch.client, [FAILED], NOON.timestamp(), NOON.timestamp() + 300, 60)


def test_a_picture_tells_sums_by_the_minute_whatever_its_period(cloudwatch: Any) -> None:
    """As the dashboard does, one of whose widgets is titled so; a percentile is none the larger for a longer period."""
    p95 = Line("q1", "p95", "p95", visible=True, metric=("AWS/Lambda", "Duration", "FunctionName", "read"))
    twice = Line("q2", "twice", "Sum", visible=True, expression="2 * q0")
    cloudwatch.answers(_result(0, 10), _result(1, 80))
    drawn = dashboard.read(cloudwatch.client, [FAILED, p95, twice], NOON.timestamp(), NOON.timestamp() + 300, 300)
    assert {name: [*points.values()] for name, points in drawn.items()} == {"q0": [2], "q1": [80], "q2": [4]}


def test_an_answer_in_part_is_told_as_a_trouble_of_aws() -> None:
    """In one sentence, not as a bug."""
    assert isinstance(NOT_WHOLE, FORESEEN)
    assert told_as(NOT_WHOLE) == ("AWS: MetricDataResults: are not whole, slow down.", Exit.UNKNOWN)


@pytest.mark.parametrize("minutes", [1, 44.9, 45, 60, 90, 150, 200, 1440])
def test_a_picture_asks_for_periods_that_cloudwatch_takes(minutes: float) -> None:
    """Whole minutes on AWS, which keeps metrics by the minute; finer on the local stack, for short demos."""
    on_aws, local = (dashboard.period_seconds(minutes * 60, is_local=is_local) for is_local in (False, True))
    assert (on_aws % 60, local % 5) == (0, 0)
    for period in (on_aws, local):
        assert period > 0
        assert minutes * 60 / period <= dashboard.PARTS


@pytest.mark.parametrize("trouble", [THROTTLED, NOT_WHOLE])
def test_a_call_that_fails_ends_no_watch(monkeypatch: pytest.MonkeyPatch, trouble: Exception) -> None:
    """What was read last stays, under what went wrong; the next reading is shown again."""
    whole = Reading(0.0, "5 % to the candidate", "spring", "none", {}, {}, {}, ())
    answers: list[Any] = [whole, trouble, whole, KeyboardInterrupt()]

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
