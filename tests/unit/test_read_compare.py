"""The comparator measures the candidate, compares, and says what it found without showing a value."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from read_path.compare import Comparator, compare
from read_path.core.answer import Answer, of_user, trouble
from read_path.core.event import ComparisonEvent, Kind
from read_path.core.noise import Noise
from read_path.core.observation import CandidateError
from read_path.core.routing import Phase
from read_path.core.rules import Rule, Rules
from read_path.sources import mock

CONTROL = mock.read("user-1")
OTHER = Answer(200, CONTROL.body.replace("free", "pro"))
Source = Callable[[str, int], Answer]


def comparator(told: Any, candidate: Answer | Exception, **more: Any) -> Comparator:
    def read(_user_id: str, _deadline_ms: int) -> Answer:
        if isinstance(candidate, Exception):
            raise candidate
        return candidate

    parts: dict[str, Any] = {
        "control": mock.read,
        "clock": lambda: 0.0,
        "hash_key": b"k",
        "noise": Noise(Rules()),
    } | more
    return Comparator(candidate=read, telemetry=told.telemetry, **parts)


def event(kind: Kind, control: Answer | str = CONTROL, candidate: Answer | str | None = None) -> dict[str, Any]:
    return ComparisonEvent(kind, Phase("ramp-1", "2"), "user-1", "request-1", 400, control, candidate).to_wire()


def record(told: Any) -> dict[str, Any]:
    (found,) = told.records()
    (directive,) = found["_aws"]["CloudWatchMetrics"]
    return {name: found[name] for name in ("ramp", "step", "arm", *(each["Name"] for each in directive["Metrics"]))}


def shadow_record(**values: float) -> dict[str, Any]:
    nothing = dict.fromkeys(("errors", "discordant_errors", "timeouts", "comparisons", "mismatches", "latency_ms"), 0)
    return {"ramp": "ramp-1", "step": "2", "arm": "shadow", "requests": 1} | nothing | values


def test_equal_answers_are_shadow_ok(told: Any) -> None:
    assert compare(event(Kind.SHADOW), comparator(told, CONTROL)) == {"outcome": "ok"}
    assert told.messages() == ["[SHADOW-OK]"]
    assert record(told) == shadow_record(comparisons=1)


def test_different_answers_are_a_diff_with_paths_and_without_values(told: Any) -> None:
    assert compare(event(Kind.SHADOW), comparator(told, OTHER)) == {"outcome": "diff"}
    (line,) = told.lines()
    assert line["message"] == "[SHADOW-DIFF]"
    assert [mismatch["path"] for mismatch in line["differences"]] == ["body.plan"]
    assert "free" not in json.dumps(line)
    assert record(told) == shadow_record(comparisons=1, mismatches=1)


@pytest.mark.parametrize("failure", [trouble(), CandidateError("FunctionError"), KeyError("x")], ids=str)
def test_a_candidate_that_fails_is_shadow_failed(told: Any, failure: Answer | Exception) -> None:
    assert compare(event(Kind.SHADOW), comparator(told, failure)) == {"outcome": "failed"}
    assert told.messages() == ["[SHADOW-FAILED]"]
    assert record(told) == shadow_record(errors=1, discordant_errors=1)


def test_more_than_the_budget_is_timed_out(told: Any) -> None:
    moments = iter((0.0, 0.401))
    assert compare(event(Kind.SHADOW), comparator(told, CONTROL, clock=lambda: next(moments))) == {
        "outcome": "timed_out"
    }
    assert record(told) == shadow_record(errors=1, discordant_errors=1, timeouts=1, latency_ms=401)


def test_a_user_deleted_on_one_side_is_a_diff(told: Any) -> None:
    assert compare(event(Kind.SHADOW), comparator(told, of_user(None))) == {"outcome": "diff"}


def test_a_canary_is_compared_without_reading_the_candidate(told: Any) -> None:
    unread = comparator(told, AssertionError("read"))
    assert compare(event(Kind.CANARY, candidate=CONTROL), unread) == {"outcome": "ok"}
    assert record(told) == {"ramp": "ramp-1", "step": "2", "arm": "candidate", "comparisons": 1, "mismatches": 0}


def test_a_canary_that_differs_is_a_mismatch_of_the_candidate(told: Any) -> None:
    assert compare(event(Kind.CANARY, candidate=OTHER), comparator(told, CONTROL)) == {"outcome": "diff"}
    assert record(told)["mismatches"] == 1


def test_a_field_control_itself_moves_is_noise(told: Any) -> None:
    moving = comparator(told, OTHER, control=lambda _: Answer(200, CONTROL.body.replace("free", "trial")))
    assert compare(event(Kind.SHADOW), moving) == {"outcome": "ok"}


def test_an_ignored_field_does_not_count(told: Any) -> None:
    assert compare(
        event(Kind.SHADOW), comparator(told, OTHER, noise=Noise(Rules([("body.plan", Rule(ignore=True))])))
    ) == {"outcome": "ok"}


def test_an_event_delivered_twice_is_counted_twice_and_harms_nothing(told: Any) -> None:
    twice = [compare(event(Kind.SHADOW), comparator(told, CONTROL)) for _ in range(2)]
    assert twice == [{"outcome": "ok"}] * 2


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {},
        {"kind": "other"},
        event(Kind.CANARY),
        event(Kind.SHADOW) | {"control": 1},
        event(Kind.SHADOW, control=trouble()),
        event(Kind.CANARY, candidate=trouble()),
    ],
)
def test_an_event_that_is_none_is_refused_without_a_metric(told: Any, broken: object) -> None:
    assert compare(broken, comparator(told, CONTROL)) == {"outcome": "refused"}
    assert (told.messages(), told.records()) == (["[ERROR]"], [])


def test_a_large_answer_comes_as_its_digest_and_is_compared_in_full(told: Any) -> None:
    """Control is read again for it, and is the same as long as its digest is."""
    assert compare(event(Kind.SHADOW, CONTROL.digest()), comparator(told, OTHER)) == {"outcome": "diff"}
    assert [mismatch["path"] for mismatch in told.lines()[0]["differences"]] == ["body.plan"]


def test_a_digest_of_what_control_no_longer_says_compares_nothing(told: Any) -> None:
    assert compare(event(Kind.SHADOW, OTHER.digest()), comparator(told, CONTROL)) == {"outcome": "moved"}
    assert record(told)["comparisons"] == 0


def test_equal_digests_of_a_canary_are_equal_answers(told: Any) -> None:
    unread = comparator(told, AssertionError("read"))
    assert compare(event(Kind.CANARY, CONTROL.digest(), CONTROL.digest()), unread) == {"outcome": "ok"}


def test_unequal_digests_of_a_canary_are_looked_into(told: Any) -> None:
    digests = event(Kind.CANARY, CONTROL.digest(), OTHER.digest())
    assert compare(digests, comparator(told, OTHER)) == {"outcome": "diff"}
    assert record(told)["mismatches"] == 1
