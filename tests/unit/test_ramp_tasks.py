"""Each task by itself: delivered twice, or with an unexpected world."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ramp import net, tasks
from ramp.core.check import Check, Consequence, Numbers, Verdict
from ramp.core.evidence import Evidence
from ramp.core.flag_document import OFF, Setting
from ramp.core.judge import judge
from ramp.core.plan import CHECK_OF, SCHEMA, Plan, PlanInvalid
from ramp.core.sequential_gate import GateState
from ramp.core.state import RampState
from ramp.core.verdict import Action, decide
from ramp.errors import TrafficMoved
from rampctl.rehearsal.fakes import FakeMetrics, House

from tests.statemachine.ramp_run import ARN, FLAG, RAMP, a_plan, asking_plan, healthy


@pytest.fixture
def house() -> House:
    """Healthy evidence at every step."""
    return House(FakeMetrics(healthy))


def prepared(house: House, plan: Any = None) -> dict[str, Any]:
    """The output of Prepare Ramp, as JSON."""
    event = {"ramp": RAMP, "execution_arn": ARN, "plan": plan or a_plan()}
    output: dict[str, Any] = json.loads(json.dumps(tasks.prepare(event, house.world())))
    return output


def asked(house: House) -> dict[str, Any]:
    """What Measure gives when the canary of an asking plan has passed."""
    state = prepared(house, asking_plan())["ramp"]
    state |= {"step": 1}
    shifted = tasks.shift({"ramp": state}, house.world())
    house.clock.pass_seconds(121)
    measured = tasks.measure({"ramp": shifted["ramp"], "decision": {}}, house.world())
    assert measured["verdict"]["action"] == Action.ASK
    return measured


def test_prepare_writes_no_traffic(house: House) -> None:
    """Lock, record and deadline; flag and alias are only read."""
    output = prepared(house)
    assert output["verdict"]["action"] == Action.START
    assert house.world().traffic.read().setting == OFF
    assert list(house.flag.versions) == [1]
    assert house.deadline.schedules == {RAMP: house.clock() + 604_800}
    assert house.table.ramps[RAMP]["status"] == "running"


def test_prepare_delivered_twice_starts_once(house: House) -> None:
    """Its own lock is no other ramp's."""
    first, second = prepared(house), prepared(house)
    assert first["verdict"]["action"] == second["verdict"]["action"] == Action.START


def test_prepare_tells_all_that_is_in_the_way_at_once(house: House) -> None:
    """Not one after the other, ramp by ramp."""
    house.flag.hosted.foreign_deployment = 7
    house.metrics.states["huntaze-lambda-error-rate-gt-2pct"] = "ALARM"
    plan = a_plan(lever="alias", candidate_version="99")
    output = tasks.prepare({"ramp": "name with spaces", "execution_arn": ARN, "plan": plan}, house.world())
    assert output["verdict"]["action"] == Action.REFUSE
    for said in ("execution name", "deployment 7", "got '99'", "got ALARM"):
        assert said in output["verdict"]["reason"]
    assert house.table.locks == {}


def test_a_flag_that_the_stack_does_not_move_is_refused(house: House) -> None:
    """With those that it does."""
    said = prepared(house, a_plan(flag="otherAdapter"))["verdict"]["reason"]
    assert said == "flag: is none that this stack moves, got 'otherAdapter', expected prismaAdapter"


def test_shift_delivered_twice_deploys_once(house: House) -> None:
    """The second finds what it would set."""
    state = prepared(house)["ramp"]
    for _ in range(2):
        tasks.shift({"ramp": state}, house.world())
    assert len(house.flag.versions) == 2


def test_shift_after_a_brake_moves_nothing(house: House) -> None:
    """Roll Back is where it leads."""
    state = prepared(house)["ramp"]
    house.table.put_command(RAMP, "abort", 0, "ada", "enough", house.clock())
    with pytest.raises(TrafficMoved, match="ada aborted the ramp: enough"):
        tasks.shift({"ramp": state}, house.world())
    assert house.world().traffic.read().setting == OFF


