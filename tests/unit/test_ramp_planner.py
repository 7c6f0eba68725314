"""The steps that suit a traffic, and what is said about the ones that do not."""

from itertools import pairwise

import pytest
from ramp.core.planner import PlannedStep, Traffic, auto_steps, first_share, forecast
from ramp.core.policy import Policy
from scipy.stats import binom

POLICY = Policy()
SMALL = Traffic(1_000 / 86_400, 50)
LARGE = Traffic(1_000, 4_320_000)


@pytest.mark.parametrize(
    ("traffic", "percent"), [(SMALL, 25), (Traffic(50, 216_000), 0.0278), (LARGE, 0.00139), (Traffic(1, 20), 25)]
)
def test_the_first_share_exposes_two_or_three_requests_and_five_users(traffic: Traffic, percent: float) -> None:
    """No more than a quarter, however small the traffic."""
    assert 100 * first_share(traffic) == pytest.approx(percent, rel=0.01)


@pytest.mark.parametrize("traffic", [SMALL, Traffic(0.2, 800), Traffic(1, 4_320), Traffic(50, 216_000), LARGE])
def test_planned_steps_rise_from_shadow_to_everybody_and_are_not_hopeless(traffic: Traffic) -> None:
    """Strictly, at most fourfold, and each can pass in its time."""
    steps = auto_steps(traffic, POLICY)
    shares = [step.share_ppm for step in steps]
    assert shares[0] == 0
    assert shares[-1] == 1_000_000
    assert all(0 < b / a <= 4.05 for a, b in pairwise(shares[1:]))
    found = forecast(steps, traffic, POLICY)
    assert found.faults == ()
    assert found.history_events < 25_000


def test_a_clean_candidate_of_a_small_team_is_promoted_in_a_day_and_a_half() -> None:
    """At a thousand requests a day, most of it certificates."""
    *before_whole, _ = forecast(auto_steps(SMALL, POLICY), SMALL, POLICY).steps
    assert sum(step.seconds for step in before_whole) < 36 * 3_600


def test_a_forecast_says_what_each_step_takes_and_catches() -> None:
    """A quarter of a thousand a day, before half of the users: 89 clean requests."""
    step = forecast(auto_steps(SMALL, POLICY), SMALL, POLICY).steps[1]
    assert step.certificate_requests == 89
    assert step.users_at_risk == 13
    assert step.certificate_seconds == pytest.approx(89 / 250 * 86_400)
    assert "89 clean ones" in step.sentence()
    assert 0.05 < step.caught_rate < 0.3


def test_more_requests_catch_smaller_regressions() -> None:
    """From nothing at all to just over the limit."""
    rates = [
        forecast([PlannedStep(1_000_000, seconds, 0)], Traffic(1, 4_320), POLICY).steps[0].caught_rate
        for seconds in (60, 600, 6_000, 600_000)
    ]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.023


def test_a_hopeless_step_is_refused_with_a_plan_that_suits() -> None:
    """An hour of shadow and an hour at 1 % certify nothing at a thousand requests a day."""
    steps = [PlannedStep(0, 3_600, 0), PlannedStep(10_000, 3_600, 3_600), PlannedStep(1_000_000, 3_600, 86_400)]
    faults = forecast(steps, SMALL, POLICY).faults
    assert faults[0].startswith("steps[0]: cannot pass, got 42 requests in 60 minutes, expected 535 clean ones")
    assert faults[-1].startswith("steps: do not suit the traffic")
    assert "25 %" in faults[-1]


def test_a_small_share_of_few_users_is_often_nobody_and_that_is_said() -> None:
    """1 % of 50 users is nobody in 0.99^50 of ramps; the 5 % that follow cannot count on what 1 % saw."""
    shares = ((0, 86_400), (10_000, 172_800), (50_000, 86_400), (250_000, 86_400), (1_000_000, 3_600))
    found = forecast([PlannedStep(ppm, seconds, seconds) for ppm, seconds in shares], SMALL, POLICY)
    assert found.faults == ()
    assert found.steps[1].empty_share == pytest.approx(0.99**50)
    assert found.steps[1].asked_share == pytest.approx(0.99**50)
    assert found.steps[2].asked_share == pytest.approx(float(binom.cdf(1, 50, 0.05)))
    assert found.warnings[0].startswith("steps[1]: ends in a question in about 61 % of ramps of a sound candidate")
    assert found.warnings[-1].startswith('steps: "auto" would serve everybody after 27.7 hours and ask in about 0 %')
    many = forecast([PlannedStep(ppm, seconds, seconds) for ppm, seconds in shares], Traffic(1, 4_320), POLICY)
    assert many.warnings == ()


@pytest.mark.parametrize(("share_ppm", "users"), [(10_000, 50), (278, 216_000), (17, 4_320_000), (500_000, 3)])
def test_how_often_too_few_users_fall_into_a_share_is_the_binomial_distribution(share_ppm: int, users: int) -> None:
    """By scipy, with a request of each user in the step's time."""
    step = PlannedStep(share_ppm, 86_400, 0)
    traffic = Traffic(users / 86_400, users)
    item = forecast([step, PlannedStep(1_000_000, 60, 60)], traffic, POLICY).steps[0]
    expected = float(binom.cdf(item.certificate_requests - 1, users, share_ppm / 1e6))
    assert item.asked_share == pytest.approx(expected, abs=1e-6)


def test_where_no_steps_would_do_none_are_named() -> None:
    """Ten requests a day certify nothing in two weeks."""
    traffic = Traffic(10 / 86_400, 5)
    faults = forecast(auto_steps(traffic, POLICY), traffic, POLICY).faults
    said = "steps: do not suit the traffic, got 5 steps, expected more requests, or more of them compared"
    assert [fault for fault in faults if fault.startswith(said)], faults


def test_no_traffic_is_refused() -> None:
    """Nothing can be certified."""
    assert "no requests" in forecast(auto_steps(LARGE, POLICY), Traffic(0, 0), POLICY).faults[0]


def test_looks_that_would_fill_the_history_are_refused() -> None:
    """A look a second for a day is more than an execution remembers."""
    steps = [PlannedStep(1_000_000, 86_400, 0)]
    assert "at most 25000" in forecast(steps, LARGE, POLICY, look_seconds=1).faults[-1]


def test_a_loose_limit_on_mismatches_leaves_the_certificate_of_errors() -> None:
    """The slowest of the shadow bake's certificates counts."""
    steps = [PlannedStep(0, 3_600, 3_600), PlannedStep(1_000_000, 3_600, 3_600)]
    shadow, _ = forecast(steps, Traffic.at(1.0), Policy(mismatch_certified=0.9)).steps
    assert shadow.certificate_requests == 267


def test_half_a_user_at_risk_is_one() -> None:
    """1 % of 50 users may be somebody; 7 % of 100 are 7, whatever binary fractions say."""
    few = forecast([PlannedStep(10_000, 60, 60)], Traffic.at(1.0, 50), POLICY).steps[0]
    many = forecast([PlannedStep(70_000, 60, 60)], Traffic.at(1.0, 100), POLICY).steps[0]
    assert (few.users_at_risk, many.users_at_risk) == (1, 7)
