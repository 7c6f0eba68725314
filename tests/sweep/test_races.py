"""Brake, net and tasks at the same time, call by call."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sweep.races import Act, race
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
