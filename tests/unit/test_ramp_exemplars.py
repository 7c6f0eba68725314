"""The exemplar of a check: which line shows it, and that looking for it holds nothing up."""

from __future__ import annotations

import json
from math import inf
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from ramp import tasks
from ramp.adapters.exemplars import LATELY_SECONDS, NOTE_SECONDS
from ramp.core import gate, sequential_checks
from ramp.core.exemplar import SIGNS, Sign, Source, exemplar, signs
from ramp.core.flag_document import OFF
from rampctl.rehearsal.fakes import FakeMetrics, House

from tests.statemachine.ramp_run import ARN, RAMP, Run, asking_plan, failing_at, healthy

FAILED = Sign(Source.ROUTER, "[PRISMA-ERROR]", "errors")
SLOW = Sign(Source.ROUTER, "[CANARY-SUCCESS]", by_time=True)


def trace(number: int) -> str:
    return f"1-{number:08x}-{0:024x}"


def line(number: int, message: str = "[PRISMA-ERROR] candidate failed", **changes: Any) -> str:
    """A line of the router, as docs/wire.md has it, EMF keys included."""
    said = {"ramp": RAMP, "step": "1", "arm": "candidate", "errors": 1.0, "duration_ms": 5.0}
    return json.dumps({"message": message, **said, "xray_trace_id": trace(number), **changes})


def test_the_newest_line_that_counts_what_the_check_counts_is_taken() -> None:
    """Of that ramp and step, and with a trace."""
    others = [
        line(3, ramp=f"{RAMP}1"),
        line(4, step="0"),
        line(5, errors=0.0),
        line(6, "[CANARY] answered from control"),
        line(7, xray_trace_id="<script>"),
        line(8, xray_trace_id=None),
        "START RequestId: 1",
        "[]",
        "12",
    ]
    assert exemplar([line(1), line(2), *others], FAILED, RAMP, 1) == trace(2)
    assert exemplar(others, FAILED, RAMP, 1) is None


def test_a_trace_that_x_ray_left_out_is_taken_for_want_of_others_only() -> None:
    """At more than a request a second X-Ray keeps one in twenty, and an id that leads nowhere explains little."""
    assert exemplar([line(1), line(2, xray_sampled=False)], FAILED, RAMP, 1) == trace(1)
    assert exemplar([line(2, xray_sampled=False)], FAILED, RAMP, 1) == trace(2)


def test_the_slowest_shows_a_latency() -> None:
    """Whenever it was; a line without a time is none."""
    slow = [line(number, "[CANARY-SUCCESS]", duration_ms=ms) for number, ms in enumerate((4.0, 400.0, 40.0, None))]
    assert exemplar(slow, SLOW, RAMP, 1) == trace(1)


def a_check(name: str, verdict: str, **numbers: Any) -> dict[str, Any]:
    return {
        "name": name,
        "verdict": verdict,
        "reason": "so",
        "numbers": {"events": None, "trials": None, "p95_ms": None, **numbers},
    }


def test_only_what_speaks_against_the_candidate_is_looked_for() -> None:
    """A pass needs no explanation, and where nothing happened there is nothing to show."""
    assert signs(a_check("errors", "FAIL", trials=50, events=3))[0] == FAILED
    assert signs(a_check("errors", "INCONCLUSIVE", trials=50, events=1))
    assert signs(a_check("latency", "FAIL", p95_ms=400.0))
    for quiet in (
        a_check("errors", "PASS", trials=50, events=1),
        a_check("errors", "INCONCLUSIVE", trials=50, events=0),
        a_check("errors", "INCONCLUSIVE"),
        a_check("share", "FAIL", trials=50, events=3),
        a_check("alarm huntaze-lambda-error-rate-gt-2pct", "FAIL"),
    ):
        assert signs(quiet) == ()


def test_every_check_that_counts_requests_has_signs() -> None:
    """The names that both gates give their checks, but the share, which is about all requests."""
    source = "".join(Path(str(module.__file__)).read_text() for module in (gate, sequential_checks))
    named = {name for name in SIGNS if f'"{name}"' in source}
    assert named == set(SIGNS)


def test_a_rollbacks_failed_check_names_its_trace() -> None:
    """Any other check has none."""
    run = Run(failing_at(1))
    run.house.exemplars.written.append((inf, Source.ROUTER, line(1)))
    run.go(asking_plan())
    checks = run.looks()[-1]["checks"]
    assert [(check["name"], check["trace_id"]) for check in checks if check.get("trace_id")] == [("errors", trace(1))]
    assert next(check for check in checks if check["name"] == "errors")["verdict"] == "FAIL"


