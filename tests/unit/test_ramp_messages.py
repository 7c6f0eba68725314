"""What people are told, when, and on which channel."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
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
    house.table.ask(RAMP, QUESTION.request_id, "token", 0.0, look=(1, 3))
    check = {"name": "errors", "verdict": "PASS", "reason": "0 of 200 requests failed"}
    house.table.put_look(RAMP, 1, 3, 0.0, {"checks": [check]})
    return house


def a_world(house: House, guard: Callable[[Any], Any] = lambda adapter: adapter) -> World:
    """One that serves links."""
    return replace(house.world(guard), link_url="https://links.example/", random_id=lambda: "random")


def tell(world: World) -> None:
    """What Ask For Decision does once the question is kept."""
    asking.tell(world, a_state(), QUESTION, world.table.request(RAMP) or {})


def test_a_question_carries_evidence_link_commands_and_what_silence_means(house: House) -> None:
    """All that a person needs, in plain text."""
    tell(a_world(house))
    ((subject, text),) = house.notices.told
    assert subject == f"Ramp {RAMP} asks at 10 %"
    for said in (
        "PASS  errors: 0 of 200 requests failed",
        "https://links.example/link/random",
        f"ramp approve {RAMP} --reason",
        "Without an answer within 45 minutes the ramp rolls back, at its next look: at most 15 minutes later.",
    ):
        assert said in text


def test_the_link_is_kept_for_as_long_as_the_question_stands(house: House) -> None:
    """It names the request, and never the token."""
    tell(a_world(house))
    found = house.table.link("random")
    assert found is not None
    assert (found["request_id"], found["expires_at"]) == ("1-3", 2_700)
    assert "token" not in json.dumps([found, house.notices.told])


def test_a_stack_without_links_sends_none(house: House) -> None:
    """The commands are there all the same."""
    tell(house.world())
    assert "http" not in house.notices.told[0][1]
    assert house.table.links == {}


def test_people_are_told_once_and_reminded_once_when_half_of_the_time_is_over(house: House) -> None:
    """With a link that works; not before, and not again."""
    for now in (1.0, 900.0, 1_350.0, 2_250.0):
        house.clock.now = now
        tell(a_world(house))
    _, (subject, text) = house.notices.told
    assert subject.startswith("Reminder: ")
    assert "within 22 minutes" in text
    assert house.notices.kinds == [(Kind.ASKED, CHANNELS), (Kind.REMINDED, CHANNELS)]


def test_a_notice_that_was_not_taken_is_sent_with_the_next_token(house: House) -> None:
    """The question and its reminder alike, since nobody has heard of either; the ramp is not held up."""
    for now, takes in ((1.0, False), (900.0, True), (1_800.0, False), (2_250.0, True), (2_600.0, True)):
        house.clock.now, house.notices.takes = now, takes
        tell(a_world(house))
    assert [kind for kind, _ in house.notices.kinds] == [Kind.ASKED, Kind.REMINDED]


def test_a_task_that_dies_before_people_were_told_is_made_up_for(house: House) -> None:
    """It keeps the question first, and is delivered again; one that dies after it has told them tells them twice."""
    for dies_at in ("put_link", "note"):
        with pytest.raises(TimeoutError):
            tell(a_world(house, partial(Dying, dies_at)))
    tell(a_world(house))
    assert [kind for kind, _ in house.notices.kinds] == [Kind.ASKED, Kind.ASKED]


class Dying:
    """An adapter at which a task dies when it calls `name`."""

    def __init__(self, name: str, adapter: Any) -> None:
        self._adapter, self._name = adapter, name

    def __getattr__(self, name: str) -> Any:
        if name == self._name:
            raise TimeoutError
        return getattr(self._adapter, name)


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
    with pytest.raises(webhook.NotPostedError, match="expected https") as refused:
        webhook.deliver(event, "http://chat.example/secret", lambda address, body: None)
    assert "secret" not in str(refused.value).replace("WEBHOOK_SECRET", "")


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ('{"AlarmName": "a", "AlarmDescription": "It waits.", "NewStateReason": "31 > 30"}', "a: It waits.\n31 > 30"),
        ('{"deploymentId": "d-1"}', '{"deploymentId": "d-1"}'),
        ("12", "12"),
        ("[1]", "[1]"),
    ],
)
def test_an_alarm_reads_as_words_in_a_chat(message: str, shown: str) -> None:
    """Whatever else AWS says is shown as it is."""
    posted: list[bytes] = []
    event = {"Records": [{"Sns": {"Subject": None, "Message": message}}]}
    webhook.deliver(event, "https://chat.example/hook", lambda _, body: posted.append(body))
    assert json.loads(posted[0])["text"] == f"Ramp\n{shown}"


@pytest.mark.parametrize("address", ["https://127.0.0.1:9/token", "https://127.0.0.1\x7f/token", "https://[token"])
def test_why_a_notice_was_not_posted_never_says_where(address: str) -> None:
    """Whatever is wrong with the address, it is a secret: http.client's own words would quote it."""
    event = {"Records": [{"Sns": {"Subject": "Ramp r asks", "Message": "x"}}]}
    with pytest.raises(webhook.NotPostedError, match="the webhook did not take it: ") as refused:
        webhook.deliver(event, address, webhook._post)
    told = "".join(traceback.format_exception(refused.value))
    assert "token" not in told.replace("token = ", "")
    assert "127.0.0.1" not in told
