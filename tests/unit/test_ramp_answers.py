"""An answer that was said to be kept is acted on, whatever look, token and retry come in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ramp import tasks, words
from ramp.core.evidence import Evidence
from ramp.core.verdict import Action
from ramp.words import WordRefusedError
from rampctl.rehearsal.fakes import FakeMetrics, House

from tests.statemachine.ramp_run import ARN, RAMP, a_plan, healthy


def differing(step: int, seconds: float) -> Evidence:
    """One answer in two differs, which is asked about."""
    evidence = healthy(step, seconds)
    return replace(evidence, shadow=replace(evidence.shadow, mismatches=1_000))


class Asking:
    """A ramp at its shadow, asked whether differing answers are known; the first token has timed out."""

    def __init__(self) -> None:
        self.house = House(FakeMetrics(differing))
        event = {"ramp": RAMP, "execution_arn": ARN, "plan": a_plan()}
        state = self.of(tasks.prepare, event)["ramp"]
        state = self.of(tasks.shift, {"ramp": state})["ramp"]
        self.house.clock.pass_seconds(121)
        self.state = self.looked(state)["ramp"]
        self.of(tasks.ask, {"ramp": self.state, "token": "token-1"})
        self.question_id = str(self.state["question"]["request_id"])

    def of(self, task: Any, event: Any) -> Any:
        return json.loads(json.dumps(task(event, self.house.world())))

    def looked(self, state: Any = None, handed: Any = None) -> Any:
        """What Measure gives, of the state after the question by default."""
        return self.of(tasks.measure, {"ramp": state or self.state, "decision": handed or {}})

    def say(self, word: str) -> bool:
        """What a link does; whether the ramp has it already."""
        told: dict[str, Any] = {"by": "ada", "reason": "I know", "via": "link", "request_id": self.question_id}
        return words.answer(self.house.table, self.house.executions, RAMP, word, **told, now=self.house.clock())

    def say_once_it_was_read(self, word: str) -> None:
        """Between a look's question to the table, which nobody has answered, and all that it writes."""
        read, table = self.house.table.request, self.house.table

        def request(ramp: str) -> Any:
            found = read(ramp)
            table.request = read  # type: ignore[method-assign]  # once
            assert not self.say(word)
            return found

        table.request = request  # type: ignore[method-assign]  # as above


@pytest.fixture
def asking() -> Asking:
    return Asking()


def settled(asking: Asking) -> None:
    """The evidence answers the question by itself."""
    asking.house.metrics.observe = healthy


def advanced(asking: Asking) -> None:
    """Somebody goes on past the bake; the doubt itself is no longer one."""
    asking.house.metrics.observe = healthy
    asking.house.table.put_command(RAMP, "advance", 0, "bob", "go", asking.house.clock())


def silent_for_too_long(asking: Asking) -> None:
    """Silence has lasted as long as the plan allows."""
    asking.house.clock.pass_seconds(2_700)


@pytest.mark.parametrize("meanwhile", [settled, advanced, silent_for_too_long])
def test_a_no_that_comes_while_a_look_decides_otherwise_rolls_back(
    asking: Asking, meanwhile: Callable[[Asking], None]
) -> None:
    """It was told "kept", so the look that has not seen it decides again."""
    meanwhile(asking)
    asking.say_once_it_was_read("reject")
    measured = asking.looked()
    assert measured["verdict"]["action"] == Action.ROLL_BACK
    assert measured["verdict"]["reason"].startswith("ada said no: I know (")


def test_a_yes_in_the_moment_in_which_silence_ends_goes_on(asking: Asking) -> None:
    """The question was open when it was said."""
    silent_for_too_long(asking)
    asking.say_once_it_was_read("approve")
    measured = asking.looked()
    assert measured["verdict"]["action"] == Action.ADVANCE
    assert "accepted by a person: mismatches FAIL" in measured["verdict"]["reason"]


def test_a_yes_while_a_cause_is_added_holds_for_what_was_asked(asking: Asking) -> None:
    """And what is new alone is asked about."""

    def slow_too(step: int, seconds: float) -> Evidence:
        evidence = differing(step, seconds)
        return replace(evidence, shadow=replace(evidence.shadow, p95_ms=5_000.0))

    asking.house.metrics.observe = slow_too
    asking.say_once_it_was_read("approve")
    measured = asking.looked()
    assert measured["verdict"]["action"] == Action.ASK
    causes = measured["ramp"]["question"]["causes"]
    assert causes == ["shadow p95 FAIL", "latency FAIL"]
    asking.of(tasks.ask, {"ramp": measured["ramp"], "token": "token-2"})
    assert "answer" not in (asking.house.table.request(RAMP) or {})


@pytest.mark.parametrize("meanwhile", [settled, silent_for_too_long])
def test_an_answer_after_the_look_has_decided_is_refused(asking: Asking, meanwhile: Callable[[Asking], None]) -> None:
    """Nobody is told that it is kept."""
    meanwhile(asking)
    asking.looked()
    with pytest.raises(WordRefusedError, match="asks nothing at the moment"):
        asking.say("approve")


@pytest.mark.parametrize("dies_at", ["put_gate", "put_look", "put_ramp", "enlist", "after"])
def test_a_yes_outlives_a_look_that_fails_and_is_tried_again(asking: Asking, dies_at: str) -> None:
    """Wherever it fails, at the very end too, when the state machine has not heard of its success."""
    asking.say("approve")
    if dies_at == "after":
        asking.looked()
    else:
        fail_once(asking.house, dies_at)
        with pytest.raises(RuntimeError, match="throttled"):
            asking.looked()
    assert asking.looked()["verdict"]["action"] == Action.ADVANCE


def fail_once(house: House, method: str) -> None:
    works = getattr(house.table, method)

    def fails(*_: Any, **__: Any) -> None:
        setattr(house.table, method, works)
        raise RuntimeError("throttled")

    setattr(house.table, method, fails)


@pytest.mark.parametrize(
    ("first", "second", "action"), [("reject", "approve", "ROLL_BACK"), ("approve", "reject", "ADVANCE")]
)
def test_of_an_answer_by_link_and_one_by_the_token_the_first_counts(
    asking: Asking, first: str, second: str, action: str
) -> None:
    """`send-task-success` asks nobody whether somebody has answered already."""
    assert not asking.say(first)
    handed = {"answer": second, "by": "eve", "reason": "by the AWS CLI"}
    measured = asking.looked(handed=handed)
    assert measured["verdict"]["action"] == action
    assert [word["by"] for word in asking.house.table.words(RAMP)] == ["ada"]


def test_an_answer_by_the_token_is_kept_before_one_by_link(asking: Asking) -> None:
    """And the link says whose answer it was."""
    measured = asking.looked(handed={"answer": "approve", "by": "eve", "reason": "by the AWS CLI"})
    assert measured["verdict"]["action"] == Action.ADVANCE
    with pytest.raises(WordRefusedError, match="was answered already: approve by eve"):
        asking.say("reject")


def test_a_token_that_comes_late_asks_nothing_anew(asking: Asking) -> None:
    """An attempt of Ask For Decision that was given up goes on when a later look has withdrawn its question."""
    late = {"ramp": asking.state, "token": "token-0"}
    settled(asking)
    asking.looked()
    told = list(asking.house.notices.told)
    asking.of(tasks.ask, late)
    assert asking.house.table.request(RAMP) is None
    assert asking.house.notices.told == told
