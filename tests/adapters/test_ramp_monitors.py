"""AppConfig's monitors around a settling: off for it, on again after it, and never in its way."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from ramp.adapters.flag_lever import FlagLever, FlagLocation
from ramp.adapters.monitors import DESCRIPTION_MAX, KEPT, Monitors
from ramp.core.flag_document import OFF
from ramp.traffic import Traffic
from rampctl.rehearsal.fakes import NAMES, Clock, FakeAliasLever

from tests.adapters.appconfig import CANARY
from tests.sweep.memory.appconfig import APPLICATION, ENVIRONMENT, PROFILE, STRATEGY
from tests.sweep.memory.aws import Aws
from tests.sweep.memory.errors import refusal

ALARM = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:huntaze-lambda-error-rate-gt-2pct"


def at_canary() -> tuple[Traffic, Monitors, Aws]:
    """Traffic on an AppConfig in this process, which has monitors as the emulator has none."""
    clock = Clock(0.0)
    aws = Aws(clock, clock.pass_seconds)
    where = FlagLocation(APPLICATION, ENVIRONMENT, PROFILE, STRATEGY)
    clients: Any = aws
    appconfig = clients.client("appconfig")
    flag = FlagLever(appconfig, clients.client("appconfigdata"), where, NAMES, aws.sleep)
    flag.put(CANARY, "ramp ramp-1")
    monitors = Monitors(appconfig, APPLICATION, ENVIRONMENT)
    return Traffic(flag, FakeAliasLever(), monitors), monitors, aws


def dying(call: Any, effect: Any) -> Any:
    """From here on nothing can be put back."""
    if call.operation == "UpdateEnvironment" and call.given["Monitors"]:
        raise refusal("appconfig", "UpdateEnvironment", "AccessDeniedException")
    return effect()


def test_monitors_that_cannot_be_put_back_are_found_and_put_back_later() -> None:
    """Users are back by then: a settling does not fail for it."""
    traffic, monitors, aws = at_canary()
    watched = list(aws.appconfig.monitors)
    assert not monitors.are_left_off()
    aws.around = dying
    assert traffic.settle("ramp-1", None).setting == OFF
    assert (aws.appconfig.monitors, monitors.are_left_off()) == ([], True)
    aws.around = lambda _, effect: effect()
    monitors.put_back()
    assert (aws.appconfig.monitors, monitors.are_left_off()) == (watched, False)
    assert aws.appconfig.description == "production"


@pytest.mark.parametrize("edited", ["[{", "see the wiki", "[" * 900, '{"AlarmArn": 7}'])
def test_a_record_of_monitors_that_somebody_has_edited_keeps_nobody_on_the_candidate(edited: str) -> None:
    """Brake, Roll Back and huntaze-cleanup go by here: users are back, and the doctor says what is amiss."""
    traffic, monitors, aws = at_canary()
    aws.appconfig.monitors, aws.appconfig.description = [], f"production{KEPT}{edited}"
    assert traffic.settle("ramp-1", None).setting == OFF
    assert monitors.are_left_off()


def test_monitors_too_many_to_keep_are_taken_off_all_the_same_and_missed_if_the_task_dies(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With them on, a red alarm would take users back to the candidate; that they were there is kept, and logged."""
    traffic, monitors, aws = at_canary()
    many = [{"AlarmArn": f"{ALARM}-{number}", "AlarmRoleArn": "arn:" + "r" * 200} for number in range(5)]
    aws.appconfig.monitors = [dict(monitor) for monitor in many]
    caplog.set_level(logging.WARNING)
    assert traffic.settle("ramp-1", None).setting == OFF
    assert (aws.appconfig.monitors, aws.appconfig.description) == (many, "production")
    assert "monitors are kept in no description" in caplog.text
    aws.around = dying
    with monitors.off():
        assert aws.appconfig.monitors == []
    assert monitors.are_left_off()
    assert len(aws.appconfig.description) <= DESCRIPTION_MAX


def test_a_description_that_is_full_already_is_left_as_it_is() -> None:
    """Whoever wrote it filled it to the last letter."""
    traffic, _, aws = at_canary()
    watched, full = list(aws.appconfig.monitors), "x" * DESCRIPTION_MAX
    aws.appconfig.description = full
    assert traffic.settle("ramp-1", None).setting == OFF
    assert (aws.appconfig.monitors, aws.appconfig.description) == (watched, full)
