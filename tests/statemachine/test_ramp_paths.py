"""Every way through a ramp: the project's ASL and its real tasks, with the adapters in memory."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ramp import net
from ramp.adapters.table import Lock
from ramp.core.evidence import ArmCounts, Evidence
from ramp.core.flag_document import Setting
from ramp.world import World
from rampctl.rehearsal.fakes import GUARDS, House

from tests.statemachine.ramp_run import ARN, FLAG, RAMP, Run, a_plan, answering, asking_plan, failing_at, healthy

HISTORY_QUOTA = 25_000  # Source: Step Functions quotas, entries in execution event history, which cannot be raised
EVENTS = Path(__file__).parents[2] / "events"


def differing_at(step: int) -> Any:
    """Healthy but for answers of which 5 % differ at `step`: for people to judge."""

    def observe(at: int, seconds: float) -> Evidence:
        evidence = healthy(at, seconds)
        candidate = replace(evidence.candidate, mismatches=evidence.comparisons // 20)
        return replace(evidence, candidate=candidate) if at == step else evidence

    return observe


def test_a_healthy_ramp_is_promoted_through_every_step() -> None:
    """Shadow, canary, everybody; then the shadow is off and nothing of the ramp is left but its record."""
    run = Run()
    execution = run.go(a_plan())
    assert execution.status == "SUCCEEDED", execution
    assert execution.output["outcome"] == "promoted"
    assert execution.output["superseded_flag_versions_deleted"] == 3
    assert [step["step"] for step in execution.output["steps"]] == ["shadow", "10 %", "100 %"]
    assert all(step["looks"] >= 1 for step in execution.output["steps"])
    assert (execution.output["ramp"], execution.output["took"].partition(" ")[2]) == (RAMP, "minutes")
    run.assert_settled()
    assert [look["action"] for look in run.looks() if look["action"] != "EXTEND"] == ["ADVANCE", "ADVANCE", "PROMOTE"]
    assert run.house.table.ramps[RAMP]["status"] == "promoted"
    assert run.house.table.ramps[RAMP]["share_ppm"] == 1_000_000
    assert "Retire the mock" in run.house.notices.told[-1][1]


@pytest.mark.parametrize("step", [0, 1, 2])
def test_harm_at_any_step_rolls_back_at_the_first_look(step: int) -> None:
    """A candidate that fails is not watched to the end of the bake."""
    run = Run(observe=failing_at(step))
    execution = run.go(a_plan())
    assert (execution.status, execution.error) == ("FAILED", "RolledBack")
    assert "failed" in execution.cause
    assert "Traffic to the candidate reads back at 0 %" in execution.cause
    run.assert_settled()
    assert run.looks()[-1]["look"] == 1
    assert run.house.table.ramps[RAMP]["status"] == "rolled_back"


def test_an_alarm_in_mid_ramp_rolls_back() -> None:
    """The alarm outranks good evidence."""

    def alarmed(step: int, seconds: float) -> Evidence:
        return replace(healthy(step, seconds), alarms={GUARDS[0]: "ALARM" if step else "OK", GUARDS[1]: "OK"})

    run = Run(observe=alarmed)
    assert run.go(a_plan()).error == "RolledBack"
    assert GUARDS[0] in run.execution.cause
    run.assert_settled()


@pytest.mark.parametrize("plan", sorted(EVENTS.glob("bad/*.json")), ids=lambda path: path.stem)
def test_a_plan_with_faults_is_refused_and_nothing_is_touched(plan: Path) -> None:
    """No lock, no schedule, no flag version, no notice."""
    run = Run()
    execution = run.go(json.loads(plan.read_text()))
    assert (execution.status, execution.error) == ("FAILED", "RampRefused")
    assert "the plan has faults" in execution.cause
    assert (run.house.table.locks, run.house.deadline.schedules, run.house.notices.told) == ({}, {}, [])
    assert list(run.house.flag.versions) == [1]


def in_flight(house: House) -> None:
    house.flag.hosted.foreign_deployment = 7


def split(house: House) -> None:
    house.alias.position = replace(house.alias.position, weights={"2": 100_000})


def locked(house: House) -> None:
    house.executions.statuses[ARN + "-other"] = "RUNNING"
    house.table.acquire(FLAG, Lock("other", ARN + "-other"), house.clock(), 1e6)


def alarmed(house: House) -> None:
    house.metrics.states[GUARDS[1]] = "ALARM"


def unguarded(house: House) -> None:
    house.metrics.states[GUARDS[0]] = "MISSING"


def switched_on(house: House) -> None:
    house.flag.put(Setting({"ramp": "by-hand", "step": 0, "share_ppm": 10_000}, None), "by hand")


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (in_flight, "deployment 7"),
        (split, "alias: is split"),
        (locked, "moved by another ramp, got other"),
        (alarmed, f"alarm {GUARDS[1]}"),
        (unguarded, "got MISSING"),
        (switched_on, "flag: is on already, got 1 %"),
    ],
)
def test_a_ramp_that_may_not_start_is_refused_and_leaves_all_as_it_was(trouble: Any, said: str) -> None:
    """Preconditions are read before anything is written, and the net leaves another ramp's things alone."""
    run = Run()
    trouble(run.house)
    before = (run.house.flag.versions.copy(), run.house.alias.position, dict(run.house.table.locks))
    assert run.go(a_plan()).error == "RampRefused"
    assert said in run.execution.cause
    assert (run.house.flag.versions, run.house.alias.position, run.house.table.locks) == before
    assert run.house.deadline.schedules == {}