@pytest.mark.parametrize("task", [tasks.shift, tasks.promote])
def test_a_brake_pulled_while_traffic_is_being_set_is_seen_right_after(house: House, task: Any) -> None:
    """The brake settles, the task's own write lands after it: the task undoes it, and does not report success."""
    state = prepared(house)["ramp"] | {"step": 2}
    put = house.flag.put

    def braked_meanwhile(setting: Setting, description: str, fence: Any) -> None:
        house.flag.put = put  # type: ignore[method-assign]  # once
        fence()
        net.brake({"by": "ada", "reason": "enough"}, house.world())
        put(setting, description)

    house.flag.put = braked_meanwhile  # type: ignore[method-assign,assignment]  # the moment between deciding and writing
    with pytest.raises(TrafficMoved, match="ada aborted the ramp: enough"):
        task({"ramp": state, "verdict": {"reason": "so"}}, house.world())
    assert house.world().traffic.read().setting == OFF


def test_measure_delivered_twice_keeps_one_record(house: House) -> None:
    """The same look, the same key."""
    state = tasks.shift({"ramp": prepared(house)["ramp"]}, house.world())["ramp"]
    for _ in range(2):
        tasks.measure({"ramp": state, "decision": {}}, house.world())
    assert len(list(house.table.looks(RAMP))) == 1


def test_measure_keeps_the_whole_story_in_the_record(house: House) -> None:
    """Evidence, checks with numbers, verdict, action and reason: the page and the report need nothing else."""
    state = tasks.shift({"ramp": prepared(house)["ramp"]}, house.world())["ramp"]
    tasks.measure({"ramp": state, "decision": {}}, house.world())
    (look,) = house.table.looks(RAMP)
    assert set(look["document"]) >= {"step", "percent", "look", "evidence", "checks", "verdict", "action", "reason"}
    assert look["document"]["evidence"]["shadow"]["requests"] == 2_000
    assert all(check["reason"] and check["numbers"] for check in look["document"]["checks"])


def test_ask_delivered_twice_tells_people_once(house: House) -> None:
    """With the newest token kept."""
    ramp = asked(house)["ramp"]
    before = len(house.notices.told)
    for token in ("token-1", "token-2"):
        house.executions.waiting.add(token)
        tasks.ask({"ramp": ramp, "token": token}, house.world())
    assert len(house.notices.told) == before + 1
    request = house.table.request(RAMP)
    assert request is not None
    assert request["token"] == "token-2"  # noqa: S105  # a task token of the test's own
    assert "ramp approve ramp-1" in house.notices.told[-1][1]


def test_no_notice_carries_a_task_token(house: House) -> None:
    """A mail scanner that opens what it finds must not answer."""
    ramp = asked(house)["ramp"]
    house.executions.waiting.add("AQ-secret-token")
    tasks.ask({"ramp": ramp, "token": "AQ-secret-token"}, house.world())
    assert "AQ-secret-token" not in json.dumps(house.notices.told)


def test_ask_hands_over_an_answer_that_is_already_there(house: House) -> None:
    """It came between two tokens."""
    ramp = asked(house)["ramp"]
    house.executions.waiting |= {"token-1", "token-2"}
    tasks.ask({"ramp": ramp, "token": "token-1"}, house.world())
    assert house.table.answer(RAMP, ramp["question"]["request_id"], "approve", "ada", "fine", house.clock())
    tasks.ask({"ramp": ramp, "token": "token-2"}, house.world())
    assert house.executions.outcomes["token-2"] == ("success", {"answer": "approve", "by": "ada", "reason": "fine"})


