"""The router decides, observes and answers, and the user never pays for the candidate."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from read_path.core.answer import Answer, of_user, refusal, trouble
from read_path.core.breaker import Breaker
from read_path.core.event import ComparisonEvent, Kind
from read_path.core.observation import CandidateError
from read_path.core.routing import AdapterFlag, Arm, Flags, Phase, ShadowFlag
from read_path.dispatch import DispatchError
from read_path.serve import Invocation, Service, serve
from read_path.sources import mock

PHASE = Phase("ramp-1", "2")
EVERYBODY = AdapterFlag(PHASE, share_ppm=1_000_000, salt="s", deadline_ms=500, fallback=True)
COMPARE_ALL = ShadowFlag(PHASE, sample_ppm=1_000_000, budget_ms=400)
INVOCATION = Invocation("request-1", "$LATEST")
CONTROL = mock.read("user-1")
CANDIDATE = Answer(200, '{"id": "user-1", "from": "candidate"}')


def ticking(*milliseconds: float) -> Callable[[], float]:
    """A clock that reads these moments, then stands still."""
    moments: Iterator[float] = iter(milliseconds)
    last = 0.0

    def now() -> float:
        nonlocal last
        last = next(moments, last)
        return last / 1000

    return now


@dataclass
class House:
    """A service made of values; what was dispatched is kept."""

    told: Any
    flags: Flags = field(default_factory=lambda: Flags(EVERYBODY, COMPARE_ALL))
    candidate: Answer | Exception = CANDIDATE
    control: Answer | Exception | None = None
    dispatch_fails: Exception | None = None
    clock: Callable[[], float] = lambda: 0.0
    breaker: Breaker = field(default_factory=Breaker)
    sent: list[ComparisonEvent] = field(default_factory=list)
    asked: list[tuple[str, int]] = field(default_factory=list)

    def serve(self, event: object = None, **changes: Any) -> tuple[int, dict[str, Any]]:
        service = self.service()._replace(**changes)
        proxy = serve({"userId": "user-1"} if event is None else event, INVOCATION, service)
        assert proxy["headers"] == {"content-type": "application/json"}
        return proxy["statusCode"], json.loads(proxy["body"])

    def service(self) -> Service:
        return Service(
            flags=lambda: self.flags,
            control=self._control,
            candidate=self._candidate,
            dispatch=self._dispatch,
            telemetry=self.told.telemetry,
            clock=self.clock,
            breaker=self.breaker,
        )

    def record(self) -> dict[str, Any]:
        """The one EMF record of the one request: dimensions and values."""
        (record,) = self.told.records()
        (directive,) = record["_aws"]["CloudWatchMetrics"]
        return {
            name: record[name] for name in ("ramp", "step", "arm", *(each["Name"] for each in directive["Metrics"]))
        }

    def _control(self, user_id: str) -> Answer:
        return given(self.control or mock.read(user_id))

    def _candidate(self, user_id: str, deadline_ms: int) -> Answer:
        self.asked.append((user_id, deadline_ms))
        return given(self.candidate)

    def _dispatch(self, event: ComparisonEvent) -> None:
        self.sent.append(event)
        if self.dispatch_fails:
            raise self.dispatch_fails


def given(answer: Answer | Exception) -> Answer:
    if isinstance(answer, Exception):
        raise answer
    return answer


@pytest.fixture
def house(told: Any) -> House:
    return House(told)


def test_without_flags_control_answers_and_nothing_is_compared(house: House) -> None:
    house.flags = Flags()
    assert house.serve() == (200, mock.users()[0].document())
    assert (house.asked, house.sent, house.told.messages()) == ([], [], ["[MOCK-SUCCESS]"])
    assert house.record() == {
        "ramp": "none",
        "step": "none",
        "arm": "control",
        "requests": 1,
        "errors": 0,
        "user_errors": 0,
        "dispatch_errors": 0,
        "misrouted": 0,
        "latency_ms": 0,
    }


def test_a_candidate_that_answers_serves_the_user_and_is_compared(house: House) -> None:
    house.clock = ticking(0, 0, 0, 30)
    assert house.serve() == (200, {"id": "user-1", "from": "candidate"})
    assert house.asked == [("user-1", 500)]
    (event,) = house.sent
    assert (event.kind, event.control, event.candidate) == (Kind.CANARY, CONTROL, CANDIDATE)
    assert house.told.messages() == ["[CANARY-SUCCESS]"]
    assert house.record() == {
        "ramp": "ramp-1",
        "step": "2",
        "arm": "candidate",
        "requests": 1,
        "errors": 0,
        "discordant_errors": 0,
        "unasked": 0,
        "fallbacks": 0,
        "user_errors": 0,
        "dispatch_errors": 0,
        "misrouted": 0,
        "latency_ms": 30,
    }


FAILURES = [
    CandidateError("TooManyRequestsException"),
    CandidateError("Timeout", timed_out=True),
    CandidateError("FunctionError"),
    ZeroDivisionError(),
    trouble(),
    refusal(503, "Traceback (most recent call last)"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_whatever_the_candidate_does_the_user_is_answered_from_control(
    house: House, failure: Answer | Exception
) -> None:
    house.candidate = failure
    assert house.serve() == (200, mock.users()[0].document())
    assert house.told.messages() == ["[PRISMA-ERROR]", "[CANARY]"]
    assert house.sent == []
    record = house.record()
    assert [
        record[name] for name in ("arm", "requests", "errors", "discordant_errors", "fallbacks", "user_errors")
    ] == [
        "candidate",
        1,
        1,
        1,
        1,
        0,
    ]


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_without_fallback_the_failure_is_the_users_answer_without_detail(
    house: House, failure: Answer | Exception
) -> None:
    house.candidate = failure
    house.flags = Flags(EVERYBODY._replace(fallback=False), None)
    assert house.serve() == (500, {"error": "internal error"})
    record = house.record()
    assert [record[name] for name in ("errors", "discordant_errors", "fallbacks", "user_errors")] == [1, 1, 0, 1]


def test_an_answer_after_the_deadline_is_a_failure(house: House) -> None:
    house.clock = ticking(0, 0, 0, 501)
    assert house.serve() == (200, mock.users()[0].document())
    assert house.told.lines()[0]["timed_out"] is True
    assert house.record()["latency_ms"] == 501


def test_a_candidates_404_is_an_answer(house: House) -> None:
    house.candidate = of_user(None)
    assert house.serve() == (404, {"error": "user not found"})
    assert house.record()["errors"] == 0


def test_when_both_arms_fail_it_is_not_the_candidates_own_failure(house: House) -> None:
    house.candidate, house.control = CandidateError("FunctionError"), RuntimeError("no")
    assert house.serve() == (500, {"error": "internal error"})
    record = house.record()
    assert [record[name] for name in ("errors", "discordant_errors", "fallbacks", "user_errors")] == [1, 0, 0, 1]


def test_a_control_that_fails_is_a_clean_500_and_compared_with_nothing(house: House) -> None:
    house.flags, house.control = Flags(None, COMPARE_ALL), RuntimeError("secret")
    assert house.serve() == (500, {"error": "internal error"})
    assert (house.sent, house.told.messages()) == ([], ["[ERROR]"])
    record = house.record()
    assert [record[name] for name in ("arm", "errors", "user_errors")] == ["control", 1, 1]


@pytest.mark.parametrize("user", ["user-1", "user-51"])
def test_in_a_shadow_step_every_control_answer_is_sent_to_the_comparator(house: House, user: str) -> None:
    """A 404 is an answer too: a user the candidate should not know is evidence."""
    house.flags = Flags(None, COMPARE_ALL)
    house.serve({"userId": user})
    (event,) = house.sent
    assert event == ComparisonEvent(Kind.SHADOW, PHASE, user, "request-1", 400, mock.read(user))
    assert house.asked == []
    assert house.record()["ramp"] == "ramp-1"


def test_a_sample_of_nothing_sends_nothing(house: House) -> None:
    house.flags = Flags(None, COMPARE_ALL._replace(sample_ppm=0))
    house.serve()
    assert house.sent == []


def test_the_shadow_flag_is_the_kill_switch_of_all_comparison(house: House) -> None:
    house.flags = Flags(EVERYBODY, None)
    house.serve()
    assert house.sent == []


@pytest.mark.parametrize("flags", [Flags(EVERYBODY, COMPARE_ALL), Flags(None, COMPARE_ALL)])
def test_a_comparison_that_cannot_be_sent_is_counted_and_not_felt(house: House, flags: Flags) -> None:
    house.flags, house.dispatch_fails = flags, DispatchError("TooManyRequestsException")
    status, _ = house.serve()
    assert status == 200
    assert house.record()["dispatch_errors"] == 1


@pytest.mark.parametrize("event", [{}, {"userId": 3}, [], 7])
def test_a_direct_event_without_a_user_is_400_and_no_request(house: House, event: object) -> None:
    status, body = house.serve(event)
    assert (status, list(body)) == (400, ["error"])
    assert (house.told.messages(), house.told.records()) == (["[ERROR]"], [])


def test_an_api_event_without_identity_is_401(house: House, read_events: dict[str, Any]) -> None:
    assert house.serve(read_events["http-api-without-authorizer"]) == (401, {"error": "unauthorized"})
    assert house.told.records() == []


def raising(*_: object) -> Any:
    raise ZeroDivisionError("a bug with user-1's data in its message")


@pytest.mark.parametrize("part", ["flags", "dispatch"])
def test_a_bug_of_ours_is_answered_from_control(house: House, part: str) -> None:
    assert house.serve(**{part: raising}) == (200, mock.users()[0].document())
    assert house.told.messages() == ["[ERROR]", "[MOCK-SUCCESS]"]
    assert "data" not in json.dumps(house.told.lines())
    assert house.record()["ramp"] == "none"


def test_the_alias_lever_serves_the_candidate_on_its_version_alone(house: House) -> None:
    house.flags = Flags(EVERYBODY._replace(candidate_version="$LATEST"), None)
    assert house.serve()[1]["from"] == "candidate"
    house.flags = Flags(EVERYBODY._replace(candidate_version="7"), None)
    assert house.serve() == (200, mock.users()[0].document())


def test_a_log_line_tells_who_was_served_by_what(house: House) -> None:
    house.clock = ticking(0, 0, 0, 12.5)
    house.serve()
    (line,) = house.told.lines()
    told = ("arm", "ramp", "step", "user_id", "request_id", "status", "duration_ms", "timed_out")
    assert [line[name] for name in told] == ["candidate", "ramp-1", "2", "user-1", "request-1", 200, 12.5, False]
    assert "failure" not in line


def test_a_user_who_is_sent_to_the_wrong_arm_is_counted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deciding code is broken on purpose; the counter does not go by it."""
    monkeypatch.setattr("read_path.serve.decide", lambda *_: Arm.CONTROL)
    house.serve()
    assert house.record()["misrouted"] == 1


