"""What a ramp costs: each item follows what drives it, and the counts behind it are the product's own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ramp.adapters.metrics import COUNTS
from ramp.core import prices
from ramp.core.bill import forecast_sentence
from ramp.core.bucket import Bucket
from ramp.core.cadence import looks_within
from ramp.core.check import Verdict
from ramp.core.cost import METRICS_PER_LOOK, RAMP_SERIES, SERIES, Cost, cost_of, spent, traffic_of
from ramp.core.feasibility import forecast_of, suited
from ramp.core.plan import Plan, PlanInvalid
from ramp.core.planner import Forecast, Traffic
from ramp.gauges import gauges

ROOT = Path(__file__).parents[2]
BETA: dict[str, Any] = json.loads((ROOT / "events" / "plans" / "beta.json").read_text())
TWENTY = Traffic.at(20)


def cost(traffic: Traffic = TWENTY, **changes: Any) -> Cost:
    """Of the beta plan."""
    plan = Plan.parse({**BETA, **changes})
    return cost_of(forecast_of(plan, traffic), plan, traffic)


def dollars(found: Cost, name: str) -> float:
    """Of one item."""
    (item,) = [item for item in found.items if item.name == name]
    return item.dollars


def test_a_look_asks_for_as_many_metrics_as_the_adapter_does() -> None:
    """Every count, and of each arm the p95 and the number it is drawn from."""
    assert sum(map(len, COUNTS.values())) + 2 * len(COUNTS) == METRICS_PER_LOOK


def test_the_series_are_those_of_the_wire() -> None:
    """Each metric of each arm that docs/wire.md names."""
    section = (ROOT / "docs" / "wire.md").read_text().split("## Metrics")[1].split("## The ramp table")[0]
    emitted: dict[str, set[str]] = {}
    for arm, metrics in re.findall(r"^\| `(control|candidate|shadow)` \|[^|]*\|(.*)\|$", section, re.MULTILINE):
        emitted.setdefault(arm, set()).update(re.findall(r"`(\w+)`", metrics))
    assert {arm: len(metrics) for arm, metrics in emitted.items()} == SERIES


def test_the_ramps_own_series_are_those_of_its_looks() -> None:
    """What a look's log line turns into metrics, under one set of dimensions."""
    (directive,) = gauges("prismaAdapter", 0, 0, Verdict.PASS, 0.0)["_aws"]["CloudWatchMetrics"]
    assert len(directive["Metrics"]) * len(directive["Dimensions"]) == RAMP_SERIES


def test_custom_metrics_are_those_of_each_step_of_each_arm_and_of_the_ramp() -> None:
    """By hand, for a ramp of one hour at 100 %: the candidate's series under its step and under the arm, and three."""
    step = {"percent": 100, "bake_seconds": 3_600, "approval": False}
    an_hour = 0.30 / 730
    assert dollars(cost(gate="fixed", steps=[step]), "custom metrics") == pytest.approx((13 + 13 + 3) * an_hour)


def test_shadow_reads_cost_what_lambda_charges_for_two_invocations() -> None:
    """By hand: 20 a second, an hour each of everybody and of 99 %, a comparator of 50 ms that waits 30 ms."""
    shadow = 20 * 3_600 * (1 + 0.99)
    gb_seconds = shadow * (0.05 + 0.03) * 0.5
    expected = 2 * shadow * prices.LAMBDA_REQUEST + gb_seconds * prices.LAMBDA_GB_SECOND
    assert dollars(cost(), "shadow reads") == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("change", "cheaper"),
    [
        ({"shadow": {"sample_percent": 50}}, ("shadow reads", "logs of shadow")),
        ({"shadow": {"sample_percent": 0}}, ("candidate's reads", "logs of the candidate", "logs of shadow")),
        ({"look_seconds": 900}, ("GetMetricData", "state transitions", "tasks")),
    ],
)
def test_what_the_plan_asks_less_of_costs_less(change: dict[str, Any], cheaper: tuple[str, ...]) -> None:
    """The choices that the bill names as what moves it."""
    before, after = cost(gate="fixed"), cost(gate="fixed", **change)
    for name in cheaper:
        assert dollars(after, name) < dollars(before, name)
    assert after.dollars < before.dollars


