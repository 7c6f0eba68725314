"""`ramp check` with traffic, and the other commands that meet a plan whose steps are made later."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ramp.adapters.metrics import History
from ramp.core.bucket import Bucket
from rampctl import ramps
from rampctl.main import app
from rampctl.session import Session
from typer.testing import CliRunner, Result

PLANS = Path(__file__).parents[2] / "events" / "plans"
PRODUCTION, BETA, DEMO = (str(PLANS / f"{name}.json") for name in ("production", "beta", "demo"))


def check(*arguments: str, stdin: str | None = None) -> Result:
    """Run `ramp check` with these arguments."""
    return CliRunner().invoke(app, ["check", *arguments], input=stdin)


def test_a_forecast_has_a_row_for_each_step_and_the_whole_in_words() -> None:
    """The shadow bake of the production ramp at a thousand requests a day."""
    result = check(PRODUCTION, "--traffic", "1000/day")
    words = " ".join(result.stdout.split())
    assert result.exit_code == 0, result.output
    assert "shadow 1,000 535 clean 12.8 hours 4.8 % 0" in words
    assert "At 1,000 requests a day of 50 users" in words
    assert "takes 6 days in all" in words
    assert "of the 25,000 events" in words


def test_steps_that_will_often_end_in_questions_are_told_with_what_would_not() -> None:
    """The production ramp for fifty users: sound, and yet 1 % of them is nobody in most ramps."""
    result = check(PRODUCTION, "--traffic", "1000/day")
    assert result.exit_code == 0
    assert (
        "steps[1]: ends in a question in about 61 % of ramps of a sound candidate, got 1 % of 50 users" in result.stdout
    )
    assert 'steps: "auto" would serve everybody after 27.7 hours' in result.stdout
    assert json.loads(check(PRODUCTION, "--traffic", "1000/day", "--json").stdout)["warnings"]
    assert "ends in a question" not in check(PRODUCTION, "--traffic", "1/s").stdout


def test_a_forecast_comes_with_its_bill() -> None:
    """Item by item with what moves it, for people and for scripts."""
    words = " ".join(check(PRODUCTION, "--traffic", "1000/day").stdout.split())
    assert re.search(
        r"About \$\d\.\d\d for the whole plan at 1,000 requests a day; the ramp adds [^;]* most of that custom metrics",
        words,
    ), words
    assert "cost the ramp a month moved by" in words
    assert re.search(r"custom metrics \$\d+\.\d\d \$\d+\.\d\d steps\[\]\.bake_seconds", words), words
    assert "Prices of us-east-1 as of" in words
    told = json.loads(check(PRODUCTION, "--traffic", "1000/day", "--json").stdout)["cost"]
    assert told["dollars"] == pytest.approx(sum(item["dollars"] for item in told["items"]))
    assert told["added_dollars"] < told["dollars"]


def test_without_traffic_there_is_no_forecast() -> None:
    """The plan alone."""
    assert "certificate after" not in " ".join(check(PRODUCTION).stdout.split())
    assert "forecast" not in json.loads(check(PRODUCTION, "--json").stdout)


def test_an_infeasible_plan_exits_with_2_and_a_better_one() -> None:
    """The table first, the sentences on standard error; the same for scripts."""
    result = check(BETA, "--traffic", "1000/day")
    assert result.exit_code == 2
    assert "535 clean" in result.stdout
    lines = result.stderr.splitlines()
    assert lines[0].startswith("steps[0]: cannot pass, got 83 requests in 2 hours, expected 535 clean ones")
    assert lines[-1].startswith("steps: do not suit the traffic")
    scripted = check(BETA, "--traffic", "1000/day", "--json")
    told = json.loads(scripted.stdout)
    assert (scripted.exit_code, told["valid"], told["faults"]) == (2, False, lines)
    assert told["forecast"]["steps"][0]["certificate_requests"] == 535


def test_a_plan_of_thresholds_is_forecast_and_not_refused() -> None:
    """It asks for no certificates."""
    result = check(DEMO, "--traffic", "1000/day")
    assert result.exit_code == 0
    assert "this plan asks for plain thresholds" in " ".join(result.stdout.split())


def test_a_certificate_that_never_comes_is_null_for_scripts_and_never_for_people() -> None:
    """Nothing is compared, so the shadow bake shows nothing; JSON knows no infinity."""
    plan = json.dumps({"steps": [{"percent": 0, "bake_seconds": 60}, {"percent": 100, "bake_seconds": 60}]})
    blind = json.dumps(json.loads(plan) | {"shadow": {"sample_percent": 0}})
    told = json.loads(check("-", "--traffic", "50/s", "--json", stdin=blind).stdout, parse_constant=pytest.fail)
    assert told["forecast"]["steps"][0]["certificate_seconds"] is None
    assert "never" in check("-", "--traffic", "50/s", stdin=blind).stdout


def test_an_auto_plan_shows_the_steps_that_suit_the_traffic() -> None:
    """And without traffic says when they are made."""
    auto = '{"steps": "auto"}'
    shown = check("-", "--traffic", "1000/day", stdin=auto)
    assert shown.exit_code == 0, shown.output
    assert "80 %" in shown.stdout.replace("\N{NO-BREAK SPACE}", " ")
    unknown = check("-", stdin=auto)
    assert unknown.exit_code == 0
    assert "The steps are made when the ramp starts" in unknown.stdout


def test_more_users_are_more_users_at_risk() -> None:
    """A quarter of a thousand."""
    told = json.loads(check("-", "--traffic", "1/s", "--users", "1000", "--json", stdin='{"steps": "auto"}').stdout)
    assert told["forecast"]["users"] == told["forecast"]["steps"][-1]["users_at_risk"] == 1_000


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--traffic", "much"], "--traffic: is no rate"),
        (["--traffic", "0/s"], "--traffic: gives no evidence"),
        (["--traffic", "1/s", "--from-cloudwatch", "1d"], "--traffic: is measured already"),
        (["--from-cloudwatch", "15d"], "--from-cloudwatch: is out of range, got 15d, expected 1d to 14d"),
        (["--from-cloudwatch", "36h"], "--from-cloudwatch: is out of range"),
        (["--users", "5"], "say nothing by themselves"),
        (["--local"], "say nothing by themselves"),
    ],
)
def test_wrong_options_exit_with_2(options: list[str], said: str) -> None:
    """One sentence, before any plan is read or AWS asked."""
    result = check(PRODUCTION, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


class Counted:
    """CloudWatch as it counted one request of an arm every minute, or nothing."""

    def __init__(self, requests: int, arm: str = "control") -> None:
        self.metrics = self
        self._counts = {f"{arm}_requests": requests}

    def history(self, now: float) -> History:
        starts = range(int(now) - 86_400, int(now), 60)
        return History(tuple(Bucket(start, 60, -1, **self._counts) for start in starts))


@pytest.mark.parametrize("arm", ["control", "candidate"])
def test_traffic_can_be_measured_whichever_arm_served_it(arm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request a minute is what is found in each of three days, after a promotion as well."""
    monkeypatch.setattr(Session, "open", lambda *, local: Counted(1, arm))
    told = json.loads(check(PRODUCTION, "--from-cloudwatch", "3d", "--json").stdout)
    assert told["forecast"]["requests_per_second"] == pytest.approx(1 / 60, rel=0.001)


def test_a_route_without_requests_cannot_be_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said in a sentence."""
    monkeypatch.setattr(Session, "open", lambda *, local: Counted(0))
    result = check(PRODUCTION, "--from-cloudwatch", "1d")
    assert result.exit_code == 4
    assert "CloudWatch: has counted no request in 1d" in result.stderr


def test_an_auto_plan_can_be_rehearsed(tmp_path: Path) -> None:
    """A healthy candidate at a thousand requests a day is promoted, however thin the first minutes of a step are."""
    plan = tmp_path / "auto.json"
    plan.write_text('{"steps": "auto"}')
    arguments = ["rehearse", str(plan), "--traffic", "1000/day", "--answer", "approve", "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["outcome"] == "promoted"


def test_a_ramps_plan_is_the_one_that_was_recorded() -> None:
    """Its steps are made by Prepare Ramp; until then there are none to show."""
    record: dict[str, Any] = {"document": {"raw_plan": {"steps": [{"percent": 100, "bake_seconds": 60}]}}}
    plan = ramps.parsed('{"steps": "auto"}', record)
    assert plan is not None
    assert [step.share_ppm for step in plan.steps] == [1_000_000]
    assert ramps.parsed('{"steps": "auto"}') is None
