"""The brake and the safety net, beside a state machine that runs, has ended, or never was."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ramp import net, tasks
from ramp.core.flag_document import OFF, Setting
from ramp.errors import LeftBehind
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
    return house.world().traffic.setting() == OFF


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


def broken(*_: Any, **__: Any) -> Any:
    """A call that AWS refuses for good."""
    raise RuntimeError("denied")


DENIED = [("table", "lock"), ("table", "ramp"), ("table", "put_command"), ("table", "put_word"), ("table", "request")]


@pytest.mark.parametrize(("adapter", "method"), DENIED)
def test_the_brake_puts_the_flag_off_whatever_else_is_denied(
    adapter: str, method: str, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flag's own document says whose it is; that something went wrong is no secret."""
    monkeypatch.setattr(getattr(house, adapter), method, broken)
    with pytest.raises(RuntimeError, match="denied"):
        net.brake(ALARM, house.world())
    assert is_off(house)


@pytest.mark.parametrize("event", [ALARM, {"by": "ada", "reason": "x", "ramp": RAMP}])
def test_a_promotion_is_not_taken_down_by_a_reading_that_failed(
    event: dict[str, Any], house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody on the candidate and nothing compared is what a promotion leaves."""
    house.flag.put(WHOLE, f"ramp {RAMP}")
    for method in ("lock", "ramp"):
        monkeypatch.setattr(house.table, method, broken)
    with pytest.raises(RuntimeError, match="denied"):
        net.brake(event, house.world())
    assert house.world().traffic.setting() == WHOLE


def test_a_last_step_that_is_compared_still_is_no_promotion(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A promotion ends the comparison, so this one is braked."""
    house.flag.put(replace(WHOLE, shadow={"ramp": RAMP, "step": 2, "sample_ppm": 1}), f"ramp {RAMP}")
    monkeypatch.setattr(house.table, "lock", broken)
    with pytest.raises(RuntimeError, match="denied"):
        net.brake(ALARM, house.world())
    assert is_off(house)


def test_another_ramps_flag_is_left_though_its_lock_cannot_be_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old page's button, on a bad day."""
    monkeypatch.setattr(house.table, "lock", broken)
    with pytest.raises(RuntimeError, match="denied"):
        net.brake({"by": "ada", "reason": "x", "ramp": "ramp-0"}, house.world())
    assert not is_off(house)


def test_a_word_that_cannot_be_kept_keeps_nobody_waiting(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The question ends, so that the ramp rolls back, and people are told."""
    house.table.ask(RAMP, "1-1", "token", house.clock(), look=(1, 1))
    house.executions.waiting.add("token")
    monkeypatch.setattr(house.table, "put_word", broken)
    with pytest.raises(RuntimeError, match="denied"):
        net.brake(ALARM, house.world())
    assert house.executions.outcomes["token"][0] == "failure"
    assert "pulled the brake" in house.notices.told[-1][1]


ENDED = {"detail": {"status": "ABORTED", "executionArn": ARN}}
UNREADABLE = [
    ("deadline", "names"),
    ("executions", "status"),
    ("table", "lock"),
    ("table", "ramp"),
    ("table", "acquire"),
    ("table", "put_command"),
    ("alias", "read"),
]


@pytest.mark.parametrize(("adapter", "method"), UNREADABLE)
def test_the_net_puts_the_flag_off_whatever_else_is_denied(
    adapter: str, method: str, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Word of the execution's end is enough; a failure is told, but for Step Functions, who need not be asked."""
    house.executions.statuses[ARN] = "ABORTED"
    monkeypatch.setattr(getattr(house, adapter), method, broken)
    try:
        net.cleanup(ENDED, house.world())
    except (RuntimeError, LeftBehind):
        assert house.notices.told[-1][0] == "huntaze-cleanup failed"
    else:
        assert method == "status"
    assert is_off(house)


def test_remains_that_cannot_be_removed_alarm_nobody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """People are told that traffic is back, and what is left."""
    house.executions.statuses[ARN] = "ABORTED"
    monkeypatch.setattr(house.deadline, "remove", broken)
    with pytest.raises(LeftBehind, match="something is left: denied"):
        net.cleanup(ENDED, house.world())
    assert "reads back at 0 %" in house.notices.told[-1][1]
    assert "Look at once" not in house.notices.told[-1][1]
    assert house.table.ramps[RAMP]["status"] == "rolled_back"


def test_another_executions_end_says_nothing_of_a_ramp_whose_lock_cannot_be_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second start was refused, while the table was down."""
    monkeypatch.setattr(house.table, "lock", broken)
    with pytest.raises(RuntimeError, match="denied"):
        net.cleanup({"detail": {"status": "FAILED", "executionArn": f"{ARN}-other"}}, house.world())
    assert not is_off(house)


def test_where_nobody_says_whether_a_ramp_runs_its_lease_does(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A healthy ramp renews it at every look; a person's word settles it sooner."""
    monkeypatch.setattr(house.executions, "status", broken)
    with pytest.raises(RuntimeError, match="denied"):
        net.cleanup({}, house.world())
    assert not is_off(house)
    with pytest.raises(RuntimeError, match="denied"):
        net.cleanup({"repair": True}, house.world())
    assert is_off(house)


def test_a_lease_that_has_run_out_is_nobodys_where_step_functions_is_silent(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daily rule does not wait for Step Functions."""
    monkeypatch.setattr(house.executions, "status", broken)
    house.clock.pass_seconds(3_700)
    with pytest.raises(RuntimeError, match="denied"):
        net.cleanup({}, house.world())
    assert is_off(house)


@pytest.mark.parametrize("method", ["lock", "ramp"])
def test_the_net_leaves_a_promotion_that_it_cannot_read_about(
    method: str, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between Promote and Clean Up, and a table that is down."""
    house.executions.statuses[ARN] = "ABORTED"
    house.table.ramps[RAMP]["status"] = "promoted"
    house.flag.put(WHOLE, f"ramp {RAMP}")
    monkeypatch.setattr(house.table, method, broken)
    with pytest.raises(RuntimeError, match="denied"):
        net.cleanup(ENDED, house.world())
    assert house.world().traffic.setting() == WHOLE


def test_a_flag_that_cannot_be_put_off_does_not_keep_the_alias_split() -> None:
    """The weights are Lambda's, and at its old version the alias serves control."""
    house = House(FakeMetrics(healthy))
    house.executions.statuses[ARN] = "RUNNING"
    plan = a_plan(lever="alias", candidate_version="2")
    state = tasks.prepare({"ramp": RAMP, "execution_arn": ARN, "plan": plan}, house.world())["ramp"]
    tasks.shift({"ramp": state | {"step": 1}}, house.world())
    assert not house.alias.read().is_whole
    house.flag.put = broken  # type: ignore[method-assign]  # AppConfig is denied
    with pytest.raises(RuntimeError, match="denied"):
        net.brake(ALARM, house.world())
    assert (house.alias.read().version, house.alias.read().weights) == ("1", {})


def test_the_clean_up_with_nothing_on_says_so() -> None:
    """The daily rule, most days."""
    assert net.cleanup({}, House(FakeMetrics(healthy)).world())["reason"] == "nothing is left behind"
