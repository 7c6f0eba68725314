"""The `ramp` command as a script meets it: output, standard error, exit code."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from local_stack.process import LocalStackError
from ramp.core.plan import PlanInvalid
from rampctl import plans, session
from rampctl.exits import CommandError, Exit
from rampctl.main import app
from rampctl.prompt import go_or_no
from rich.console import Console
from typer.testing import CliRunner, Result

EVENTS = Path(__file__).parents[2] / "events"


def ramp(*arguments: str, stdin: str | None = None) -> Result:
    """Run `ramp` with these arguments."""
    return CliRunner().invoke(app, arguments, input=stdin)


@pytest.mark.parametrize("plan", sorted(EVENTS.glob("plans/*.json")), ids=lambda path: path.stem)
def test_every_plan_people_start_from_passes_the_check(plan: Path) -> None:
    """With its steps, its thresholds, and what silence means."""
    result = ramp("check", str(plan))
    assert result.exit_code == 0, result.output
    words = " ".join(result.stdout.split())
    assert "shadow" in words
    assert "100 %" in words or "the steps are made when the ramp starts" in words.lower()
    assert ("of the candidate's reads failed" if plan.stem == "demo" else "Going on takes certificates") in words
    assert "A question that nobody answers within" in words


@pytest.mark.parametrize("plan", sorted(EVENTS.glob("bad/*.json")), ids=lambda path: path.stem)
def test_a_bad_plan_is_refused_on_standard_error(plan: Path) -> None:
    """Exit code 2, and no traceback."""
    result = ramp("check", str(plan))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "expected" in result.stderr
    assert "Traceback" not in result.stderr


def test_all_faults_of_a_plan_come_at_once() -> None:
    """One line each, the same to people and to scripts."""
    path = str(EVENTS / "bad" / "many-faults.json")
    lines = ramp("check", path).stderr.splitlines()
    result = ramp("check", path, "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 2
    assert told == {"valid": False, "faults": lines}
    assert len(lines) > 10
    assert "steps[1].percent: is out of range, got 250, expected a number from 0 to 100" in lines


def test_a_checked_plan_as_json_has_its_defaults_filled_in() -> None:
    """So that a script sees what will be in force."""
    told = json.loads(ramp("check", str(EVENTS / "plans" / "beta.json"), "--json").stdout)
    assert told["valid"] is True
    assert told["total_seconds"] == 3 * 3600
    assert told["plan"]["gates"]["min_requests"] == 100


def test_a_plan_comes_from_standard_input_too() -> None:
    """`-` names it."""
    assert ramp("check", "-", stdin=(EVENTS / "plans" / "beta.json").read_text()).exit_code == 0


def test_broken_json_is_told_with_line_and_column(tmp_path: Path) -> None:
    """The place where the reader stumbled, as editors count."""
    path = tmp_path / "plan.json"
    path.write_text('{\n  "steps": [,]\n}')
    result = ramp("check", str(path))
    assert result.exit_code == 2
    assert result.stderr == f"{path}: line 2, column 13: is no JSON, expecting value\n"


def test_a_file_that_cannot_be_read_is_a_bad_plan(tmp_path: Path) -> None:
    """Missing, or no text at all."""
    assert "cannot be read" in ramp("check", str(tmp_path / "none.json")).stderr
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    result = ramp("check", str(tmp_path / "binary.json"))
    assert "is not UTF-8, got byte 0xff at 0" in result.stderr
    assert result.exit_code == 2


def test_a_plan_is_checked_before_aws_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad plan costs no call, and needs no credentials."""
    monkeypatch.setattr(session.Session, "open", raising(AssertionError("asked AWS")))
    assert ramp("start", str(EVENTS / "bad" / "no-steps.json")).exit_code == 2