def test_a_bill_adds_up_and_tells_the_ramp_from_what_accrues_anyway() -> None:
    """Logs of the router and traces are there without a ramp."""
    found = cost()
    assert found.dollars == pytest.approx(sum(item.dollars for item in found.items))
    anyway = dollars(found, "logs of the router") + dollars(found, "traces of reads")
    assert found.dollars - found.added_dollars == pytest.approx(anyway)
    assert found.dollars / found.months == pytest.approx(found.dollars * prices.MONTH_SECONDS / (3 * 3_600))


def test_more_traffic_costs_more_and_the_machine_does_not() -> None:
    """Looks are as many at any rate."""
    small, large = cost(gate="fixed"), cost(Traffic.at(200), gate="fixed")
    assert dollars(large, "shadow reads") == pytest.approx(10 * dollars(small, "shadow reads"))
    assert dollars(large, "state transitions") == dollars(small, "state transitions")


def looked(step: int, until: float, requests: int, served: int, look: int = 1, sample: float = 1.0) -> dict[str, Any]:
    """The step's look of that number, which found these counts since its step began; a `sample` of control's answers
    was read in shadow.
    """
    counts = {"control": requests - served, "candidate": served, "shadow": round((requests - served) * sample)}
    arms = {arm: {"requests": count, "comparisons": count} for arm, count in counts.items()}
    return {"step": step, "look": look, "evidence": {**arms, "until": until}}


def test_what_was_spent_follows_from_what_the_last_look_of_each_step_counted() -> None:
    """Looks count their step from its beginning: the ones before are looks to pay for, and no further requests."""
    once = spent([looked(0, 3600, 1000, 0), looked(1, 7200, 1000, 500)], 0)
    more = [looked(0, 1800, 400, 0), looked(0, 3600, 1000, 0, look=2), looked(1, 7200, 1000, 500)]
    twice = spent(more, 0)
    assert dollars(twice, "shadow reads") == dollars(once, "shadow reads") > 0
    assert dollars(twice, "candidate's reads") == dollars(once, "candidate's reads") > 0
    assert dollars(twice, "GetMetricData") == pytest.approx(dollars(once, "GetMetricData") * 3 / 2)
    assert (once.seconds, twice.seconds) == (7200, 7200)
    assert spent(more[1:], 0) == twice  # a sample with the ends of its steps says as much
    assert traffic_of(more, 0).requests_per_second == pytest.approx(2000 / 7200)


@pytest.mark.parametrize("percent", [100, 10, 1])
def test_a_ramp_that_goes_as_forecast_costs_what_was_forecast(percent: float) -> None:
    """Two ways to the same bill, item by item: what the candidate serves is compared whatever the sample."""
    changes: dict[str, Any] = {"shadow": {"sample_percent": percent}}
    plan = Plan.parse({**BETA, **changes})
    forecast, counted, until = cost(**changes), [], 0.0
    for step, item in enumerate(forecast_of(plan, TWENTY).steps):
        seconds = min(item.seconds, item.limit_seconds)
        requests = round(TWENTY.requests_per_second * seconds)
        looks = looks_within(seconds, plan.look_seconds)
        until += seconds
        served = round(requests * item.step.share)
        counted.append(looked(step, until, requests, served, looks, percent / 100))
    found = spent(counted, 0)
    assert found.dollars == pytest.approx(forecast.dollars, rel=0.02)
    for each in forecast.items:
        assert dollars(found, each.name) == pytest.approx(each.dollars, rel=0.05), each.name