HANGING = CandidateError("Timeout", timed_out=True)


def test_a_candidate_that_hangs_is_left_alone_after_five_times(house: House) -> None:
    """The breaker spares users the wait; each spared read counts as a failure, and says that nobody was asked."""
    house.candidate = HANGING
    for _ in range(7):
        assert house.serve() == (200, mock.users()[0].document())
    assert len(house.asked) == 5
    counted = [
        [line[name] for name in ("requests", "errors", "discordant_errors", "fallbacks", "unasked")]
        for line in house.told.records()
    ]
    assert counted == [[1, 1, 1, 1, 0]] * 5 + [[1, 1, 1, 1, 1]] * 2


def test_a_read_that_was_spared_says_nothing_of_the_candidates_time(house: House) -> None:
    house.candidate = HANGING
    house.flags = Flags(EVERYBODY._replace(phase=PHASE._replace(candidate_slow_ms=5.0)), None)
    for _ in range(6):
        house.serve()
    asked, spared = house.told.records()[-2:]
    assert {"latency_ms", "slow"} <= asked.keys()
    assert not {"latency_ms", "slow"} & spared.keys()


def test_after_the_pause_one_request_asks_again(house: House) -> None:
    now = 0.0
    house.candidate, house.clock = HANGING, lambda: now
    for _ in range(6):
        house.serve()
    now, house.candidate = 1.0, CANDIDATE
    assert [house.serve()[1].get("from") for _ in range(2)] == ["candidate"] * 2
    assert len(house.asked) == 7


@pytest.mark.parametrize("quick", [CandidateError("FunctionError"), trouble()], ids=str)
def test_a_candidate_that_fails_at_once_costs_no_wait_and_is_asked_every_time(
    house: House, quick: Answer | Exception
) -> None:
    house.candidate = quick
    for _ in range(10):
        house.serve()
    assert len(house.asked) == 10


def test_without_fallback_there_is_no_other_answer_so_the_breaker_is_not_asked(house: House) -> None:
    house.candidate, house.flags = HANGING, Flags(EVERYBODY._replace(fallback=False), None)
    for _ in range(10):
        house.serve()
    assert len(house.asked) == 10


def test_the_age_of_the_flags_is_told_where_there_are_any(house: House) -> None:
    house.flags = Flags(EVERYBODY, None, age_seconds=3.5)
    house.serve()
    assert house.record()["flag_age_seconds"] == 3.5


def test_the_line_of_a_fall_back_says_whose_it_was_and_when(house: House) -> None:
    house.candidate = CandidateError("FunctionError")
    house.serve()
    failed, fell_back = house.told.lines()
    told = ("arm", "ramp", "step", "user_id", "request_id", "status", "failure")
    assert [fell_back[name] for name in told] == [failed[name] for name in told]
