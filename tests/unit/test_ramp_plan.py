"""A plan is checked whole, in sentences, before anything is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ramp.core.bucket import Bucket
from ramp.core.evidence import ArmCounts, Evidence
from ramp.core.feasibility import resolve
from ramp.core.judge import judge
from ramp.core.plan import CHECK_OF, GATES, SCHEMA, Plan, PlanInvalid, format_percent, to_ppm
from ramp.core.planner import TOKEN_SECONDS, Traffic
from ramp.core.sequential_gate import GateState
from ramp.core.state import RampState

EVENTS = Path(__file__).parents[2] / "events"
MINIMAL: dict[str, Any] = {"steps": [{"percent": 100, "bake_seconds": 60}]}


def faults(raw: object) -> tuple[str, ...]:
    """The sentences of a faulty plan."""
    with pytest.raises(PlanInvalid) as caught:
        Plan.parse(raw)
    return caught.value.faults


def test_a_minimal_plan_gets_every_default_of_the_decision_table() -> None:
    """Requirements, section 3."""
    plan = Plan.parse(MINIMAL)
    gates = plan.gates
    assert (plan.flag, plan.lever, plan.candidate_version) == ("prismaAdapter", "flag", "")
    assert (gates.error_percent_max, gates.shadow_failure_percent_max, gates.shadow_p95_ms_max) == (2, 5, 1000)
    assert (gates.latency_go_percent, gates.latency_investigate_percent) == (15, 30)
    assert (gates.mismatch_go_percent, gates.mismatch_investigate_percent) == (0.5, 1)
    assert (plan.shadow.sample_ppm, plan.shadow.budget_ms, plan.routing.fallback) == (1_000_000, 500, True)
    assert (plan.approvals.timeout_seconds, plan.approvals.on_timeout) == (86_400, "roll_back")
    assert plan.deadline_seconds == 604_800


def test_patience_is_as_long_as_the_bake_unless_the_plan_says_otherwise() -> None:
    """Zero is a patience too."""
    steps = [{"percent": 1, "bake_seconds": 60}, {"percent": 100, "bake_seconds": 60, "patience_seconds": 0}]
    assert [step.patience_seconds for step in Plan.parse({"steps": steps}).steps] == [60, 0]


@pytest.mark.parametrize("path", sorted(EVENTS.glob("plans/*.json")), ids=lambda path: path.stem)
def test_the_plans_people_start_from_are_sound(path: Path) -> None:
    """Each ends with everybody on the candidate, and names the schema for editors."""
    raw = json.loads(path.read_text())
    assert Plan.parse(resolve(raw, Traffic.at(1))).steps[-1].share_ppm == 1_000_000
    assert (path.parent / raw["$schema"]).resolve().is_file()


@pytest.mark.parametrize("path", sorted(EVENTS.glob("plans/*.json")), ids=lambda path: path.stem)
def test_a_recorded_plan_reads_as_it_did_when_it_was_checked(path: Path) -> None:
    """Defaults included, and without the validator."""
    raw = resolve(json.loads(path.read_text()), Traffic.at(1))
    assert Plan.recorded(raw) == Plan.parse(raw)
    assert Plan.recorded(MINIMAL) == Plan.parse(MINIMAL)


def test_every_fault_of_a_plan_is_told_at_once() -> None:
    """With its path, what was found, and what is allowed."""
    found = "\n".join(faults(json.loads((EVENTS / "bad" / "many-faults.json").read_text())))
    for sentence in (
        'flag: is not of the form, got "Prisma Adapter", expected a string like',
        "stepz: is no field of a plan, got [], expected steps? One of",
        "steps[1].percent: is out of range, got 250, expected a number from 0 to 100",
        'steps[1].bake_seconds: has the wrong type, got "1h", expected a whole number from 1 to 1209600',
        "steps[2].aproval: is no field of a plan, got true, expected approval? One of",
        "steps[2].percent: does not rise, got 3, expected more than 250, the step before",
        "steps[3].percent: is too fine, got 12.34567, expected at most four decimals",
        "steps[3].percent: the last step ends the ramp, got 12.34567, expected 100",
        "steps[3].bake_seconds: is out of range, got 0",
        "gates.error_percent_max: is out of range, got 0, expected a number above 0 to 50",
        "gates.latency_go_percent: is above the threshold to investigate, got 40, expected at most 20",
        'lever: is none of the choices, got "dns", expected one of "flag", "alias"',
        'approvals.on_timeout: is none of the choices, got "promote"',
        "deadline_seconds: ends the ramp before its last step, got 60, expected more than 120",
    ):
        assert sentence in found, found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lever": "alias"}, "candidate_version: is missing"),
        ({"steps": "often"}, 'steps: is none of the choices, got "often", expected "auto"'),
        ({"steps": "auto", "gate": "fixed"}, 'steps: are made for the sequential gate only, got "auto"'),
        ({"steps": 5}, "steps: has the wrong type, got 5, expected a list of 1 to 50 items"),
        ({"steps": []}, "steps: has too few items, got [], expected a list of 1 to 50 items"),
        ({"steps": [{"percent": 100}]}, "steps[0].bake_seconds: is missing, got nothing, expected a whole number"),
        ({"steps": [{"percent": True, "bake_seconds": 1}]}, "steps[0].percent: has the wrong type, got true"),
        ({"shadow": {"sample_percent": 0.00001}}, "shadow.sample_percent: is too fine"),
        ({"gates": {"mismatch_go_percent": 2}}, "gates.mismatch_go_percent: is above the threshold to investigate"),
        ({"routing": {"allow_users": [""]}}, "routing.allow_users[0]: is too short"),
        ({"evidence": {"period_seconds": 7}}, "evidence.period_seconds: is none of the choices, got 7"),
        (
            {"budgets": {"roll_back_percent": 0}},
            "budgets.roll_back_percent: is out of range, got 0, expected a number from 0.0001 to 5",
        ),
        (
            {"gates": {"mismatch_go_percent": 0}},
            "gates.mismatch_go_percent: is no rate that a proof could stand on, got 0, expected more than 0, for",
        ),
        (
            {"gates": {"mismatch_investigate_percent": 100}},
            "gates.mismatch_investigate_percent: is out of range, got 100, expected a number above 0 to below 100 (no",
        ),
        (
            {"gates": {"shadow_p95_ms_max": 800}},
            'gates.shadow_p95_ms_max: is a limit of gate "fixed", got 800 with gate "sequential", expected none',
        ),
        (
            {"gates": {"latency_investigate_percent": 5}},
            'gates.latency_investigate_percent: is a limit of gate "fixed"',
        ),
        ({"gates": {"shadow_failure_percent_max": 9}}, 'gates.shadow_failure_percent_max: is a limit of gate "fixed"'),
        (
            {"gates": {"warn_only": ["share", "shadow p95"]}},
            'gates.warn_only[1]: is a check of gate "fixed", got "shadow p95" with gate "sequential", expected one of',
        ),
        (
            {"gate": "fixed", "gates": {"acknowledged": ["shadow latency"]}},
            'gates.acknowledged[0]: is a check of gate "sequential", got "shadow latency" with gate "fixed"',
        ),
        (
            {"gate": "fixed", "budgets": {"ask_percent": 1}},
            'budgets: are probabilities of gate "sequential", got gate "fixed", expected none',
        ),
        ({"budgets": {"ask": 1}}, "budgets.ask: is no field of a plan, got 1, expected one of roll_back_percent"),
        (
            {"gates": {"on_patience": "go"}},
            'gates.on_patience: is none of the choices, got "go", expected one of "ask"',
        ),
        ({"comment": "x" * 501}, 'comment: is too long, got "xxx'),
    ],
)
def test_a_fault_is_told_with_its_path(change: dict[str, Any], said: str) -> None:
    """One fault, one sentence."""
    (fault,) = faults({**MINIMAL, **change})
    assert fault.startswith(said)


def test_a_limit_that_only_the_other_gate_has_stands_in_no_ones_way() -> None:
    """The default of what this gate does not know is no bound on what it does."""
    assert Plan.parse({**MINIMAL, "gates": {"latency_go_percent": 40}})


@pytest.mark.parametrize("gate", sorted(GATES))
def test_the_checks_that_plans_may_name_are_those_of_the_gate(gate: str) -> None:
    """A name that no check of the gate has would silence nothing."""
    named = set(SCHEMA["properties"]["gates"]["properties"]["warn_only"]["items"]["enum"])
    counted = ArmCounts(requests=1_000, comparisons=1_000, misrouted=0, p95_ms=9.0)
    bucket = Bucket(0, 60, 1, 500_000, control_requests=900, candidate_requests=900, shadow_requests=900)
    bucket = bucket._replace(control_slow=9, candidate_slow=9, shadow_slow=9, comparisons=900)
    found = set[str]()
    for step in (0, 1):
        state = RampState("r", "arn", {"gate": gate, "steps": STEPS}, "1", 0.0, step=step)
        buckets = (bucket._replace(step=step), bucket._replace(start=60, step=step))
        evidence = Evidence(counted, counted, counted, {}, 120.0, buckets)
        found |= {check.name for check in judge(state, evidence, GateState.begin().to_wire(), 180.0).checks}
    assert found == {name for name in named if CHECK_OF.get(name, gate) == gate}


STEPS = [{"percent": 0, "bake_seconds": 60}, {"percent": 50, "bake_seconds": 60}, {"percent": 100, "bake_seconds": 60}]


def test_the_schema_is_one_and_missing_steps_are_told_with_both_kinds() -> None:
    """Editors read it as it is."""
    Draft202012Validator.check_schema(SCHEMA)
    (fault,) = faults({})
    assert fault == 'steps: is missing, got nothing, expected a list of 1 to 50 items, or "auto"'


def test_steps_may_be_left_to_the_start_of_the_ramp() -> None:
    """Everything else of the plan is checked."""
    assert Plan.parse({"steps": "auto"}).steps == ()
    assert faults({"steps": "auto", "lever": "dns"})


def test_faults_come_in_the_order_of_the_steps() -> None:
    """The eleventh after the second."""
    found = faults({"steps": [{"percent": index} for index in range(11)] + [{"percent": 100, "bake_seconds": 1}]})
    assert [fault.partition(":")[0] for fault in found] == [f"steps[{index}].bake_seconds" for index in range(11)]


def test_short_periods_are_refused_where_cloudwatch_may_have_forgotten_them() -> None:
    """Three hours on: a question or a pause may last until the deadline, however short the bakes are."""
    plan = {"steps": [{"percent": 100, "bake_seconds": 60, "approval": True}], "evidence": {"period_seconds": 10}}
    for changes in ({}, {"deadline_seconds": 10_801}):
        (fault,) = faults({**plan, **changes})
        assert fault.startswith("evidence.period_seconds: CloudWatch forgets such short periods after 3 hours, got 10")
        assert "expected 60 or more, or a deadline_seconds of at most 10800" in fault
    assert Plan.parse({**plan, "deadline_seconds": 10_800})
    assert Plan.parse({**plan, "evidence": {"period_seconds": 60}})


def test_a_question_stands_no_shorter_than_one_token() -> None:
    """Silence is seen at the looks between two tokens: a minute would be a promise that nobody keeps."""
    (fault,) = faults({**MINIMAL, "approvals": {"timeout_seconds": 60}})
    assert fault.startswith("approvals.timeout_seconds: is out of range, got 60, expected a whole number from 900 to")
    assert SCHEMA["properties"]["approvals"]["properties"]["timeout_seconds"]["minimum"] == TOKEN_SECONDS


def test_what_people_wrote_is_cut_where_it_is_long() -> None:
    """A fault is a sentence, not a dump."""
    (fault,) = faults(["x" * 5000])
    assert len(fault) < 200
    assert fault.startswith('plan: has the wrong type, got ["xxx')


@pytest.mark.parametrize(
    ("share_ppm", "percent", "words"),
    [(0, 0, "0 %"), (17, 0.0017, "0.0017 %"), (290_000, 29, "29 %"), (1_000_000, 100, "100 %"), (70_000, 7.0, "7 %")],
)
def test_percent_is_for_people_and_parts_per_million_for_machines(share_ppm: int, percent: float, words: str) -> None:
    """Exact where binary fractions are not: 0.29 * 100 is no 29."""
    assert to_ppm(percent) == share_ppm
    assert format_percent(share_ppm).replace(" ", " ") == words
