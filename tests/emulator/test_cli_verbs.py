"""A real ramp on the local stack, led by the command: paused, resumed, advanced, undone; and what is left, mended."""

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ramp.adapters.table import Lock
from ramp.core.flag_document import OFF
from rampctl.session import Session

from tests.emulator.commands import ramp, told

pytestmark = pytest.mark.usefixtures("in_the_checkout")
WAIT_SECONDS = 60.0
# One shadow read is evidence enough, so that seconds of traffic pass the first step; the last one bakes on and on.
PLAN = {
    "gate": "fixed",
    "steps": [
        {"percent": 0, "bake_seconds": 2, "patience_seconds": 200},
        {"percent": 100, "bake_seconds": 300, "patience_seconds": 0},
    ],
    "look_seconds": 1,
    "shadow": {"budget_ms": 10000},
    "gates": {"min_requests": 1, "shadow_p95_ms_max": 10000, "latency_allowance_ms": 5000},
    "deadline_seconds": 10_800,
    "evidence": {"period_seconds": 1, "delay_seconds": 0},
}


def until(name: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The ramp once `condition` holds, but not for ever."""
    end = time.monotonic() + WAIT_SECONDS
    while not condition(found := told(name)):
        assert time.monotonic() < end, found["reason"]
        time.sleep(0.2)
    return found


def said(*arguments: str, code: int = 0) -> str:
    """What a command prints that ends with `code`."""
    result = ramp(*arguments)
    assert result.exit_code == code, result.output
    return result.stdout or result.stderr


def test_a_ramp_is_paused_resumed_advanced_and_undone(tmp_path: Path) -> None:
    """Each word is honoured at a look, kept with who said it, and the last of them takes everybody back."""
    plan, name = tmp_path / "plan.json", f"verbs-{uuid.uuid4().hex[:8]}"
    plan.write_text(json.dumps(PLAN))
    said("start", str(plan), "--name", name)
    until(name, lambda found: found["share_ppm"] is not None)
    assert "nothing goes on from the next look on" in said("pause", name, "--by", "ada", "--reason", "lunch")
    said("traffic", "--seconds", "6", "--rate", "4")
    paused = until(name, lambda found: found["reason"].startswith("ada (root) paused the ramp: lunch; shadow passed"))
    assert paused["step"] == 0
    assert "goes on at its next look" in said("resume", name, "--by", "ada")
    assert "is not paused" in said("resume", name, code=2)
    until(name, lambda found: found["step"] == 1 and found["share_ppm"] == 1_000_000)
    assert "the rest of the bake is skipped" in said("advance", name, "--by", "bob", "--reason", "seen enough")
    assert ramp("watch", name, "--limit", "60").exit_code == 0
    assert "bob (root) advanced the ramp: seen enough" in told(name)["reason"]
    assert "runs no more, it is promoted" in said("pause", name, code=2)
    assert "Traffic to the candidate reads back at 0 %" in said("undo", name, "--by", "eve", "--reason", "not today")
    session = Session.open(local=True)
    assert session.levers.read().setting == OFF
    assert told(name)["outcome"] == "promoted, then undone"
    assert "is undone already" in said("undo", name)
    words = [(word["verb"], word["by"], word["via"]) for word in session.table.words(name)]
    assert words == [
        ("pause", "ada (root)", "cli"),
        ("resume", "ada (root)", "cli"),
        ("advance", "bob (root)", "cli"),
        ("undo", "eve (root)", "cli"),
    ]
    (entry, *_) = session.table.listed(session.settings.adapter_flag)
    assert (entry["ramp"], entry["status"]) == (name, "undone")


def test_the_doctor_says_what_is_left_before_it_mends_it() -> None:
    """A lock of an execution that never was, past its lease, and a schedule of a ramp that never was."""
    session = Session.open(local=True)
    assert said("doctor") == "nothing is left behind\n"
    arn = f"{session.state_machine_arn.replace(':stateMachine:', ':execution:')}:ghost"
    session.table.acquire(session.settings.adapter_flag, Lock("ghost", arn), time.time() - 60, 1)
    found = said("doctor", code=1)
    assert "lock: prismaAdapter is held by ghost, which nobody runs any more" in found
    assert "would: put its traffic back on control unless it was promoted, and free the lock" in found
    mended = said("doctor", "--repair")
    assert mended.index("would:") < mended.index("done: ghost had ended without settling")
    assert json.loads(said("doctor", "--json")) == {"findings": []}
    assert session.table.lock(session.settings.adapter_flag) is None
