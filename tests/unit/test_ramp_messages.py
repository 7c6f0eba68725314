"""What people are told, when, and on which channel."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ramp import asking, webhook
from ramp.core.message import CHANNELS, Kind, channels
from ramp.core.plan import Plan
from ramp.core.state import Question, RampState
from ramp.world import World
from rampctl.rehearsal.fakes import FakeMetrics, House

from tests.statemachine.ramp_run import RAMP, Run, a_plan, answering, asking_plan, failing_at, healthy

QUESTION = Question("1-3", ("approval",), "10 % passed; the plan asks for go or no-go", 0.0)


def a_state(**plan: Any) -> RampState:
    """At 10 %, asked at nought."""
    return RampState(RAMP, "arn", asking_plan(**plan), "1", 0.0, step=1, look=3, question=QUESTION)


@pytest.fixture
def house() -> House:
    """Asked about once, with a look behind the question."""
    house = House(FakeMetrics(healthy))
    house.clock.now = 1.0
    house.table.ask(RAMP, QUESTION.request_id, "token", 0.0)
    check = {"name": "errors", "verdict": "PASS", "reason": "0 of 200 requests failed"}
    house.table.put_look(RAMP, 1, 3, 0.0, {"checks": [check]})
    return house


def a_world(house: House) -> World:
    """One that serves links."""
    return replace(house.world(), link_url="https://links.example/", random_id=lambda: "random")


def test_a_question_carries_evidence_link_commands_and_what_silence_means(house: House) -> None:
    """All that a person needs, in plain text."""
    asking.tell(a_world(house), a_state(), QUESTION, is_new=True)
    ((subject, text),) = house.notices.told
    assert subject == f"Ramp {RAMP} asks at 10 %"
    for said in (
        "PASS  errors: 0 of 200 requests failed",
        "https://links.example/link/random",
        f"ramp approve {RAMP} --reason",
        "Without an answer within 45 minutes the ramp rolls back",
    ):
        assert said in text


def test_the_link_is_kept_for_as_long_as_the_question_stands(house: House) -> None:
    """It names the request, and never the token."""
    asking.tell(a_world(house), a_state(), QUESTION, is_new=True)
    found = house.table.link("random")
    assert found is not None
    assert (found["request_id"], found["expires_at"]) == ("1-3", 2_700)
    assert "token" not in json.dumps([found, house.notices.told])


def test_a_stack_without_links_sends_none(house: House) -> None:
    """The commands are there all the same."""
    asking.tell(house.world(), a_state(), QUESTION, is_new=True)
    assert "http" not in house.notices.told[0][1]
    assert house.table.links == {}


def test_people_are_reminded_once_when_half_of_the_time_is_over(house: House) -> None:
    """With a link that works; not before, and not again."""
    for now in (900.0, 1_350.0, 2_250.0):
        house.clock.now = now
        asking.tell(a_world(house), a_state(), QUESTION, is_new=False)
    ((subject, text),) = house.notices.told
    assert subject.startswith("Reminder: ")
    assert "within 22 minutes" in text
    assert house.notices.kinds == [(Kind.REMINDED, CHANNELS)]


def test_an_answered_question_is_not_brought_up_again(house: House) -> None:
    """Whoever said it has said it."""
    house.table.answer(RAMP, "1-3", "approve", "ada", "fine", 100.0)
    house.clock.now = 1_800.0
    asking.tell(a_world(house), a_state(), QUESTION, is_new=False)
    assert house.notices.told == []


def test_a_plan_says_who_hears_what() -> None:
    """By default all hear all; what concerns safety reaches everybody whatever the plan says."""
    quiet = Plan.parse(a_plan(notify={"email": ["asked"], "webhook": []})).notify
    assert channels(quiet, Kind.ASKED) == ("email",)
    assert channels(quiet, Kind.ADVANCED) == ()
    assert channels(quiet, Kind.SAFETY) == CHANNELS
    assert channels(Plan.parse(a_plan()).notify, Kind.ADVANCED) == CHANNELS


@pytest.mark.parametrize(
    ("run", "kinds"),
    [
        (
            Run(people=answering("approve")),
            ["started", "advanced", "asked", "advanced", "promoted"],
        ),
        (Run(failing_at(1)), ["started", "advanced", "rolled_back"]),
    ],
)
def test_every_turn_of_a_ramp_is_told_once(run: Run, kinds: list[str]) -> None:
    """In the order in which they happen."""
    run.go(asking_plan())
    assert [kind for kind, _ in run.house.notices.kinds] == kinds


def test_a_webhook_hears_what_slack_takes() -> None:
    """A title and the text, cut to what fits; only ever by https."""
    posted: list[tuple[str, bytes]] = []
    event = {"Records": [{"Sns": {"Subject": "Ramp r asks", "Message": "x" * 9_000}}]}
    webhook.deliver(event, "https://chat.example/hook", lambda address, body: posted.append((address, body)))
    ((address, body),) = posted
    told = json.loads(body)
    assert address == "https://chat.example/hook"
    assert told["text"].startswith("Ramp r asks\nxxx")
    assert len(told["blocks"][1]["text"]["text"]) <= webhook.TEXT_LENGTH
    with pytest.raises(ValueError, match="expected https") as refused:
        webhook.deliver(event, "http://chat.example/secret", lambda address, body: None)
    assert "secret" not in str(refused.value).replace("WEBHOOK_SECRET", "")
