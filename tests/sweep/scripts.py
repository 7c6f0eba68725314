"""The ramps that are swept: every task of a promoted and of a rolled-back one, a question, the brake and the net."""

from __future__ import annotations

from typing import Any

from tests.statemachine.ramp_run import failing_at, healthy
from tests.sweep.stage import Script, Stage

CANARY = 1


def _at_the_canary(stage: Stage) -> bool:
    return any(moment.what == "step" and moment.step == CANARY for moment in stage.history)


def _once(name: str, act: Any) -> Any:
    """Do something at the first bake of the canary."""

    def baking(stage: Stage) -> None:
        if _at_the_canary(stage) and name not in stage.failures:
            stage.failures.append(name)
            act(stage)

    return baking


def _approve(stage: Stage) -> None:
    stage.answer("approve")


def _reject(stage: Stage) -> None:
    stage.answer("reject")


def _deadline(stage: Stage) -> None:
    stage.deliver("cleanup", {"deadline_of": stage.ramp})


def a_plan(lever: str, *, asks: bool) -> dict[str, Any]:
    """Shadow, 10 %, everybody; the canary bakes for two looks, and may ask."""
    return {
        "gate": "fixed",
        "lever": lever,
        "candidate_version": "2" if lever == "alias" else "",
        "steps": [
            {"percent": 0, "bake_seconds": 60},
            {"percent": 10, "bake_seconds": 120, "approval": asks},
            {"percent": 100, "bake_seconds": 60},
        ],
        "approvals": {"timeout_seconds": 2700},
    }


def scripts(lever: str) -> dict[str, Script]:
    """By name, with the ending of the run without a fault in mind."""
    plain, asking = a_plan(lever, asks=False), a_plan(lever, asks=True)
    found = (
        Script("promoted, asked", asking, healthy, asked=_approve),
        Script("rolled back by a no", asking, healthy, asked=_reject, swept_from="roll_back"),
        Script(
            "rolled back by evidence", plain, failing_at(CANARY), unsound=frozenset({CANARY}), swept_from="roll_back"
        ),
        Script("braked by an alarm", plain, healthy, baking=_once("alarm", Stage.alarm), swept_from="brake"),
        Script("aborted while asking", asking, healthy, asked=Stage.abort, swept_from="brake"),
        Script("braked by the deadline", plain, healthy, baking=_once("deadline", _deadline), swept_from="cleanup"),
        Script("stopped in the console", plain, healthy, baking=_once("stop", Stage.stop), swept_from="cleanup"),
    )
    return {script.name: script for script in found}
