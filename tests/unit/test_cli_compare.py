"""`ramp compare` walks every user through the real comparator, page by page, and says what it found by field."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rampctl import comparing
from rampctl.comparing import Ask, Survey
from rampctl.exits import Exit
from read_path.compare import Comparator
from read_path.core.answer import Answer, of_user
from read_path.core.noise import Noise
from read_path.core.observation import CandidateError
from read_path.core.rules import Rules
from read_path.sources import mock
from read_path.walk import walk
from rich.console import Console

CENSUS = {"users": 50, "schema": "001_users"}


def asking(told: Any, candidate: dict[str, Answer | Exception], census: object = CENSUS) -> Ask:
    """The comparator's own page over a candidate that answers as control does, but for these users."""

    def read(user_id: str, _budget_ms: int) -> Answer:
        answer = candidate.get(user_id, mock.read(user_id))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def counted(_event: dict[str, object], _budget_ms: int) -> object:
        if isinstance(census, Exception):
            raise census
        return census

    comparator = Comparator(mock.read, read, told.telemetry, lambda: 0.0, b"k", Noise(Rules()))
    return lambda event: json.loads(json.dumps(walk(event, comparator, mock.ids(), counted)))


def surveyed(ask: Ask, sample: int | None = None) -> Survey:
    return comparing.walk(ask, sample)


def test_equal_data_are_ready(told: Any) -> None:
    survey = surveyed(asking(told, {}))
    assert survey.is_ready
    assert (survey.compared, survey.candidate) == (50, CENSUS)
    assert told.records() == []


def test_missing_differing_and_failing_users_are_told_by_field(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over several pages."""
    monkeypatch.setattr(comparing, "PAGE", 7)
    other = Answer(200, mock.read("user-9").body.replace("free", "legacy"))
    trouble: dict[str, Answer | Exception] = {
        "user-3": of_user(None),
        "user-9": other,
        "user-20": CandidateError("Timeout"),
    }
    survey = surveyed(asking(told, trouble))
    assert (survey.missing, survey.differing, survey.failed) == (["user-3"], ["user-9"], ["user-20"])
    assert survey.fields["body.plan"] == 1
    assert survey.compared == 49
    assert not survey.is_ready
    assert any(line == "  body.plan: differs for 1" for line in comparing.lines(survey))


@pytest.mark.parametrize(
    "census",
    [{"users": 49, "schema": "001_users"}, {"users": 50, "schema": None}, CandidateError("Timeout")],
    ids=["other rows", "another schema", "none"],
)
def test_a_candidate_with_other_rows_another_schema_or_no_word_is_not_ready(told: Any, census: object) -> None:
    assert not surveyed(asking(told, {}, census)).is_ready


def test_the_schema_that_is_asked_for_is_the_newest_of_the_repository() -> None:
    newest = max(file.stem for file in (Path(__file__).parents[2] / "database").glob("*.sql"))
    assert newest == comparing.SCHEMA


def test_a_candidate_that_hangs_ends_a_page_early_and_never_the_comparator(told: Any) -> None:
    """Every read takes the whole 5 s; no page may take the 15 s of the comparator's Timeout. All users are read."""
    clock = SimpleNamespace(now=0.0)
    longest = 0.0

    def hang(*_: Any) -> Any:
        clock.now += 5.0
        raise CandidateError("Timeout", timed_out=True)

    comparator = Comparator(mock.read, hang, told.telemetry, lambda: clock.now, b"k", Noise(Rules()))

    def ask(event: dict[str, Any]) -> dict[str, Any]:
        nonlocal longest
        began = clock.now
        page = walk(event, comparator, mock.ids(), hang)
        longest = max(longest, clock.now - began)
        return page

    survey = surveyed(ask)
    assert sorted(survey.failed) == sorted(mock.ids())
    assert longest < 15


def test_a_sample_is_spread_evenly(told: Any) -> None:
    assert surveyed(asking(told, {}), sample=10).compared == 10


@pytest.mark.parametrize(("trouble", "code"), [({}, Exit.PROMOTED), ({"user-1": of_user(None)}, Exit.ROLLED_BACK)])
def test_a_script_hears_it_as_json_and_by_the_exit_code(told: Any, trouble: Any, code: Exit) -> None:
    out = io.StringIO()
    assert comparing.run(asking(told, trouble), None, Console(file=out), as_json=True) is code
    assert json.loads(out.getvalue())["ready"] is (code is Exit.PROMOTED)
