"""What guards a ramp, changed by hand on the local stack: nobody detects drift, and no ramp starts all the same."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from local_stack.stack import Stack
from rampctl.exits import Exit
from rampctl.session import Session

from tests.emulator.commands import ramp, told
from tests.emulator.test_guards import PLAN
from tests.emulator.test_preflight import changed_alarm

BRAKE, RAMP_ENDED, ALARMS = "huntaze-ramp-brake", "huntaze-ramp-ended", "alarms"
START_SECONDS = 30.0


def lax_alarm(stack: Stack) -> AbstractContextManager[None]:
    """Somebody was woken once too often."""
    return changed_alarm(stack, lambda alarm: alarm | {"Threshold": 0.5}, "OK")


@contextmanager
def disabled_rule(stack: Stack) -> Iterator[None]:
    """The one that finds a ramp that ended badly."""
    events = stack.client("events")
    events.disable_rule(Name=RAMP_ENDED)
    yield
    events.enable_rule(Name=RAMP_ENDED)


@contextmanager
def removed_permission(stack: Stack) -> Iterator[None]:
    """An alarm's topic may pull the brake no more."""
    functions = stack.client("lambda")
    policy = json.loads(functions.get_policy(FunctionName=BRAKE)["Policy"])
    statement = next(each for each in policy["Statement"] if each["Principal"] == {"Service": "sns.amazonaws.com"})
    functions.remove_permission(FunctionName=BRAKE, StatementId=statement["Sid"])
    yield
    functions.add_permission(
        FunctionName=BRAKE,
        StatementId=statement["Sid"],
        Action=statement["Action"],
        Principal="sns.amazonaws.com",
        SourceArn=statement["Condition"]["ArnLike"]["AWS:SourceArn"],
    )


@pytest.fixture
def session(in_the_checkout: None) -> Session:
    return Session.open(local=True)


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (lax_alarm, "ErrorRateAlarm MODIFIED in /Threshold"),
        (disabled_rule, "CleanupFunctionRampEnded MODIFIED in /State"),
        (removed_permission, "BrakeFunctionAlarmPermission DELETED"),
    ],
    ids=["an alarm made lax", "a rule put off", "a permission taken away"],
)
def test_a_guard_that_was_changed_by_hand_is_found_by_whoever_starts_a_ramp(
    plant: Callable[[Stack], AbstractContextManager[None]],
    said: str,
    local_stack: Stack,
    session: Session,
    tmp_path: Path,
) -> None:
    """Nobody has run a detection, which is no sign of health."""
    plan, name = tmp_path / "plan.json", f"drift-{uuid.uuid4().hex[:8]}"
    plan.write_text(json.dumps(PLAN))
    with plant(local_stack):
        started = ramp("start", str(plan), "--name", name)
    assert started.exit_code == Exit.BAD_PLAN, started.output
    assert said in told(name)["reason"]
    assert said in started.stderr
    assert session.world.stack.drift().found == {}


def test_a_plan_that_acknowledges_the_drift_starts_its_ramp(
    local_stack: Stack, session: Session, tmp_path: Path
) -> None:
    """By preflight's word for the guard, which is the one of the refusal."""
    plan, name = tmp_path / "plan.json", f"drift-{uuid.uuid4().hex[:8]}"
    plan.write_text(json.dumps(PLAN | {"acknowledged_drift": ["ErrorRateAlarm"]}))
    with lax_alarm(local_stack):
        (found,) = (
            each for each in json.loads(ramp("preflight", "--json").stdout)["findings"] if each["name"] == ALARMS
        )
        ramp("start", str(plan), "--name", name)
        end = time.monotonic() + START_SECONDS
        while session.levers.read().share_ppm == 0:
            assert time.monotonic() < end, told(name)["reason"]
            time.sleep(0.2)
        assert ramp("abort", name, "--reason", "the test has seen it start").exit_code == 0
    assert "not as deployed: ErrorRateAlarm MODIFIED in /Threshold" in found["found"]
    assert ramp("watch", name).exit_code == Exit.ROLLED_BACK