class Slow:
    """Logs that answer after so many seconds, or not at all; what was told by then is noted."""

    def __init__(self, house: House, error: Exception | None, seconds: float = 0.0) -> None:
        self.house, self.error, self.seconds = house, error, seconds
        self.asked_when: list[tuple[int, bool, bool]] = []

    def __call__(self, *_: Any) -> list[str]:
        settled = self.house.world().traffic.read().setting == OFF
        told = any("rolled back" in subject for subject, _ in self.house.notices.told)
        self.asked_when.append((len(self.asked_when), settled, told))
        self.house.clock.pass_seconds(self.seconds)
        if self.error:
            raise self.error
        return []


REFUSED = ClientError({"Error": {"Code": "ThrottlingException", "Message": "slower"}}, "FilterLogEvents")
SILENT = ReadTimeoutError(endpoint_url="https://logs")


@pytest.mark.parametrize("error", [REFUSED, SILENT, None], ids=["refused", "silent", "slow"])
def test_looking_comes_after_settling_and_telling_and_stops_neither(error: Exception | None) -> None:
    """Traffic first, people next, explanations last, in bounded time; the record stays as it was."""
    run = Run(failing_at(1))
    logs = Slow(run.house, error, seconds=6.0)
    run.house.exemplars.lines = logs  # type: ignore[method-assign, assignment]  # the place of the call
    began = run.house.clock()
    execution = run.go(asking_plan())
    assert execution.error == "RolledBack"
    run.assert_settled()
    assert logs.asked_when
    assert all(settled and told for _, settled, told in logs.asked_when)
    assert run.house.clock() > began
    assert not any(check.get("trace_id") for check in run.looks()[-1]["checks"])


def test_however_many_checks_fail_the_search_ends_in_time() -> None:
    """Of nine checks with a dozen places to look in, at four seconds a place."""
    house = House(FakeMetrics(healthy))
    checks = [a_check(name, "FAIL", trials=40, events=9) for name in SIGNS]
    house.table.put_look(RAMP, 1, 4, 0, {"checks": checks})
    logs = Slow(house, None, seconds=4.0)
    house.exemplars.lines = logs  # type: ignore[method-assign, assignment]  # as above
    began = house.clock()
    house.exemplars.note(RAMP, 1, 4, began - 86_400.0)
    assert house.clock() - began <= NOTE_SECONDS + 4.0
    assert (house.table.look(RAMP, 1, 4) or {})["checks"] == checks


def test_a_log_of_days_is_read_from_its_end() -> None:
    """The last quarter of an hour first; the whole step when that shows nothing."""
    run = Run(failing_at(1))
    asked: list[float] = []

    def lines(source: Source, words: tuple[str, ...], since: float) -> list[str]:
        asked.append(since)
        return []

    run.house.exemplars.lines = lines  # type: ignore[method-assign]  # as above
    run.go(asking_plan())
    began = run.house.clock()
    asked.clear()
    run.house.exemplars.note(RAMP, 1, run.looks()[-1]["look"], began - 86_400.0)
    assert asked[:2] == [began - LATELY_SECONDS, began - 86_400.0]


def test_people_who_are_asked_are_told_first_and_the_look_has_its_trace_then() -> None:
    """Each time that the question is put, since each time there is a newer look."""
    house = House(FakeMetrics(healthy))
    prepared = tasks.prepare({"ramp": RAMP, "execution_arn": ARN, "plan": asking_plan()}, house.world())["ramp"]
    house.table.put_look(RAMP, 1, 4, 0, {"checks": [a_check("mismatches", "FAIL", trials=40, events=9)]})
    told: list[int] = []

    def lines(source: Source, words: tuple[str, ...], since: float) -> list[str]:
        told.append(len(house.notices.told))
        return [line(9, "[SHADOW-DIFF]", mismatches=1.0)]

    house.exemplars.lines = lines  # type: ignore[method-assign]  # the place of the call
    question = {"request_id": "1-4", "text": "go?", "causes": ["mismatches"], "asked_at": house.clock()}
    asked = {**prepared, "step": 1, "look": 4, "step_started_at": house.clock() - 60, "question": question}
    tasks.ask({"ramp": asked, "token": "token-1"}, house.world())
    (check,) = (house.table.look(RAMP, 1, 4) or {})["checks"]
    assert check["trace_id"] == trace(9)
    assert told == [2]  # that it started, and what is asked