def test_an_answer_to_an_older_question_answers_no_newer_one(house: House) -> None:
    """The table's answer counts for the request it names."""
    ramp = asked(house)["ramp"]
    house.table.ask(RAMP, "0-1", "token-0", house.clock(), look=(0, 1))
    house.table.answer(RAMP, "0-1", "approve", "ada", "an old page", house.clock())
    assert tasks.measure({"ramp": ramp, "decision": {}}, house.world())["verdict"]["action"] == Action.ASK


def test_a_question_that_the_evidence_has_settled_stands_no_more(house: House) -> None:
    """Nobody is left with a button that does nothing."""
    state = tasks.shift({"ramp": prepared(house)["ramp"]}, house.world())["ramp"]
    state["step_started_at"] -= Plan.parse(state["raw_plan"]).steps[0].bake_seconds
    house.metrics.observe = lambda step, seconds: replace(
        healthy(step, seconds), shadow=replace(healthy(step, seconds).shadow, mismatches=100)
    )
    doubtful = tasks.measure({"ramp": state, "decision": {}}, house.world())
    tasks.ask({"ramp": doubtful["ramp"], "token": "token-1"}, house.world())
    assert house.table.request(RAMP) is not None
    house.metrics.observe = healthy
    settled = tasks.measure({"ramp": doubtful["ramp"], "decision": {}}, house.world())
    assert settled["verdict"]["action"] == Action.ADVANCE
    assert house.table.request(RAMP) is None


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ({}, "the verdict's reason"),
        (
            {"Error": "X", "Cause": json.dumps({"errorMessage": "what the task said", "errorType": "X"})},
            "what the task",
        ),
        ({"Error": "X", "Cause": "in plain words"}, "in plain words"),
        ({"Error": "X", "Cause": "[1]"}, "[1]"),
        ({"Error": "States.Timeout"}, "States.Timeout"),
    ],
)
def test_a_rollback_says_why_in_the_words_of_whoever_knew(house: House, trouble: dict[str, str], reason: str) -> None:
    """The task's error, send-task-failure's cause, or the verdict."""
    event = {"ramp": prepared(house)["ramp"], "verdict": {"reason": "the verdict's reason"}, "trouble": trouble}
    assert tasks.roll_back(event, house.world())["verdict"]["reason"].startswith(reason)


def test_a_rollback_delivered_twice_is_a_rollback(house: House) -> None:
    """Off stays off."""
    state = tasks.shift({"ramp": prepared(house)["ramp"]}, house.world())["ramp"]
    for _ in range(2):
        tasks.roll_back({"ramp": state, "verdict": {}, "trouble": {}}, house.world())
    assert house.world().traffic.read().setting == OFF
    assert house.table.lock(FLAG) is None


@pytest.mark.parametrize(("gate", "action"), [("fixed", Action.EXTEND), ("sequential", Action.ASK)])
def test_a_plain_threshold_waits_for_the_end_of_the_bake_and_a_proof_does_not(gate: str, action: Action) -> None:
    """One slow start of many must not put a question; what is proven must not wait."""
    raw = {"gate": gate, "steps": [{"percent": 0, "bake_seconds": 600}, {"percent": 100, "bake_seconds": 60}]}
    state = RampState("r", "arn", raw, "1", 0.0, step_started_at=0.0)
    doubt = Check("mismatches", Verdict.FAIL, Consequence.ASK, "8 of 25 differ")
    assert decide(state, [doubt], now=100.0).action is action
    assert decide(state, [doubt], now=700.0).action is Action.ASK


def at_shadow(**gates: Any) -> RampState:
    """A shadow step whose bake of ten minutes began at nought."""
    raw = {"gates": gates, "steps": [{"percent": 0, "bake_seconds": 600}, {"percent": 100, "bake_seconds": 60}]}
    return RampState("r", "arn", raw, "1", 0.0)


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE])
@pytest.mark.parametrize("consequence", list(Consequence))
def test_a_check_that_only_warns_is_shown_and_never_acts(verdict: Verdict, consequence: Consequence) -> None:
    """A dry run of a gate: it neither stops the ramp nor holds it up, and stands in the reason."""
    checks = [Check("errors", verdict, consequence, "5 of 40 failed"), Check("share", Verdict.PASS, consequence, "ok")]
    decision = decide(at_shadow(warn_only=["errors"]), checks, now=700.0)
    assert decision.action is Action.ADVANCE
    assert decision.verdict is Verdict.PASS
    assert "5 of 40 failed" in decision.reason
    assert decide(at_shadow(), checks, now=700.0).action is not Action.ADVANCE


