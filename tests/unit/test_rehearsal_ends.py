"""Whole rehearsals: the real machine, tasks, gate and brake in a simulated world."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ramp.core.feasibility import forecast_of
from ramp.core.plan import Plan
from ramp.core.planner import Traffic
from rampctl.exits import Exit
from rampctl.rehearsal import drawing, many, timeline
from rampctl.rehearsal.arm import Arm
from rampctl.rehearsal.scenario import OF_CONTROL, parse
from rampctl.rehearsal.scene import Scene
from rampctl.rehearsal.season import Season
from rampctl.rehearsal.stage import Played, play

ROOT = Path(__file__).parents[2]
DEFINITION = json.loads((ROOT / "statemachine" / "ramp.asl.json").read_text())
TOKEN_SECONDS = DEFINITION["States"]["Ask For Decision"]["TimeoutSeconds"]
PLAN: dict[str, Any] = {
    "steps": [
        {"percent": 0, "bake_seconds": 900},
        {"percent": 10, "bake_seconds": 900},
        {"percent": 100, "bake_seconds": 900},
    ]
}


def scene(candidate: str = "", control: str = "", *, plan: Any = PLAN, **changes: Any) -> Scene:
    """A ramp of three quarters of an hour at 20 requests a second by 2,000 users."""
    arms = Arm(200, parse("control", control, OF_CONTROL)), Arm(200, parse("candidate", candidate))
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


@pytest.mark.parametrize("candidate", ["mismatch=5%", "latency=+50%"])
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


def test_a_smaller_sample_takes_as_long_as_is_forecast() -> None:
    """Shadow reads are sampled once, and users' not at all: a hundredth of the answers, 535 of which certify."""
    patient = [{**step, "bake_seconds": 60, "patience_seconds": 14_400} for step in PLAN["steps"]]
    plan = {"steps": patient, "shadow": {"sample_percent": 1}}
    in_shadow, *_ = forecast_of(Plan.parse(plan), Traffic(20, 2_000)).steps
    drama = scene(plan=plan, guarded=False)
    played, ending = play(drama, DEFINITION, 1), many.end(drama, TOKEN_SECONDS, 1)
    shadow_seconds = max(look["at"] for look in played.looks if look["step"] == 0)
    assert in_shadow.seconds == pytest.approx(535 / 0.2)
    assert in_shadow.seconds <= shadow_seconds <= 1.5 * in_shadow.seconds
    assert played.seconds - shadow_seconds < 1_200
    assert ending[:2] == (played.ramp.outcome, played.seconds)


def test_days_pass_in_seconds() -> None:
    """Each look is where the plan's looks are, and no clock of this machine is waited for."""
    plan = {"steps": [{"percent": 0, "bake_seconds": 86_400}, {"percent": 100, "bake_seconds": 86_400}]}
    began = time.perf_counter()
    played = play(scene(plan=plan, guarded=False), DEFINITION, 1)
    assert time.perf_counter() - began < 15
    assert 2 * 86_400 <= played.seconds < 2 * 86_400 + 2 * 900
    assert played.looks[0]["at"] == 60


WORLDS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("", "", {}),
    ("live-errors=20%", "", {}),
    ("mismatch=5%", "", {"answer_seconds": 1_800}),
    ("latency=+60%", "", {}),
    ("mismatch=5%,latency=+60%@20m", "", {"answer_seconds": 1_800}),  # a second cause while the first is asked about
    ("live-errors=100%@20m", "", {}),
    ("errors=1.5%", "errors=1%", {"guarded": False}),
    ("errors=0.1%@0s..1h,cluster=5", "cluster=5,errors=1%", {"season": Season(0.8, 1.0)}),
    ("cold-starts,latency=+20%@10m..40m", "broken-account,latency=+10%", {}),
    ("broken-users=1%", "", {"answer": "reject"}),
    ("mismatch=1%", "", {"plan": {**PLAN, "shadow": {"sample_percent": 10}}}),
    ("outage=5m@20m", "outage=5m@20m", {"guarded": False}),
)


@pytest.mark.parametrize(("candidate", "control", "changes"), WORLDS)
@pytest.mark.parametrize("traffic", [Traffic(20, 2_000), Traffic(0.3, 300)])
def test_runs_of_many_end_as_the_machine_ends_them(
    candidate: str, control: str, changes: dict[str, Any], traffic: Traffic
) -> None:
    """To the second and the last count, whatever happens: they leave out what changes nothing."""
    drama = replace(scene(candidate, control, **{"answer": "approve", "answer_seconds": 0, **changes}), traffic=traffic)
    for seed in (3, 4):
        played, ending = play(drama, DEFINITION, seed), many.end(drama, TOKEN_SECONDS, seed)
        counted = played.simulation.counted()
        assert ending == (
            played.ramp.outcome,
            played.seconds,
            counted["candidate_errors"],
            counted["candidate_user_errors"],
            len(played.asked),
            sum(asked["causes"] != ["approval"] for asked in played.asked),
        )


