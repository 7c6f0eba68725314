"""The ramps that are swept: every task of a promoted and of a rolled-back one, a question, the brake and the net."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

from ramp.core.evidence import ArmCounts, Evidence
from ramp.core.verdict import Verb

from tests.statemachine.ramp_run import failing_at, healthy
from tests.sweep.stage import Script, Stage

CANARY = 1
SETTLES_AFTER = 1_000.0  # seconds of the canary: between the first look that asks and the next


def _at_the_canary(stage: Stage) -> bool:
    return any(moment.what == "step" and moment.step == CANARY for moment in stage.history)


def _at_canary_bakes(*acts: Any) -> Any:
    """Do these one after the other, each at a bake of the canary."""

    def baking(stage: Stage) -> None:
        if stage.acted < len(acts) and _at_the_canary(stage):
            stage.acted += 1
            stage.acted_at = stage.acted_at or len(stage.calls)
            acts[stage.acted - 1](stage)

    return baking


def _approve(stage: Stage) -> None:
    stage.answer("approve")


def _reject(stage: Stage) -> None:
    stage.answer("reject")


def _late(word: str) -> Any:
    """Answer through a link, between two tokens."""

    def asked(stage: Stage) -> None:
        stage.tokens_time_out()
        stage.acted_at = stage.acted_at or len(stage.calls)
        stage.answer(word, via="link")

    return asked


def _pause(stage: Stage) -> None:
    stage.say(Verb.PAUSE)


def _resume(stage: Stage) -> None:
    stage.say(Verb.RESUME)


def _advance(stage: Stage) -> None:
    stage.say(Verb.ADVANCE)


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


def a_certified_plan(lever: str) -> dict[str, Any]:
    """The same by certificates and proofs: its first look sets the limit of slowness into the flag."""
    plan = a_plan(lever, asks=False)
    steps = [{**plan["steps"][0], "bake_seconds": 120}, *plan["steps"][1:]]
    return {
        **plan,
        "gate": "sequential",
        "steps": [{**step, "patience_seconds": 1800} for step in steps],
        "gates": {
            "error_percent_max": 20,
            "mismatch_go_percent": 10,
            "mismatch_investigate_percent": 20,
            "latency_allowance_ms": 3000,
        },
    }


def _sound(step: int, seconds: float) -> Evidence:
    """Two thousand requests certify these limits; control is the slower one."""
    evidence = healthy(step, seconds)

    def slow(arm: ArmCounts, every: int) -> ArmCounts:
        return replace(arm, slow=arm.requests // every)

    return replace(
        evidence,
        control=slow(evidence.control, 5),
        candidate=slow(evidence.candidate, 20),
        shadow=slow(evidence.shadow, 20),
    )


def _failing(step: int, seconds: float) -> Evidence:
    """Every other read of the canary fails where control answers."""
    evidence = _sound(step, seconds)
    if step != CANARY:
        return evidence
    failed = evidence.candidate.requests // 2
    return replace(evidence, candidate=replace(evidence.candidate, errors=failed, discordant_errors=failed))


def scripts(lever: str) -> dict[str, Script]:
    """By name, with the ending of the run without a fault in mind."""
    plain, asking, certified = a_plan(lever, asks=False), a_plan(lever, asks=True), a_certified_plan(lever)
    found = (
        Script("promoted, asked", asking, healthy, asked=_approve),
        Script("rolled back by a no", asking, healthy, asked=_reject, swept_from="brake"),
        Script("approved between two tokens", asking, healthy, asked=_late("approve")),
        Script("rejected between two tokens", asking, healthy, asked=_late("reject")),
        Script(
            "rolled back by evidence", plain, failing_at(CANARY), unsound=frozenset({CANARY}), swept_from="roll_back"
        ),
        Script("promoted by certificates", certified, _sound),
        Script("rolled back by proof", certified, _failing, unsound=frozenset({CANARY}), swept_from="roll_back"),
        Script("braked by an alarm", plain, healthy, baking=_at_canary_bakes(Stage.alarm)),
        Script("aborted while asking", asking, healthy, asked=Stage.abort, swept_from="brake"),
        Script("braked by the deadline", plain, healthy, baking=_at_canary_bakes(_deadline)),
        Script("stopped in the console", plain, healthy, baking=_at_canary_bakes(Stage.stop)),
        Script(
            "stopped unheard, then the doctor",
            plain,
            healthy,
            baking=_at_canary_bakes(Stage.stop_unheard),
            afterwards=Stage.doctor,
        ),
        Script("paused and resumed", plain, healthy, baking=_at_canary_bakes(_pause, _resume)),
        Script("advanced", plain, healthy, baking=_at_canary_bakes(_advance)),
        Script("promoted, then undone", plain, healthy, afterwards=Stage.undo, swept_from="cleanup"),
    )
    return {script.name: script for script in found}


def questions(lever: str) -> dict[str, Script]:
    """Ramps whose question nobody answers, unless somebody else does: it settles, grows by a cause, or times out."""
    plain, asking = a_plan(lever, asks=False), a_plan(lever, asks=True)
    settling, growing = _differing(until=SETTLES_AFTER), _differing(slow_from=SETTLES_AFTER)
    found = (
        Script("its question settles", plain, settling, swept_from="ask"),
        Script("its question grows", plain, growing, unsound=frozenset({CANARY}), swept_from="ask"),
        Script("nobody answers", asking, healthy, swept_from="ask"),
    )
    return {script.name: script for script in found}


def _differing(until: float = inf, slow_from: float = inf) -> Any:
    """At the canary every other answer differs, for so many seconds, and from some second on every read is slow."""

    def observe(step: int, seconds: float) -> Evidence:
        evidence = healthy(step, seconds)
        arm = evidence.candidate
        if step != CANARY or seconds >= until:
            return evidence
        p95_ms = 5_000.0 if seconds >= slow_from else arm.p95_ms
        return replace(evidence, candidate=replace(arm, mismatches=arm.comparisons // 2, p95_ms=p95_ms))

    return observe