def test_an_acknowledged_cause_is_not_asked_about_but_still_rolls_back() -> None:
    """The plan answers questions beforehand; harm is no question."""
    state = at_shadow(acknowledged=["mismatches"])
    doubt = Check("mismatches", Verdict.FAIL, Consequence.ASK, "8 of 25 differ")
    unsure = Check("mismatches", Verdict.INCONCLUSIVE, Consequence.ASK, "1 of 25 differ", Numbers(trials=25))
    harm = Check("errors", Verdict.FAIL, Consequence.ROLL_BACK, "9 of 25 failed")
    assert decide(state, [doubt], now=700.0).action is Action.ADVANCE
    assert decide(state, [unsure], now=700.0).action is Action.ADVANCE
    unseen = unsure._replace(numbers=Numbers(trials=0))
    assert decide(state, [unseen], now=1_300.0).action is Action.ASK
    assert decide(state, [doubt, harm], now=700.0).action is Action.ROLL_BACK


@pytest.mark.parametrize("gate", ["sequential", "fixed"])
@pytest.mark.parametrize("silenced", ["acknowledged", "warn_only"])
@pytest.mark.parametrize("step", [0, 1, 2])
def test_zero_traffic_never_goes_on_whatever_a_plan_knows_or_silences(gate: str, silenced: str, step: int) -> None:
    """Not at any step: what nobody has seen cannot be known, and green alarms are no evidence."""
    names = SCHEMA["properties"]["gates"]["properties"][silenced]["items"]["enum"]
    known = [name for name in names if CHECK_OF.get(name, gate) == gate]
    steps = [{"percent": percent, "bake_seconds": 600} for percent in (0, 50, 100)]
    raw = {"gate": gate, "steps": steps, "gates": {silenced: known}}
    state = RampState("r", "arn", raw, "1", 0.0, step=step, step_started_at=60.0)
    nothing = Evidence(alarms={"alarm": "OK"}, until=1_860.0)
    checks = judge(state, nothing, GateState.begin().to_wire(), 1_920.0).checks
    assert decide(state, checks, now=1_920.0).action is Action.ASK


def test_a_check_that_rolls_back_cannot_be_acknowledged() -> None:
    """The plan is told so, before a ramp relies on it."""
    names = SCHEMA["properties"]["gates"]["properties"]["acknowledged"]["items"]["enum"]
    assert {"errors", "errors against control", "shadow errors", "shadow failures"}.isdisjoint(names)
    with pytest.raises(
        PlanInvalid, match=r"gates.acknowledged\[0\]: is none of the choices, got \"errors\".*roll back"
    ):
        Plan.parse(at_shadow(acknowledged=["errors"]).raw_plan)


def test_checks_that_are_none_of_the_gates_cannot_be_silenced() -> None:
    """An alarm is no check of the plan's."""
    with pytest.raises(PlanInvalid, match=r"gates.warn_only\[0\]: is none of the choices"):
        Plan.parse(at_shadow(warn_only=["alarm huntaze-lambda-error-rate-gt-2pct"]).raw_plan)


def test_where_no_check_may_decide_a_person_is_asked() -> None:
    """Silencing every check is no pass."""
    state = at_shadow(warn_only=["errors"])
    silenced = [Check("errors", Verdict.PASS, Consequence.ROLL_BACK, "ok")]
    for checks in ([], silenced):
        assert decide(state, checks, now=700.0).action is Action.EXTEND
        assert decide(state, checks, now=1300.0).action is Action.ASK