@pytest.mark.parametrize("plan", ["production", "beta"])
def test_runs_of_the_plans_that_people_start_from_end_as_the_machine_ends_them(plan: str) -> None:
    """With the plan's own questions; a sixth of the days will do."""
    raw = json.loads((ROOT / "events" / "plans" / f"{plan}.json").read_text())
    steps = [{**step, "bake_seconds": step["bake_seconds"] // 6} for step in raw["steps"]]
    drama = replace(scene(plan={**raw, "steps": steps}, answer="approve"), traffic=Traffic.at(1))
    played, ending = play(drama, DEFINITION, 1), many.end(drama, TOKEN_SECONDS, 1)
    assert ending[:2] == (played.ramp.outcome, played.seconds)
    assert (ending.questions, ending.failures) == (len(played.asked), played.simulation.counted()["candidate_errors"])


def test_limits_that_control_shows_late_are_set_in_one_run_and_in_many() -> None:
    """CALIBRATE: the day before had too few requests to draw them from, the shadow step has enough."""
    steps = [
        {"percent": 0, "bake_seconds": 172_800},
        {"percent": 100, "bake_seconds": 3_600, "patience_seconds": 86_400},
    ]
    plan = {"steps": steps, "gates": {"min_requests": 1_500}, "look_seconds": 900}
    drama = replace(scene(plan=plan, answer="approve"), traffic=Traffic.at(1_000 / 86_400))
    played, ending = play(drama, DEFINITION, 1), many.end(drama, TOKEN_SECONDS, 1)
    assert "CALIBRATE" in [look["action"] for look in played.looks]
    assert (ending.seconds, ending.failures) == (played.seconds, played.simulation.counted()["candidate_errors"])


def test_steps_of_auto_are_made_by_prepare_ramp_in_one_run_and_in_many() -> None:
    """From the simulated day before."""
    drama = scene(plan={"steps": "auto"}, guarded=False)
    played, ending = play(drama, DEFINITION, 1), many.end(drama, TOKEN_SECONDS, 1)
    assert (played.ramp.outcome, played.seconds) == ending[:2]
    assert ending.outcome == "promoted"
    assert played.ramp.step > 2


@pytest.mark.parametrize(
    ("plan", "traffic"),
    [
        ({"steps": "auto"}, Traffic(0, 1)),
        ({"steps": [{"percent": 0, "bake_seconds": 60}, {"percent": 100, "bake_seconds": 60}]}, Traffic(0.001, 4)),
    ],
)
def test_what_prepare_ramp_refuses_is_refused_in_one_run_and_in_many(plan: Any, traffic: Traffic) -> None:
    """No traffic to make steps from, or steps that could not gather a certificate: before anything is touched."""
    drama = replace(scene(plan=plan), traffic=traffic)
    played = play(drama, DEFINITION, 1)
    assert played.ramp.code is Exit.BAD_PLAN
    assert many.end(drama, TOKEN_SECONDS, 1) == ("refused", 0, 0, 0, 0, 0)


def test_a_share_that_is_not_the_plans_is_asked_about() -> None:
    """At each step the gate is told its share: too many users on the candidate are noticed, in many runs too."""
    many_users = [f"user-{number}" for number in range(1, 61)]
    plan = {**PLAN, "routing": {"allow_users": many_users}}
    drama = replace(scene(plan=plan, answer="approve", answer_seconds=0), traffic=Traffic(20, 100))
    played, ending = play(drama, DEFINITION, 1), many.end(drama, TOKEN_SECONDS, 1)
    assert "share FAIL" in [cause for asked in played.asked for cause in asked["causes"]]
    assert ending.doubts == len(played.asked) > 0
    assert ending.seconds == played.seconds


def test_after_a_silence_a_ramp_waits_for_the_next_request() -> None:
    """At 100 requests a day there are often none in a quarter of an hour, in many runs too."""
    days = [{"percent": percent, "bake_seconds": days * 86_400} for percent, days in ((0, 3), (50, 4), (100, 3))]
    plan = {"steps": days, "deadline_seconds": 30 * 86_400}
    drama = replace(scene(plan=plan), traffic=Traffic(100 / 86_400, 50))
    played, ending = play(drama, DEFINITION, 7), many.end(drama, TOKEN_SECONDS, 7)
    assert any("the ramp waits for the next request" in str(moment) for moment in timeline.moments(played))
    assert (played.ramp.code, len(played.asked)) == (Exit.PROMOTED, 0)
    assert ending.seconds == played.seconds


@pytest.mark.parametrize("name", ["ramp.svg", "ramp.png"])
def test_the_picture_is_made(tmp_path: Path, name: str) -> None:
    """Of the kind that its name says, with both arms in it."""
    file = tmp_path / "new" / name
    drawing.save(rehearsed("live-errors=20%"), file)
    if file.suffix == ".svg":
        assert "what the gate knows" in file.read_text()
    else:
        assert file.read_bytes().startswith(b"\x89PNG")
