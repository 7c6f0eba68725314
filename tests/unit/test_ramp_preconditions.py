"""What Prepare Ramp refuses, each by itself, and that a sound world is not refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ramp import code_deploy, tasks
from ramp.adapters.alias_lever import AliasPosition
from ramp.adapters.drift import Drift
from ramp.adapters.metrics import History
from ramp.adapters.table import Lock
from ramp.core.bucket import Bucket
from ramp.core.flag_document import Setting
from ramp.core.plan import Plan
from ramp.core.verdict import Action
from ramp.preconditions import unmet
from rampctl.rehearsal.fakes import FakeMetrics, House

from tests.statemachine.ramp_run import ARN, RAMP, a_plan, healthy

BUSY = History((Bucket(0, 60, -1, control_requests=500),))


@pytest.fixture
def house() -> House:
    return House(FakeMetrics(healthy))


def found(house: House, plan: dict[str, Any] | None = None, history: History = BUSY) -> list[str]:
    return unmet(Plan.parse(plan or a_plan()), RAMP, house.world(), history)


def alias_plan() -> dict[str, Any]:
    return a_plan(lever="alias", candidate_version="2")


def test_nothing_stands_in_the_way_of_a_ramp_in_a_sound_world(house: House) -> None:
    assert found(house) == []
    assert found(house, alias_plan()) == []


FAULTS: dict[str, tuple[Callable[[House], object], str]] = {
    "a deploy of the stack": (lambda house: setattr(house.stack, "state", "UPDATE_IN_PROGRESS"), "is not settled"),
    "a stack left half done": (lambda house: setattr(house.stack, "state", "UPDATE_ROLLBACK_FAILED"), "is not settled"),
    "a code deploy": (lambda house: setattr(house.stack, "deploying", "d-1"), "a code deploy is in flight"),
    "drift": (
        lambda house: setattr(house.stack, "drifted", Drift({"ErrorRateAlarm": "MODIFIED in /Threshold"})),
        "got ErrorRateAlarm MODIFIED in /Threshold, expected no difference",
    ),
    "drift that nobody can tell": (
        lambda house: setattr(house.stack, "drifted", Drift(unknown="another detection runs")),
        "cannot be compared with the template, got another detection runs",
    ),
    "a split alias": (
        lambda house: setattr(house.alias, "position", AliasPosition("1", {"2": 10_000}, "r")),
        "is split",
    ),
    "a red alarm": (lambda house: house.metrics.states.update({"huntaze-lambda-error-rate-gt-2pct": "ALARM"}), "ALARM"),
    "a missing alarm": (lambda house: house.metrics.states.update({"huntaze-x": "MISSING"}), "got MISSING"),
    "a toothless alarm": (lambda house: setattr(house.guards, "acts", False), "pulls no brake"),
    "a deaf alarm": (
        lambda house: setattr(house.guards, "silent", ("Errors of F=x",)),
        "no datapoint of Errors of F=x",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_ramp_is_refused_and_told_why(name: str, house: House) -> None:
    """Before anything is touched: no lock, no record, no schedule."""
    plant, said = FAULTS[name]
    plant(house)
    faults = found(house)
    assert faults
    assert all(said in fault or "huntaze" in fault for fault in faults)
    assert any(said in fault for fault in faults)
    if name != "a deaf alarm":  # which shows in a day with requests only
        output = tasks.prepare({"ramp": RAMP, "execution_arn": ARN, "plan": a_plan()}, house.world())
        assert output["verdict"]["action"] == Action.REFUSE
        assert not house.table.locks
        assert not house.deadline.schedules


def test_a_ramp_starts_beside_drift_that_its_plan_acknowledges(house: House) -> None:
    """By name: any other guard that differs still stands in its way."""
    house.stack.drifted = Drift({"ErrorRateAlarm": "MODIFIED in /Threshold", "AlarmTopic": "was not compared"})
    (fault,) = found(house, a_plan(acknowledged_drift=["ErrorRateAlarm"]))
    assert "got AlarmTopic was not compared, expected no difference" in fault
    assert found(house, a_plan(acknowledged_drift=["ErrorRateAlarm", "AlarmTopic"])) == []


def test_a_second_start_is_told_who_has_the_flag_and_not_to_repair_it(house: House) -> None:
    """That the flag is on follows from the ramp that runs."""
    house.flag.put(Setting({"ramp": "ramp-0", "step": 1, "share_ppm": 100_000}, None), "ramp ramp-0")
    assert "ramp doctor --repair puts it off" in found(house)[0]
    house.table.acquire("prismaAdapter", Lock("ramp-0", "arn:0"), house.clock(), 60)
    assert found(house) == ["flag: prismaAdapter is moved by another ramp, got ramp-0, expected none running"]


def test_a_quiet_night_is_no_deaf_alarm(house: House) -> None:
    """Without requests nothing reports, and nothing follows from it."""
    house.guards.silent = ("Errors of F=x",)
    assert found(house, history=History()) == []


def test_provisioned_concurrency_stands_in_the_way_of_weights_only(house: House) -> None:
    """The flag lever leaves the alias alone."""
    house.alias.kept_warm = 5
    assert found(house) == []
    (fault,) = found(house, alias_plan())
    assert "has provisioned concurrency, got 5" in fault


HOOK = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "h-1"}


def test_a_code_deploy_is_refused_while_a_ramp_moves_traffic_and_people_are_told(house: House) -> None:
    tasks.prepare({"ramp": RAMP, "execution_arn": ARN, "plan": a_plan()}, house.world())
    answered = code_deploy.before_code_deploy(HOOK, house.world())
    assert (answered["outcome"], house.stack.answered) == ("refused", {"d-1": False})
    subject, message = house.notices.told[-1]
    assert subject == "Code deploy d-1 refused"
    assert f"the ramp {RAMP} is moving traffic" in message


def test_a_code_deploy_goes_on_when_no_ramp_runs(house: House) -> None:
    answered = code_deploy.before_code_deploy(HOOK, house.world())
    assert (answered["outcome"], house.stack.answered) == ("allowed", {"d-1": True})
    assert not house.notices.told