@pytest.mark.parametrize(
    "command", ["status", "watch", "approve", "reject", "pause", "resume", "advance", "abort", "doctor", "traffic"]
)
def test_without_credentials_every_command_says_what_to_do(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, exit code 4, no traceback."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    result = ramp(command)
    assert result.exit_code == 4
    assert result.stderr == (
        "AWS: Unable to locate credentials. Log in (aws configure, aws sso login), set AWS_PROFILE, or use --local.\n"
    )


def test_an_endpoint_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Port 1 is nobody's."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    result = ramp("status")
    assert result.exit_code == 4
    assert 'Could not connect to the endpoint URL: "http://127.0.0.1:1/"' in result.stderr


def test_local_without_a_stack_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And outside a checkout, that this is none."""
    monkeypatch.chdir(tmp_path)
    result = ramp("status", "--local")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (
        2,
        "is in no checkout of this project, expected statemachine/ramp.asl.json here or above\n",
    )
    (tmp_path / "statemachine").mkdir()
    (tmp_path / "statemachine" / "ramp.asl.json").touch()
    result = ramp("status", "--local")
    assert (result.exit_code, result.stderr) == (4, "local stack: is not up; start it with: ramp local up\n")


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (KeyboardInterrupt(), 4, "interrupted\n"),
        (CommandError("no ramp is running", Exit.BAD_PLAN), 2, "no ramp is running\n"),
        (CommandError("traffic is split", Exit.ROLLBACK_FAILED), 3, "traffic is split\n"),
        (LocalStackError("MiniStack: not ready"), 4, "local stack: MiniStack: not ready\n"),
        (NoCredentialsError(), 4, "use --local.\n"),
        (ClientError({"Error": {"Code": "ExpiredToken", "Message": "it expired"}}, "Invoke"), 4, "Log in again"),
        (ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Invoke"), 4, "lacks that permission"),
        (ClientError({"Error": {"Code": "Throttling", "Message": "slow down"}}, "Invoke"), 4, "slow down.\n"),
    ],
)
def test_whatever_goes_wrong_ends_in_a_sentence_and_a_code(
    error: BaseException, code: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is shown a traceback for trouble that was foreseen."""
    monkeypatch.setattr(session.Session, "open", raising(error))
    result = ramp("status")
    assert result.exit_code == code
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_a_bug_shows_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw keeps its traceback, for whoever mends it."""
    monkeypatch.setattr(session.Session, "open", raising(ZeroDivisionError()))
    assert isinstance(ramp("status").exception, ZeroDivisionError)


def test_wrong_usage_exits_with_two() -> None:
    """As with every command line; a fault that nobody knows is wrong usage."""
    assert ramp("start").exit_code == 2
    assert ramp("demo", "--candidate", "tired").exit_code == 2
    assert ramp("demo", "--approve", "perhaps").exit_code == 2
    assert ramp("local", "sideways").exit_code == 2


def test_a_fault_step_that_the_plan_has_not_is_refused_before_anything_starts() -> None:
    """The demo's plan has five steps, 0 to 4."""
    result = ramp("demo", "--candidate", "errors", "--fault-step", "5")
    assert (result.exit_code, "got 5, expected 0 to 4" in result.stderr) == (2, True)


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    """boto3 alone takes longer than all of --help may."""
    code = "import sys; import rampctl.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"boto3", "botocore", "jsonschema", "psycopg", "aws_lambda_powertools"} & set(loaded)


@pytest.mark.parametrize(("typed", "expected"), [("y\n", True), ("no\n", False), ("perhaps\ngo\n", True), ("", None)])
def test_the_prompt_takes_only_a_clear_word(typed: str, expected: bool | None, tmp_path: Path) -> None:
    """An end of input is no answer, least of all a yes."""
    path = tmp_path / "typed"
    path.write_text(typed)
    with path.open() as stdin:
        assert go_or_no(Console(file=io.StringIO()), "5 % passed", lambda: True, float("inf"), stdin) is expected


def test_the_prompt_ends_when_the_question_falls_away_or_time_is_up() -> None:
    """Nobody waits for an answer that nobody needs."""
    reading, writing = os.pipe()
    console = Console(file=io.StringIO())
    with os.fdopen(reading) as silent, os.fdopen(writing, "w"):
        assert go_or_no(console, "?", lambda: False, float("inf"), silent) is None
        assert go_or_no(console, "?", lambda: True, 0.0, silent) is None


def test_standard_input_is_named_in_its_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` would be a poor name for a place to look."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("{"))
    with pytest.raises(PlanInvalid, match="standard input: line 1, column 2"):
        plans.read("-")


def raising(error: BaseException) -> Callable[..., Any]:
    """A function that raises `error`, whatever it is called with."""

    def fail(**_: object) -> None:
        raise error

    return fail