def test_asked_and_approved_the_ramp_goes_on_and_the_reason_names_the_person_once() -> None:
    """One notice, one question, and an answer that Measure judges again."""
    run = Run(people=answering("approve"))
    assert run.go(asking_plan()).status == "SUCCEEDED", run.execution
    run.assert_settled()
    assert run.execution.path.count("Ask For Decision") == 1
    assert [subject for subject, _ in run.house.notices.told if "asks" in subject] == ["Ramp ramp-1 asks at 10 %"]
    approved = next(look for look in run.looks() if look["answer"])
    assert approved["action"] == "ADVANCE"
    assert approved["answer"]["by"] == "ada"


def test_asked_and_rejected_the_ramp_rolls_back_in_the_words_of_the_person() -> None:
    """A no is final."""
    run = Run(people=answering("reject"))
    assert run.go(asking_plan()).error == "RolledBack"
    assert run.execution.cause.startswith("ada said no: I looked at it")
    run.assert_settled()


def test_a_rollback_stops_a_deployment_that_is_in_flight() -> None:
    """Somebody deployed by hand in mid-ramp: back does not wait for it."""

    def deploying(house: House, world: World) -> None:
        house.flag.hosted.foreign_deployment = 9
        answering("reject")(house, world)

    run = Run(people=deploying)
    assert run.go(asking_plan()).error == "RolledBack"
    assert run.house.flag.hosted.foreign_deployment is None
    run.assert_settled()


def test_silence_beyond_the_plans_time_out_rolls_back() -> None:
    """Three tokens of 900 s, one notice."""
    run = Run()
    assert run.go(asking_plan()).error == "RolledBack"
    assert "nobody answered within 45 minutes" in run.execution.cause
    assert run.execution.path.count("Ask For Decision") >= 3
    assert len([subject for subject, _ in run.house.notices.told if "asks" in subject]) == 1
    run.assert_settled()


def test_held_the_ramp_waits_at_its_step_until_somebody_answers() -> None:
    """`on_timeout: hold` goes on asking; the evidence is judged again at every token's end."""
    asked = 0

    def late(house: House, world: World) -> None:
        nonlocal asked
        asked += 1
        if asked == 6:
            answering("approve")(house, world)

    run = Run(people=late)
    assert run.go(asking_plan(approvals={"timeout_seconds": 2700, "on_timeout": "hold"})).status == "SUCCEEDED"
    assert asked == 6
    run.assert_settled()


@pytest.mark.parametrize(("word", "status"), [("approve", "SUCCEEDED"), ("reject", "FAILED")])
def test_an_answer_between_two_tokens_is_kept_and_honoured(word: str, status: str) -> None:
    """The token it was meant for has timed out; the request it names has not."""
    asked = 0

    def too_late_for_the_token(house: House, world: World) -> None:
        nonlocal asked
        asked += 1
        request = world.table.request(RAMP)
        assert request is not None
        if asked == 2:
            assert world.table.answer(RAMP, request["request_id"], word, "ada", "late", world.now())

    run = Run(people=too_late_for_the_token)
    assert run.go(asking_plan()).status == status, run.execution
    assert asked == 2
    run.assert_settled()


def test_an_answer_that_nobody_understands_is_no_yes() -> None:
    """`send-task-success --task-output '{"ok": true}'` asks again, and silence then rolls back."""

    def mumbling(house: House, world: World) -> None:
        request = world.table.request(RAMP)
        assert request is not None
        world.executions.answer(request["token"], {"ok": True})
        house.clock.pass_seconds(200)

    run = Run(people=mumbling)
    assert run.go(asking_plan()).error == "RolledBack"
    assert "nobody answered" in run.execution.cause
    run.assert_settled()


def test_harm_while_people_are_asked_rolls_back_though_nobody_answered() -> None:
    """Evidence keeps being judged while the question stands."""
    people_asked = False

    def observe(step: int, seconds: float) -> Evidence:
        return failing_at(1)(step, seconds) if people_asked else healthy(step, seconds)

    def see(house: House, world: World) -> None:
        nonlocal people_asked
        people_asked = True

    run = Run(observe=observe, people=see)
    assert run.go(asking_plan()).error == "RolledBack"
    assert "failed" in run.execution.cause
    assert run.execution.path.count("Ask For Decision") == 1
    run.assert_settled()


def test_differing_answers_are_asked_about_at_once_and_accepted_for_that_step_only() -> None:
    """The next step asks again when its answers differ too."""

    def observe(step: int, seconds: float) -> Evidence:
        return differing_at(step)(step, seconds) if step else healthy(step, seconds)

    run = Run(observe=observe, people=answering("approve"))
    assert run.go(a_plan()).status == "SUCCEEDED", run.execution
    assert run.execution.path.count("Ask For Decision") == 2
    run.assert_settled()


