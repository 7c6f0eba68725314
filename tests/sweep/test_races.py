"""Brake, net and tasks at the same time, call by call."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sweep.races import Act, overtakings, race
from tests.sweep.scripts import scripts
from tests.sweep.stage import Stage

ACTS: dict[str, Act] = {"an alarm": Stage.alarm, "StopExecution": Stage.stop}
MEETINGS = [
    (lever, script, function, act)
    for lever in ("flag", "alias")
    for script, function in (
        ("promoted, asked", "shift"),
        ("promoted, asked", "promote"),
        ("rolled back by a no", "roll_back"),
    )
    for act in ACTS
]
EVERY = 211


@pytest.mark.parametrize(("lever", "script", "function", "act"), MEETINGS)
def test_two_at_once_end_safe(
    lever: str, script: str, function: str, act: str, record_property: Callable[[str, object], None]
) -> None:
    """One pair in some two hundred; `make sweep` takes all."""
    check(lever, script, function, act, EVERY, record_property)


@pytest.mark.parametrize("lever", ["flag", "alias"])
def test_a_clean_up_that_is_overtaken_at_any_call_leaves_the_next_ramp_alone(
    lever: str, record_property: Callable[[str, object], None]
) -> None:
    """A person has taken its lock: it frees nothing, and takes nobody back who is not its own ramp's."""
    count = overtakings(scripts(lever)["stopped in the console"])
    record_property("sweep", [count.faults, dict(count.endings), len(count.violations)])
    assert count.faults > 0
    assert not count.violations, "\n".join(count.violations)


@pytest.mark.long
@pytest.mark.parametrize(("lever", "script", "function", "act"), MEETINGS)
def test_any_two_at_once_end_safe(
    lever: str, script: str, function: str, act: str, record_property: Callable[[str, object], None]
) -> None:
    """All pairs."""
    check(lever, script, function, act, 1, record_property)


def check(
    lever: str, script: str, function: str, act: str, every: int, record_property: Callable[[str, object], None]
) -> None:
    """Race, tell the count, fail on a broken promise."""
    count = race(scripts(lever)[script], function, ACTS[act], every)
    record_property("sweep", [count.faults, dict(count.endings), len(count.violations)])
    assert not count.violations, "\n".join(count.violations)
