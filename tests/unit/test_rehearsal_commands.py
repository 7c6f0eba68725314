"""`ramp rehearse` and `ramp backtest` as a script meets them: output, standard error, exit code."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from ramp.adapters.metrics import COUNTS, Metrics
from ramp.core.bucket import Bucket
from ramp.core.plan import Plan
from rampctl.exits import CommandError
from rampctl.main import app
from rampctl.rehearsal import recording
from rampctl.rehearsal.judging import judged
from typer.testing import CliRunner, Result

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

EVENTS = Path(__file__).parents[2] / "events"
RECORDED = str(EVENTS / "recorded" / "two-days.csv")
BETA = str(EVENTS / "plans" / "beta.json")
PLAN = {
    "steps": [
        {"percent": 0, "bake_seconds": 600},
        {"percent": 10, "bake_seconds": 600},
        {"percent": 100, "bake_seconds": 600},
    ]
}


def ramp(*arguments: str) -> Result:
    """Run `ramp` with these arguments."""
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def plan(tmp_path: Path) -> str:
    """A short plan in a file."""
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(PLAN))
    return str(file)


def test_the_exit_code_is_the_outcome_and_json_tells_the_story(plan: str) -> None:
    """0 promoted, 1 rolled back, with the moments and the counts."""
    for candidate, code, outcome in (("", 0, "promoted"), ("errors=20%", 1, "rolled back")):
        result = ramp("rehearse", plan, "--traffic", "20/s", "--candidate", candidate, "--json")
        told = json.loads(result.stdout)
        assert (result.exit_code, told["exit_code"], told["outcome"]) == (code, code, outcome)
        assert told["timeline"][-1]["word"] == ("ROLL_BACK" if code else "PROMOTE")


def test_people_get_a_timeline_and_a_summary(plan: str) -> None:
    """When, where, what, why; then the counts."""
    words = " ".join(ramp("rehearse", plan, "--traffic", "20/s").stdout.split())
    for said in ("ADVANCE", "PROMOTE", "promoted after 3", "users saw 0", "nobody was asked"):
        assert said in words


def test_the_faults_of_both_scenarios_come_at_once_and_exit_with_2(plan: str) -> None:
    """On standard error, and nothing is played."""
    result = ramp("rehearse", plan, "--traffic", "1/s", "--candidate", "errors=5", "--control", "foo")
    assert result.exit_code == 2
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["--candidate", "--control"]
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--traffic", "much"), "--traffic: is no rate"),
        (("--traffic", "1/s", "--answer-after", "soon"), "--answer-after: is no duration"),
        (("--traffic", "1/s", "--picture", "ramp.gif"), "expected a name ending in .svg or .png"),
        (("--traffic", "1/s", "--runs", "2", "--picture", "ramp.svg"), "expected one of the two"),
    ],
)
def test_other_wrong_options_exit_with_2(plan: str, options: tuple[str, ...], said: str) -> None:
    """Each by its name."""
    result = ramp("rehearse", plan, *options)
    assert result.exit_code == 2
    assert said in result.stderr


def fixed(tmp_path: Path, **changes: Any) -> str:
    """The short plan with plain thresholds, in a file."""
    file = tmp_path / "fixed.json"
    file.write_text(json.dumps({**PLAN, "gate": "fixed", **changes}))
    return str(file)


def test_many_runs_of_a_fixed_plan_are_the_ramps_that_are_played_one_by_one(tmp_path: Path) -> None:
    """So that the gates can be compared."""
    asked = ("rehearse", fixed(tmp_path), "--traffic", "5/s", "--candidate", "live-errors=2.5%", "--json")
    many = json.loads(ramp(*asked, "--runs", "4").stdout)
    single = [json.loads(ramp(*asked, "--seed", str(seed)).stdout) for seed in (1, 2, 3, 4)]
    assert many["outcomes"] == Counter(told["outcome"] for told in single)
    assert many["seconds"][-1] == pytest.approx(max(told["seconds"] for told in single), abs=1)
    assert many["failures"][-1] == max(told["candidate_failures"] for told in single)


def test_a_fixed_plan_is_backtested_and_rolls_back_what_the_other_gate_does_not(tmp_path: Path) -> None:
    """A burst of failures in the wrong ten minutes is over a plain threshold, and proves nothing."""
    rows = [
        {"start": 60 * minute, "control_requests": 20, "control_errors": 0 if minute % 45 else 8}
        for minute in range(2 * 1_440)
    ]
    file, proof = tmp_path / "days.json", tmp_path / "proof.json"
    file.write_text(json.dumps(rows))
    proof.write_text(json.dumps(PLAN))
    rolled_back = {}
    for path in (fixed(tmp_path), str(proof)):
        result = ramp("backtest", path, "--from", str(file), "--runs", "6", "--json")
        assert result.exit_code == 0, result.output
        rolled_back[path] = json.loads(result.stdout)["healthy"]["outcomes"].get("rolled back", 0)
    assert [*rolled_back.values()] == [6, 0]


def test_a_recorded_candidate_is_held_to_plain_thresholds_as_well() -> None:
    """Rolled back at once where failures are beyond repair; asked about only once the bake is over."""
    plan = Plan.parse({**PLAN, "gate": "fixed"})
    minute = Bucket(0, 60, 1, control_requests=90, candidate_requests=10, comparisons=10)
    failing = minute._replace(candidate_errors=1, candidate_discordant=1)
    differing = minute._replace(mismatches=1)
    for kind, at in ((minute, None), (failing, 180.0), (differing, 600.0)):
        found = judged(plan, [kind._replace(start=60 * number) for number in range(30)])
        assert found is not None
        assert (found.at, found.step) == (at, 1)
        assert {check.name for check in found.checks} == {"errors", "mismatches", "share"}


def test_many_runs_give_a_distribution_that_its_seed_repeats(plan: str) -> None:
    """Exit code 0 however the ramps end."""
    asked = ("rehearse", plan, "--traffic", "20/s", "--candidate", "live-errors=20%", "--runs", "8", "--json")
    first, second = ramp(*asked), ramp(*asked)
    told = json.loads(first.stdout)
    assert first.exit_code == 0
    assert told == json.loads(second.stdout)
    assert told["outcomes"] == {"rolled back": 8}
    assert told["failures"][1] > 0
    assert told["seen"][-1] <= 1


def test_a_backtest_replays_healthy_days_and_judges_the_recorded_candidate() -> None:
    """No quiet day is rolled back; the candidate that failed 6 % on the second day is condemned on it."""
    result = ramp("backtest", BETA, "--from", RECORDED, "--runs", "8", "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 0, result.output
    assert (told["days"], told["healthy"]["outcomes"], told["rolled_back_by_day"]) == (2, {"promoted": 8}, {})
    assert told["candidate"]["seconds"] > 86_400
    assert any(row["verdict"] == "FAIL" and "error" in row["name"] for row in told["candidate"]["checks"])
    assert told["quiet"] == {"runs": 8, "rolled_back": 0, "rate_high": pytest.approx(0.253, abs=0.001)}
    words = ramp("backtest", BETA, "--from", RECORDED, "--runs", "2")
    assert words.exit_code == 0, words.output
    assert "recorded candidate" in words.stdout
    assert "proven above 1.05 %" in " ".join(words.stdout.split())
    assert "false rollbacks on quiet days: 0 of 2 ramps" in words.stdout


def test_a_recording_of_control_alone_says_what_it_cannot_tell(plan: str, tmp_path: Path) -> None:
    """And its loud days are not counted as quiet ones."""
    rows = [
        {"start": 60 * minute, "control_requests": 600, "control_errors": 200 if minute // 60 == 30 else 1}
        for minute in range(2_880)
    ]
    file = tmp_path / "control.json"
    file.write_text(json.dumps(rows))
    told = ramp("backtest", plan, "--from", str(file), "--runs", "4", "--json").stdout
    assert json.loads(told)["quiet"]["runs"] == 2
    assert "only control is in the recording" in ramp("backtest", plan, "--from", str(file), "--runs", "2").stdout


def test_shadow_reads_alone_are_judged_at_the_shadow_step() -> None:
    """A candidate that fails in shadow is condemned where it was recorded."""
    minutes = [
        Bucket(60 * i, 60, 0, control_requests=900, shadow_requests=900, shadow_errors=90, shadow_discordant=90)
        for i in range(30)
    ]
    found = judged(Plan.parse(PLAN), minutes)
    assert found is not None
    assert found.step == 0
    assert found.at == 60


def test_a_recorded_candidate_that_is_healthy_is_not_condemned() -> None:
    """And without one there is nothing to judge."""
    quiet = [Bucket(60 * i, 60, 0, control_requests=900, control_errors=1, candidate_requests=100) for i in range(60)]
    found = judged(Plan.parse(PLAN), quiet)
    assert found is not None
    assert (found.at, found.step) == (None, 1)
    assert judged(Plan.parse(PLAN), [bucket._replace(candidate_requests=0) for bucket in quiet]) is None


def test_a_recording_is_json_or_csv_and_its_faults_come_at_once(tmp_path: Path) -> None:
    """By row and field."""
    rows: list[Any] = [{"start": 120, "control_requests": 5}, {"start": 60, "control_requests": 7, "control_errors": 1}]
    file = tmp_path / "r.json"
    file.write_text(json.dumps(rows))
    found = recording.from_file(str(file))
    assert [(bucket.start, bucket.control_requests, bucket.control_errors) for bucket in found] == [
        (60, 7, 1),
        (120, 5, 0),
    ]
    bad = [{"start": 61}, 3, {"start": 60, "foo": 1, "control_errors": 2}, {"control_requests": -1}]
    file.write_text(json.dumps(bad))
    with pytest.raises(CommandError) as caught:
        recording.from_file(str(file))
    said = [line.removeprefix(f"{file}: ").split(" got")[0] for line in str(caught.value).splitlines()]
    assert said == [
        "row 1: start: is not on a minute,",
        "row 2: is no minute,",
        "row 3: foo: is no field,",
        "row 3: control_errors: are more than requests,",
        "row 4: control_requests: is no count,",
        "row 4: start: is not on a minute,",
    ]


def test_cloudwatch_is_read_a_day_at_a_time_with_every_arm() -> None:
    """Through the adapter that the ramp itself reads its evidence with."""
    client: CloudWatchClient = boto3.client("cloudwatch", region_name="us-east-1")
    asked = [(arm, metric) for arm, metrics in COUNTS.items() for metric in metrics]
    wanted = {("control", "requests"): 3.0, ("candidate", "requests"): 2.0, ("shadow", "discordant_errors"): 1.0}
    when = [datetime(2026, 11, 20, tzinfo=UTC)]
    with Stubber(client) as stub:
        for day in (1, 2):
            series = [
                {"Id": f"q{index}", "Timestamps": when if key in wanted else [], "Values": values}
                for index, key in enumerate(asked)
                for values in [[day * wanted[key]] if key in wanted else []]
            ]
            stub.add_response("get_metric_data", {"MetricDataResults": series})
        found = recording.from_cloudwatch(Metrics(client, ()), 1_800_000_030.0, 2)
        stub.assert_no_pending_responses()
    assert [(each.control_requests, each.candidate_requests, each.shadow_discordant) for each in found] == [
        (3, 2, 1),
        (6, 4, 2),
    ]


def test_many_runs_are_the_same_in_one_process_and_in_two(plan: str) -> None:
    """Refused ones among them, which cost nothing."""
    asked = ("rehearse", plan, "--traffic", "20/s,diurnal=80%,burst=1", "--runs", "6", "--json")
    assert ramp(*asked, "--jobs", "1").stdout == ramp(*asked, "--jobs", "2").stdout
    told = json.loads(ramp("rehearse", plan, "--traffic", "100/day", "--runs", "3", "--json").stdout)
    assert (told["outcomes"], told["seconds"][-1]) == ({"refused": 3}, 0)


def test_a_refused_rehearsal_says_why_and_draws_nothing(plan: str, tmp_path: Path) -> None:
    """Exit code 2, as a refused ramp has."""
    file = tmp_path / "ramp.svg"
    result = ramp("rehearse", plan, "--traffic", "100/day", "--picture", str(file))
    assert result.exit_code == 2
    assert "does not suit the traffic" in " ".join(result.stdout.split())
    assert not file.exists()
