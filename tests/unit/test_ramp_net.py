"""The brake and the safety net, beside a state machine that runs, has ended, or never was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ramp import net, tasks
from ramp.core.flag_document import OFF, Setting
from rampctl.rehearsal.fakes import FakeMetrics, House

from tests.statemachine.ramp_run import ARN, FLAG, RAMP, a_plan, healthy

ALARM = {"Records": [{"Sns": {"Message": json.dumps({"AlarmName": "guard", "NewStateReason": "3 of 5 over 2 %"})}}]}
WHOLE = Setting({"ramp": RAMP, "step": 2, "share_ppm": 1_000_000}, None)
CANARY = Setting({"ramp": RAMP, "step": 1, "share_ppm": 100_000}, None)


@pytest.fixture
def house() -> House:
    """A ramp that runs, at its canary."""
    house = House(FakeMetrics(healthy))
    house.executions.statuses[ARN] = "RUNNING"
    event = {"ramp": RAMP, "execution_arn": ARN, "plan": a_plan()}
    state: dict[str, Any] = tasks.prepare(event, house.world())["ramp"]
    tasks.shift({"ramp": state | {"step": 1}}, house.world())
    assert house.world().traffic.read().setting.share_ppm == 100_000
    return house


def is_off(house: House) -> bool:
    """Everybody on control."""
    return house.world().traffic.read().setting == OFF


def test_an_alarm_takes_traffic_to_zero_and_leaves_word(house: House) -> None:
    """Who and why, in the alarm's own words."""
    answer = net.brake(ALARM, house.world())
    assert answer["braked"]
    assert is_off(house)
    command = house.table.command(RAMP)
    assert command is not None
    assert (command["verb"], command["by"], command["reason"]) == ("abort", "alarm guard", "3 of 5 over 2 %")
    assert "pulled the brake" in house.notices.told[-1][1]


def test_a_brake_pulled_twice_is_a_brake(house: House) -> None:
    """Two alarms at once."""
    for _ in range(2):
        assert net.brake(ALARM, house.world())["braked"]
    assert is_off(house)


def test_the_brake_settles_though_word_cannot_be_left(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Traffic does not wait for the table."""

    def broken(*_: object) -> None:
        raise RuntimeError("table is down")

    monkeypatch.setattr(house.table, "put_command", broken)
    with pytest.raises(RuntimeError, match="table is down"):
        net.brake(ALARM, house.world())
    assert is_off(house)


def test_a_brake_for_another_ramp_does_nothing(house: House) -> None:
    """An old page's button."""
    assert not net.brake({"by": "ada", "reason": "x", "ramp": "ramp-0"}, house.world())["braked"]
    assert not is_off(house)


def test_without_a_ramp_there_is_nothing_to_brake() -> None:
    """The alarm outlives the ramp."""
    assert not net.brake(ALARM, House(FakeMetrics(healthy)).world())["braked"]


def test_the_clean_up_leaves_a_ramp_that_runs(house: House) -> None:
    """The daily rule, or the end of another execution."""
    for event in ({}, {"deadline_of": "ramp-0"}, {"detail": {"status": "FAILED"}}):
        answer = net.cleanup(event, house.world())
        assert (answer["outcome"], answer["findings"]) == ("left", [])
    assert not is_off(house)


def test_the_clean_up_settles_a_ramp_that_ended_without_settling(house: House) -> None:
    """Timed out, aborted in the console, or failed at rolling back."""
    house.executions.statuses[ARN] = "ABORTED"
    assert net.cleanup({"detail": {"status": "ABORTED"}}, house.world())["outcome"] == "settled"
    assert is_off(house)
    assert house.table.lock(FLAG) is None
    assert house.deadline.schedules == {}
    assert house.table.ramps[RAMP]["status"] == "rolled_back"
    assert house.table.ramps[RAMP]["share_ppm"] == 0


def test_the_clean_up_leaves_a_promoted_ramp_and_removes_what_it_left(house: House) -> None:
    """A crash between Promote and Clean Up."""
    house.executions.statuses[ARN] = "ABORTED"
    house.table.ramps[RAMP]["status"] = "promoted"
    house.flag.put(WHOLE, f"ramp {RAMP}")
    assert "was promoted" in net.cleanup({}, house.world())["reason"]
    assert not is_off(house)
    assert house.table.lock(FLAG) is None
    assert house.deadline.schedules == {}


def test_the_clean_up_turns_off_a_share_that_nobody_owns() -> None:
    """No lock and no record, but a share is on: a split is never left."""
    house = House(FakeMetrics(healthy))
    house.flag.put(CANARY, "by hand")
    assert net.cleanup({}, house.world())["outcome"] == "settled"
    assert is_off(house)


def test_the_clean_up_leaves_everybody_on_the_candidate_when_the_record_has_expired() -> None:
    """Ninety days after a promotion."""
    house = House(FakeMetrics(healthy))
    house.flag.put(Setting({"ramp": RAMP, "step": 1, "share_ppm": 1_000_000}, None), "ramp ramp-1")
    assert net.cleanup({}, house.world())["outcome"] == "left"
    assert not is_off(house)


def test_the_clean_up_with_nothing_on_says_so() -> None:
    """The daily rule, most days."""
    assert net.cleanup({}, House(FakeMetrics(healthy)).world())["reason"] == "nothing is left behind"