def test_no_traffic_is_no_pass_and_ends_with_people_being_asked() -> None:
    """No evidence: extended through bake and patience, then asked, then rolled back."""
    run = Run(observe=lambda step, seconds: Evidence(alarms=dict.fromkeys(GUARDS, "OK")))
    assert run.go(a_plan()).error == "RolledBack"
    assert {look["step"] for look in run.looks()} == {0}
    assert {look["verdict"] for look in run.looks()} == {"INCONCLUSIVE"}
    run.assert_settled()


def test_the_brake_while_people_are_asked_ends_the_question_and_the_ramp() -> None:
    """Traffic is at zero before the state machine hears of it."""

    def pull(house: House, world: World) -> None:
        told = {"Message": json.dumps({"AlarmName": GUARDS[0], "NewStateReason": "3 of 5"})}
        assert net.brake({"Records": [{"Sns": told}]}, world)["braked"]
        assert world.traffic.read().setting.share_ppm == 0

    run = Run(people=pull)
    assert run.go(asking_plan()).error == "RolledBack"
    assert f"alarm {GUARDS[0]} aborted the ramp: 3 of 5" in run.execution.cause
    run.assert_settled()


@pytest.mark.parametrize("function", ["${ShiftFunctionArn}", "${MeasureFunctionArn}", "${PromoteFunctionArn}"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_brake_around_any_task_is_never_undone(function: str, when: str) -> None:
    """Whatever the ramp is doing, nothing raises traffic after a brake."""
    run = Run()

    def braking(named: str, task: Any) -> Any:
        def invoke(payload: Any) -> Any:
            brake = {"by": "ada", "reason": "stop", "ramp": RAMP}
            if when == "before":
                net.brake(brake, run.house.world())
            result = task(payload)
            if when == "after":
                net.brake(brake, run.house.world())
            return result

        return invoke if named == function else task

    run.wrap = braking
    run.go(a_plan())
    promoted = function == "${PromoteFunctionArn}" and when == "after"
    assert run.execution.status == ("SUCCEEDED" if promoted else "FAILED"), run.execution
    run.assert_settled()


def test_a_ramp_past_its_deadline_is_braked_and_settles() -> None:
    """`huntaze-cleanup` at the deadline of a ramp that still runs pulls the brake, and the ramp rolls back itself."""

    def deadline(house: House, world: World) -> None:
        assert net.cleanup({"deadline_of": RAMP}, world)["braked"]

    run = Run(people=deadline)
    assert run.go(asking_plan()).error == "RolledBack"
    assert "the deadline aborted the ramp" in run.execution.cause
    run.assert_settled()


def test_the_alias_lever_moves_weights_and_ends_whole_on_the_candidates_version() -> None:
    """The flag stays at a share of 0 and names the version that serves the candidate."""
    run = Run()
    assert run.go(a_plan(lever="alias", candidate_version="2")).status == "SUCCEEDED", run.execution
    assert (run.house.alias.position.version, run.house.alias.position.weights) == ("2", {})
    assert run.house.world().traffic.read().setting.is_whole


def test_the_alias_lever_rolls_back_to_the_version_the_alias_had() -> None:
    """The snapshot of Prepare Ramp, not the last step, says where back is."""
    run = Run(observe=failing_at(1))
    assert run.go(a_plan(lever="alias", candidate_version="2")).error == "RolledBack"
    assert (run.house.alias.position.version, run.house.alias.position.weights) == ("1", {})
    run.assert_settled()


def test_after_a_ramp_the_next_one_may_start() -> None:
    """A rolled-back ramp leaves nothing that refuses the next."""
    run = Run(observe=failing_at(1))
    run.go(a_plan())
    run.house.metrics.observe = healthy
    assert run.go(a_plan(), "ramp-2").status == "SUCCEEDED", run.execution
    assert [entry["status"] for entry in run.house.table.listed(FLAG)] == ["promoted", "rolled_back"]


@pytest.mark.parametrize("name", ["beta", "demo", "production"])
def test_the_plans_people_start_from_are_promoted_on_good_evidence(name: str) -> None:
    """Every plan of events/plans, from the first look to the last, far inside the quota of the history."""
    plan = json.loads((EVENTS / "plans" / f"{name}.json").read_text()) | {"gate": "fixed"}
    percents = [step["percent"] for step in plan["steps"]]

    def observe(step: int, seconds: float) -> Evidence:
        served = 200 * percents[step]
        shadow = 0 if percents[step] == 100 else 20_000 - served
        return Evidence(
            control=ArmCounts(requests=20_000 - served, p95_ms=20.0),
            candidate=ArmCounts(requests=served, comparisons=served, p95_ms=40.0),
            shadow=ArmCounts(requests=shadow, comparisons=shadow, p95_ms=40.0),
            alarms=dict.fromkeys(GUARDS, "OK"),
        )

    run = Run(observe=observe, people=answering("approve"))
    assert run.go(plan).status == "SUCCEEDED", run.execution
    run.assert_settled()
    assert run.execution.history_events < HISTORY_QUOTA / 2
