"""Whole rehearsals: the real machine, tasks, gate and brake in a simulated world."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from ramp.core.planner import Traffic
from rampctl.exits import Exit
from rampctl.rehearsal import drawing, many, timeline
from rampctl.rehearsal.arm import Arm
from rampctl.rehearsal.scenario import parse
from rampctl.rehearsal.scene import Scene
from rampctl.rehearsal.stage import Played, play

ROOT = Path(__file__).parents[2]
DEFINITION = json.loads((ROOT / "statemachine" / "ramp.asl.json").read_text())
TOKEN_SECONDS = DEFINITION["States"]["Ask For Decision"]["TimeoutSeconds"]
PLAN = {
    "steps": [
        {"percent": 0, "bake_seconds": 900},
        {"percent": 10, "bake_seconds": 900},
        {"percent": 100, "bake_seconds": 900},
    ]
}


def scene(candidate: str = "", control: str = "", *, plan: Any = PLAN, **changes: Any) -> Scene:
    """A ramp of three quarters of an hour at 20 requests a second by 2,000 users."""
    arms = Arm(200, parse("control", control)), Arm(200, parse("candidate", candidate))
    return Scene(plan, Traffic(20, 2_000), *arms, **changes)


def rehearsed(candidate: str = "", control: str = "", seed: int = 1, **changes: Any) -> Played:
    """One run of it."""
    return play(scene(candidate, control, **changes), DEFINITION, seed)


def test_a_healthy_ramp_is_promoted() -> None:
    """Nobody asked; what the candidate failed, control answered."""
    played = rehearsed()
    found = timeline.facts(played)
    assert played.ramp.code is Exit.PROMOTED, played.ramp.reason
    assert (found["questions"], played.ramp.step) == ([], 2)
    assert found["failures_users_saw"] <= 1
    assert [line.word for line in timeline.moments(played) if line.word != "EXTEND"] == [
        "ADVANCE",
        "ADVANCE",
        "PROMOTE",
    ]


@pytest.mark.parametrize(
    ("candidate", "step"),
    [("errors=10%", 0), ("down", 0), ("live-errors=20%", 1), ("errors=10%@20m", 1), ("outage=10m@40m", 2)],
)
def test_a_candidate_that_fails_is_rolled_back(candidate: str, step: int) -> None:
    """At the step at which it begins to."""
    played = rehearsed(candidate, guarded=False)
    assert played.ramp.code is Exit.ROLLED_BACK, played.ramp.reason
    assert played.ramp.step == step
    assert "failed where control answered" in played.ramp.reason


@pytest.mark.parametrize("candidate", ["mismatch=5%", "latency=+60%"])
@pytest.mark.parametrize(
    ("answer", "end"), [("approve", "promoted"), ("reject", "rolled back"), ("none", "rolled back")]
)
def test_what_is_for_people_to_judge_is_asked_and_the_answer_counts(candidate: str, answer: str, end: str) -> None:
    """Silence ends on the safe side."""
    plan = {**PLAN, "approvals": {"timeout_seconds": 3_600}}
    played = rehearsed(candidate, plan=plan, answer=answer, answer_seconds=600)
    assert played.ramp.outcome == end, played.ramp.reason
    assert played.asked


def test_an_outage_of_both_arms_is_no_fault_of_the_candidate() -> None:
    """The gate counts what failed where control answered; the alarms, which do not, are off."""
    assert rehearsed("outage=5m@20m", "outage=5m@20m", guarded=False).ramp.code is Exit.PROMOTED


def test_a_guard_pulls_the_brake_between_two_looks() -> None:
    """Users leave the candidate at the fifth minute at the latest, and the ramp ends as the alarm's."""
    played = rehearsed("live-errors=100%@20m", plan={**PLAN, "look_seconds": 900})
    assert "huntaze-candidate-error-rate-gt-2pct aborted the ramp" in played.ramp.reason
    last, off = played.moves[-2:]
    assert last[1].share > 0
    assert off[1].share == 0
    assert 20 * 60 <= off[0] <= 25 * 60


def test_without_fallback_users_see_what_the_candidate_fails() -> None:
    """With it, they do not."""
    seen = [
        timeline.facts(rehearsed("live-errors=20%", plan={**PLAN, "routing": {"fallback": fallback}}))
        for fallback in (True, False)
    ]
    assert seen[0]["failures_users_saw"] == 0
    assert seen[1]["failures_users_saw"] == seen[1]["candidate_failures"] > 0


def test_without_traffic_nothing_is_promoted() -> None:
    """Absence of evidence is no pass: people are asked, and their silence rolls back."""
    played = play(Scene(PLAN, Traffic(0, 1), Arm(200), Arm(200)), DEFINITION, 1)
    assert played.ramp.code is Exit.ROLLED_BACK
    assert "did not suffice" in played.ramp.reason


def test_the_same_seed_is_the_same_ramp_and_another_seed_another() -> None:
    """To the last count."""
    facts = [timeline.facts(rehearsed("errors=1%", seed=seed)) for seed in (1, 1, 2)]
    assert facts[0] == facts[1]
    assert facts[0]["requests"] != facts[2]["requests"]


def test_days_pass_in_seconds() -> None:
    """Each look is where the plan's looks are, and no clock of this machine is waited for."""
    plan = {"steps": [{"percent": 0, "bake_seconds": 86_400}, {"percent": 100, "bake_seconds": 86_400}]}
    began = time.perf_counter()
    played = play(scene(plan=plan, guarded=False), DEFINITION, 1)
    assert time.perf_counter() - began < 15
    assert 2 * 86_400 <= played.seconds < 2 * 86_400 + 2 * 900
    assert played.looks[0]["at"] == 60


@pytest.mark.parametrize("candidate", ["", "live-errors=20%", "mismatch=5%", "latency=+60%", "live-errors=100%@20m"])
def test_a_run_of_many_ends_as_the_machine_ends_it(candidate: str) -> None:
    """Where looks are as long as periods, both see the same counts at the same moments."""
    drama = scene(candidate, plan={**PLAN, "look_seconds": 60}, answer="approve", answer_seconds=0)
    played, ending = play(drama, DEFINITION, 3), many.end(drama, TOKEN_SECONDS, 3)
    counted = played.simulation.counted()
    assert ending == (
        played.ramp.outcome,
        played.seconds,
        counted["candidate_errors"],
        counted["candidate_user_errors"],
        len(played.asked),
        len(played.asked),
    )


@pytest.mark.parametrize("name", ["ramp.svg", "ramp.png"])
def test_the_picture_is_made(tmp_path: Path, name: str) -> None:
    """Of the kind that its name says, with both arms in it."""
    file = tmp_path / "new" / name
    drawing.save(rehearsed("live-errors=20%"), file)
    if file.suffix == ".svg":
        assert "what the gate knows" in file.read_text()
    else:
        assert file.read_bytes().startswith(b"\x89PNG")
