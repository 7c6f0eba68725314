"""The guards on the local stack: what Prepare asks about it, and a brake that AppConfig's monitors cannot undo."""

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local_stack.stack import Stack
from ramp.adapters.drift import Drift
from ramp.core.flag_document import OFF
from rampctl.session import Session

from tests.emulator.commands import ramp

GUARD = "huntaze-candidate-error-rate-gt-2pct"
# Nobody reads, so nobody is served: each step asks people after its first second.
PLAN = {
    "steps": [
        {"percent": 50, "bake_seconds": 60, "patience_seconds": 60},
        {"percent": 100, "bake_seconds": 1, "patience_seconds": 0},
    ],
    "look_seconds": 1,
    "deadline_seconds": 10_800,
    "evidence": {"period_seconds": 1, "delay_seconds": 0},
}


@pytest.fixture
def session(in_the_checkout: None) -> Session:
    return Session.open(local=True)


@pytest.fixture
def monitored(local_stack: Stack, session: Session) -> Iterator[Any]:
    """The environment with the candidate's alarm as its monitor, as MonitorFlags=true makes it."""
    settings, appconfig = session.settings, local_stack.client("appconfig")
    where = {"ApplicationId": settings.application, "EnvironmentId": settings.environment}
    alarm = local_stack.client("cloudwatch").describe_alarms(AlarmNames=[GUARD])["MetricAlarms"][0]
    appconfig.update_environment(**where, Monitors=[{"AlarmArn": alarm["AlarmArn"]}])
    yield lambda: appconfig.get_environment(**where)["Monitors"]
    appconfig.update_environment(**where, Monitors=[])


def test_the_stack_that_runs_is_settled_and_its_guards_are_those_of_the_template(session: Session) -> None:
    """As Prepare Ramp asks, with the clients of the session."""
    world = session.world
    assert world.stack.status() in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    assert world.stack.drift() == Drift()
    assert world.stack.code_deploy() is None
    guards = world.guards.read(time.time())
    assert [guard.name for guard in guards] == list(session.settings.alarms)
    assert all(guard.acts for guard in guards)


def test_a_red_monitored_alarm_does_not_keep_users_on_the_candidate(
    local_stack: Stack, session: Session, monitored: Any, tmp_path: Path
) -> None:
    """The brake's own deployment would be rolled back by AppConfig otherwise; the monitors are there afterwards."""
    plan, name = tmp_path / "plan.json", f"guards-{uuid.uuid4().hex[:8]}"
    plan.write_text(json.dumps(PLAN))
    assert ramp("start", str(plan), "--name", name).exit_code == 0
    end = time.monotonic() + 30
    while session.levers.read().share_ppm != 500_000:
        assert time.monotonic() < end, "traffic was never shifted"
        time.sleep(0.2)
    before = monitored()
    local_stack.client("cloudwatch").set_alarm_state(AlarmName=GUARD, StateValue="ALARM", StateReason="the test")
    watched = ramp("watch", name, "--limit", "60")
    assert watched.exit_code == 1, watched.output
    assert session.levers.read().setting == OFF
    assert monitored() == before != []
