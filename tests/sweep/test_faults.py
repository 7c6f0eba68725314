"""Every call to AWS × every kind of fault, over every script and both levers; `make test` takes a share of them.

What it found is counted at the end of the run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sweep.faults import KINDS
from tests.sweep.invariants import monitors_are_as_they_were
from tests.sweep.scripts import scripts
from tests.sweep.sweeping import WHOLE, Count, Share, faults_of, played, struck, sweep, without_a_fault

EVERY = 23  # of tens of thousands; a prime, so that no kind of call escapes
ENDINGS = {
    "promoted, asked": "promoted",
    "rolled back by a no": "RolledBack",
    "approved between two tokens": "promoted",
    "rejected between two tokens": "RolledBack",
    "rolled back by evidence": "RolledBack",
    "promoted by certificates": "promoted",
    "rolled back by proof": "RolledBack",
    "braked by an alarm": "RolledBack",
    "aborted while asking": "RolledBack",
    "braked by the deadline": "RolledBack",
    "stopped in the console": "ABORTED",
    "stopped unheard, then the doctor": "ABORTED",
    "paused and resumed": "promoted",
    "advanced": "promoted",
    "promoted, then undone": "undone",
}
CASES = [(lever, script, kind) for lever in ("flag", "alias") for script in scripts(lever) for kind in KINDS]
Tell = Callable[[str, object], None]


def check(lever: str, script: str, kind: str, share: Share, record_property: Tell) -> None:
    """Sweep, tell the count, and fail on the first broken promise."""
    count = Count()
    sweep(scripts(lever)[script], KINDS[kind], count, share)
    record_property("sweep", [count.faults, dict(count.endings), len(count.violations)])
    assert not count.violations, "\n".join(count.violations)


@pytest.mark.parametrize("lever", ["flag", "alias"])
def test_without_a_fault_each_script_ends_as_its_name_says(lever: str) -> None:
    """What the faults strike is what it seems to be, and then every promise holds too."""
    for name, script in scripts(lever).items():
        stage, found = played(script)
        assert found == []
        execution, record = stage.executions[stage.ramp], stage.item(f"ramp#{stage.ramp}", "ramp") or {}
        ended = record["status"] if execution.status == "SUCCEEDED" else execution.error or execution.status
        assert ended == ENDINGS[name], execution


@pytest.mark.parametrize(("lever", "script", "kind"), CASES)
def test_a_ramp_ends_safe_whatever_befalls_a_call_in_some_twenty(
    lever: str, script: str, kind: str, record_property: Tell
) -> None:
    """Each case begins elsewhere, so that together they meet every call."""
    check(lever, script, kind, Share(EVERY, hash_of(lever, script, kind) % EVERY), record_property)


def test_monitors_are_as_they_were_whoever_dies() -> None:
    """Settling takes the alarms off the environment, lest AppConfig roll it back, and puts them on again."""
    script, kind = scripts("flag")["rolled back by evidence"], KINDS["execution and task killed after its effect"]
    plain = without_a_fault(script)
    for fault in faults_of(plain, kind):
        stage, _ = struck(plain, fault)
        assert monitors_are_as_they_were(stage) == []


@pytest.mark.long
@pytest.mark.parametrize(("lever", "script", "kind"), CASES)
def test_a_ramp_ends_safe_whatever_befalls_any_call(lever: str, script: str, kind: str, record_property: Tell) -> None:
    """All of them."""
    check(lever, script, kind, WHOLE, record_property)


def hash_of(*words: Any) -> int:
    """The same on every machine, unlike `hash`."""
    return sum(ord(letter) for word in words for letter in word)