def test_a_smaller_sample_saves_nothing_of_what_the_candidate_serves() -> None:
    """By hand: 20 a second, an hour each of 1 % and of everybody; each answer of the candidate is compared."""
    served = 20 * 3_600 * 1.01
    for percent in (100, 10):
        found = cost(gate="fixed", shadow={"sample_percent": percent})
        assert dollars(found, "logs of the candidate") == pytest.approx(served * (0.7 + 1.5) * prices.LOG_GB / 1e6)
        compared = served * (prices.LAMBDA_REQUEST + 0.02 * 0.5 * prices.LAMBDA_GB_SECOND)
        read = served * (prices.LAMBDA_REQUEST + 2 * 0.03 * 0.5 * prices.LAMBDA_GB_SECOND)
        assert dollars(found, "candidate's reads") == pytest.approx(compared + read)


@pytest.mark.parametrize(
    ("rate", "said"),
    [(1_000, "1,000 requests a second"), (2.5, "2.5 requests a second"), (100 / 86_400, "100 requests a day")],
)
def test_a_bill_tells_its_traffic_in_plain_numbers(rate: float, said: str) -> None:
    """Of any size."""
    assert f"whole plan at {said};" in forecast_sentence(cost(Traffic.at(rate), gate="fixed"), Traffic.at(rate))


def test_a_ramp_without_a_look_has_cost_nearly_nothing() -> None:
    assert spent([], 0).dollars < 0.01


PAGE = (ROOT / "docs" / "cost.md").read_text()
ROW = re.compile(
    r"^\| (\w+), ([\d.]+) (hours|days) \| ([\d,]+) a (day|second) \| \$(\S+) \| \$(\S+) \| \$(\S+) \|$", re.MULTILINE
)


def billed(plan_name: str, rate: str, of: str, **changes: Any) -> tuple[Forecast, Cost]:
    """Of a plan that people start from, at a traffic in the words of the page."""
    raw = json.loads((ROOT / "events" / "plans" / f"{plan_name}.json").read_text())
    plan = Plan.parse({**raw, **changes})
    traffic = Traffic.at(float(rate.replace(",", "")) / {"day": 86_400, "second": 1}[of])
    forecast = forecast_of(plan, traffic)
    return forecast, cost_of(forecast, plan, traffic)


def test_every_row_of_the_pages_table_is_looked_at() -> None:
    """The head and the line under it are none."""
    assert len(ROW.findall(PAGE)) == len(re.findall(r"^\|", PAGE, re.MULTILINE)) - 2 > 0


@pytest.mark.parametrize("row", ROW.findall(PAGE), ids=" ".join)
def test_the_pages_table_is_what_ramp_check_prints(row: tuple[str, ...]) -> None:
    """Rounded as it is there, and of ramps that begin: none of their steps is hopeless."""
    name, takes, unit, rate, of, *money = row
    forecast, found = billed(name, rate, of)
    assert not forecast.faults
    assert found.seconds / {"hours": 3_600, "days": 86_400}[unit] == pytest.approx(float(takes), abs=0.05)
    for said, amount in zip(money, (found.dollars, found.added_dollars, found.dollars / found.months), strict=True):
        assert said == (f"{amount:.2f}" if "." in said else f"{amount:.0f}")


def test_what_the_page_says_of_samples_holds() -> None:
    """A tenth at 50 requests a second, a hundredth at 1,000."""
    _, whole = billed("production", "50", "second")
    _, tenth = billed("production", "50", "second", shadow={"sample_percent": 10})
    assert f"own ${whole.added_dollars:.0f} become ${tenth.added_dollars:.0f}" in PAGE
    _, hundredth = billed("production", "1,000", "second", shadow={"sample_percent": 1})
    served = sum(dollars(hundredth, name) for name in ("logs of the candidate", "candidate's reads"))
    assert f"${served:.0f} of the ${hundredth.added_dollars:.0f}" in PAGE


def test_the_beta_is_refused_at_a_traffic_that_the_page_says_is_too_small() -> None:
    """A bill for a ramp that does not begin would mislead."""
    now = 86_400.0
    day = [Bucket(86.4 * number, 60, -1, 0, control_requests=1) for number in range(1_000)]
    with pytest.raises(PlanInvalid):
        suited(BETA, day, now)
