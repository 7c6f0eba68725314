"""Whether a plan suits its traffic, and the steps that do."""

from __future__ import annotations

import json
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from ramp import tasks
from ramp.adapters.metrics import History
from ramp.core.bucket import Bucket
from ramp.core.feasibility import forecast_of, measured_traffic, resolve, suited
from ramp.core.judge import policy_of
from ramp.core.plan import Plan, PlanInvalid
from ramp.core.planner import TOKEN_SECONDS, Traffic, auto_steps
from ramp.core.verdict import Action
from rampctl.rehearsal.fakes import FakeMetrics, House

from tests.statemachine.ramp_run import ARN, DEFINITION, RAMP, healthy

EVENTS = Path(__file__).parents[2] / "events"
BETA: dict[str, Any] = json.loads((EVENTS / "plans" / "beta.json").read_text())
HOPELESS: dict[str, Any] = {
    "steps": [{"percent": 0, "bake_seconds": 3_600}, {"percent": 100, "bake_seconds": 3_600}],
}
AUTO: dict[str, Any] = {"steps": "auto"}
SMALL = Traffic.at(1_000 / 86_400)
NOW = 1_800_000_000.0


def a_day(requests: int, hours: int = 24) -> list[Bucket]:
    """So many requests a day, in one minute of each hour of the last `hours` before NOW."""
    return [Bucket(NOW - 3_600 * hour, 60, -1, control_requests=requests // 24) for hour in range(hours, 0, -1)]


def faults(raw: dict[str, Any], buckets: list[Bucket]) -> tuple[str, ...]:
    """Why the plan is refused."""
    with pytest.raises(PlanInvalid) as caught:
        suited(raw, buckets, NOW)
    return caught.value.faults


def test_users_nobody_counted_are_as_many_as_the_traffic_suggests() -> None:
    """Fifty at a thousand requests a day, and never none."""
    assert (SMALL.users, Traffic.at(1_000).users, Traffic.at(1e-6).users, Traffic.at(1, 7).users) == (
        50,
        4_320_000,
        1,
        7,
    )


def test_auto_becomes_the_steps_that_suit_the_traffic() -> None:
    """Share by share, exactly, with everything else of the plan kept."""
    resolved = resolve({**AUTO, "flag": "other"}, Traffic.at(1_000))
    plan = Plan.parse(resolved)
    planned = auto_steps(Traffic.at(1_000), policy_of(plan))
    assert plan.flag == "other"
    assert [(step.share_ppm, step.bake_seconds, step.patience_seconds) for step in plan.steps] == [
        (step.share_ppm, step.bake_seconds, step.patience_seconds) for step in planned
    ]


def test_steps_that_people_wrote_are_left_as_they_are() -> None:
    """Whatever the traffic."""
    assert resolve(HOPELESS, SMALL) is HOPELESS


def test_steps_made_for_a_traffic_must_fit_the_rest_of_the_plan() -> None:
    """A day and more of probation does not fit an hour."""
    with pytest.raises(PlanInvalid, match="deadline_seconds: ends the ramp before its last step, got 3600"):
        resolve({**AUTO, "deadline_seconds": 3_600}, SMALL)


def test_a_tenth_of_the_answers_compared_takes_ten_times_as_long() -> None:
    """The certificate of the shadow bake counts what is sampled; none never comes."""
    seconds = [
        forecast_of(Plan.parse({**HOPELESS, "shadow": {"sample_percent": percent}}), SMALL).steps[0].certificate_seconds
        for percent in (100, 10, 0)
    ]
    assert seconds == [pytest.approx(535 * 86.4), pytest.approx(535 * 864), float("inf")]


def test_traffic_is_measured_from_the_first_request_on() -> None:
    """A route of three hours is not eight times as slow as it is; a burst of a minute is no rate."""
    day, young = measured_traffic(a_day(2_400), NOW), measured_traffic(a_day(2_400, hours=3), NOW)
    assert day == young == Traffic.at(100 / 3_600)
    assert measured_traffic([Bucket(NOW - 60, 60, -1, control_requests=36)], NOW) == Traffic.at(0.01)
    assert measured_traffic([], NOW) is None
    assert measured_traffic([Bucket(NOW - 60, 60, -1)], NOW) is None


def test_a_hopeless_plan_is_refused_with_a_better_one() -> None:
    """An hour of shadow, and as much again, at a thousand requests a day."""
    found = faults(HOPELESS, a_day(1_008))
    assert found[0].startswith("steps[0]: cannot pass, got 84 requests in 2 hours, expected 535 clean ones")
    assert found[-1].startswith(
        "steps: do not suit the traffic, got 2 steps, expected for example shadow with patience"
    )


@pytest.mark.parametrize(
    ("raw", "buckets", "why"),
    [
        (HOPELESS, [], "nothing is known"),
        (HOPELESS, a_day(1_008, hours=20), "less than a day is known"),
        (HOPELESS, a_day(4_800), "twice the traffic would do"),
        (HOPELESS | {"gate": "fixed"}, a_day(1_008), "thresholds ask for no certificates"),
        (BETA, a_day(86_400), "people decide at the step that cannot pass by itself"),
    ],
)
def test_a_plan_that_may_pass_is_not_refused(raw: dict[str, Any], buckets: list[Bucket], why: str) -> None:
    """Neither for want of history, nor by a narrow margin."""
    assert suited(raw, buckets, NOW) is raw, why


def test_a_ramp_that_its_deadline_would_cut_off_is_refused_with_both_numbers() -> None:
    """Half a day of shadow and what follows do not fit a day and a half, however patient the steps are."""
    steps = [{"percent": percent, "bake_seconds": 3_600, "patience_seconds": 604_800} for percent in (0, 25, 50, 100)]
    plan = {"steps": steps, "deadline_seconds": 86_400}
    found = forecast_of(Plan.parse(plan), SMALL)
    assert found.faults[0].startswith("deadline_seconds: settles the ramp before it is done, got 86400 (24 hours)")
    assert f"expected more than {ceil(found.watched_seconds)}" in found.faults[0]
    (fault,) = faults(plan, a_day(1_008))
    assert fault.startswith("deadline_seconds: settles the ramp before it is done, got 86400")
    assert forecast_of(Plan.parse({**plan, "deadline_seconds": 604_800}), SMALL).faults == ()
    assert suited(plan, a_day(1_008, hours=20), NOW) is plan, "less than a day is known"


def test_after_a_promotion_the_candidates_requests_are_the_traffic() -> None:
    """Control served nobody, and the next ramp meets the same users."""
    promoted = [
        bucket._replace(control_requests=0, candidate_requests=bucket.control_requests) for bucket in a_day(2_400)
    ]
    assert measured_traffic(promoted, NOW) == measured_traffic(a_day(2_400), NOW)


def test_an_auto_plan_without_traffic_says_what_to_do() -> None:
    """Nobody can make steps for what nobody knows."""
    (fault,) = faults(AUTO, [])
    assert 'got "auto" and no request in the last day' in fault
    assert "send traffic first, or write the steps as a list" in fault


def house_of(buckets: list[Bucket]) -> House:
    """A world whose control served `buckets` before."""

    class Known(FakeMetrics):
        def history(self, now: float) -> History:
            moved = (bucket._replace(start=bucket.start + now - NOW) for bucket in buckets)
            return History(tuple(moved), 20.0)

    return House(Known(healthy))


def prepared(raw: dict[str, Any], house: House) -> dict[str, Any]:
    """What Prepare Ramp gives, as JSON."""
    event = {"ramp": RAMP, "execution_arn": ARN, "plan": raw}
    output: dict[str, Any] = json.loads(json.dumps(tasks.prepare(event, house.world())))
    return output


@pytest.mark.parametrize(
    ("raw", "buckets", "said"),
    [(HOPELESS, a_day(1_008), "steps: do not suit the traffic"), (AUTO, [], "steps: cannot be made")],
)
def test_prepare_refuses_what_is_hopeless_and_takes_no_lock(
    raw: dict[str, Any], buckets: list[Bucket], said: str
) -> None:
    """Nothing is written, so that the next ramp can start at once."""
    house = house_of(buckets)
    verdict = prepared(raw, house)["verdict"]
    assert verdict["action"] == Action.REFUSE
    assert said in verdict["reason"]
    assert (house.table.locks, house.table.ramps, house.deadline.schedules) == ({}, {}, {})


def test_prepare_makes_the_steps_of_an_auto_plan_and_they_travel() -> None:
    """The state and its record hold the list, and people are told it."""
    house = house_of(a_day(1_008))
    output = prepared(AUTO, house)
    assert output["verdict"]["action"] == Action.START
    steps = output["ramp"]["raw_plan"]["steps"]
    assert [step["percent"] for step in steps] == [0, 25, 50, 80, 100]
    assert house.table.ramps[RAMP]["document"]["raw_plan"]["steps"] == steps
    assert "the steps are shadow, 25" in output["verdict"]["reason"]


def test_prepare_says_what_the_ramp_will_take_catch_risk_and_cost() -> None:
    """In the words of `ramp check`, in its output and in the message; of thresholds no catch, of no traffic nothing."""
    house = house_of(a_day(1_008))
    reason = prepared(AUTO, house)["verdict"]["reason"]
    for said in ("At 1,008 requests a day of 50 users", "days in all", "failures from", "users at risk: 13 at 25 %"):
        assert said in reason
    assert "for the whole plan at 1,008 requests a day; the ramp adds $" in reason
    (_, message), *_ = house.notices.told
    assert "users at risk: 13 at 25 %, all at the end" in message
    step = {"percent": 100, "bake_seconds": 60, "approval": True}
    fixed = prepared({"steps": [step], "gate": "fixed"}, house_of(a_day(1_008)))["verdict"]["reason"]
    assert "the bakes take 60 seconds in all; users at risk: 50 at 100 %. About $" in fixed
    unknown = prepared({"steps": [step]}, house_of([]))["verdict"]["reason"]
    assert unknown.endswith("is not known, since nothing was requested in the last day.")


def test_a_plan_whose_looks_and_questions_would_fill_the_history_is_refused_with_its_number() -> None:
    """A look a second for an hour and its patience: 7,200 looks of nine events."""
    with pytest.raises(PlanInvalid, match=r"look_seconds: may fill the execution's history, got 64856 events"):
        Plan.parse({"steps": [{"percent": 100, "bake_seconds": 3_600}], "look_seconds": 1})


def test_a_question_that_is_asked_until_the_deadline_fills_the_history_too() -> None:
    """Held for 30 days, a token every quarter of an hour; without an approval nothing is asked by plan."""
    step = {"percent": 100, "bake_seconds": 60, "approval": True}
    held = {"steps": [step], "approvals": {"on_timeout": "hold"}, "deadline_seconds": 2_592_000}
    with pytest.raises(PlanInvalid, match=r"look_seconds: may fill .*, expected at most 24000"):
        Plan.parse(held)
    assert Plan.parse({**held, "steps": [{**step, "approval": False}]})
    assert Plan.parse({**held, "deadline_seconds": 604_800})


def test_the_time_of_a_token_is_the_state_machines() -> None:
    """The core cannot read the definition."""
    assert DEFINITION["States"]["Ask For Decision"]["TimeoutSeconds"] == TOKEN_SECONDS
