"""People's words to a ramp, said with the `ramp` command on the local stack: answer, abort, look, follow."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ramp.core.flag_document import OFF
from rampctl.session import Session

from tests.emulator.commands import ramp, told

pytestmark = pytest.mark.usefixtures("in_the_checkout")
ASK_SECONDS = 30.0
# Nobody reads, so there is no evidence, so each step asks people after its first second.
PLAN = {
    "steps": [
        {"percent": 0, "bake_seconds": 1, "patience_seconds": 0},
        {"percent": 100, "bake_seconds": 1, "patience_seconds": 0},
    ],
    "look_seconds": 1,
    "deadline_seconds": 10_800,
    "evidence": {"period_seconds": 1, "delay_seconds": 0},
}


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[str]:
    """A ramp that has asked its first question; ended after the test."""
    plan, name = tmp_path / "plan.json", f"cli-{uuid.uuid4().hex[:8]}"
    plan.write_text(json.dumps(PLAN))
    started = ramp("start", str(plan), "--name", name, "--json")
    assert started.exit_code == 0, started.output
    assert json.loads(started.stdout)["execution_arn"].endswith(f":huntaze-ramp:{name}")
    until(lambda: told(name)["question"] is not None)
    yield name
    if told(name)["outcome"] == "running":
        ramp("abort", name)
    assert ramp("watch", name, "--limit", "30").exit_code < 2


def until(condition: Callable[[], bool]) -> None:
    """Wait for `condition`, but not for ever."""
    end = time.monotonic() + ASK_SECONDS
    while not condition():
        assert time.monotonic() < end, "still not so"
        time.sleep(0.2)


def test_a_rejected_ramp_rolls_back_and_says_who_rejected_it(asking: str) -> None:
    """The only ramp that runs needs no name; a second word comes too late."""
    first = ramp("reject", "--reason", "not today", "--by", "ada")
    assert (first.exit_code, first.stdout) == (
        0,
        f"{asking}: reject, said by ada (root): not today. The ramp has it.\n",
    )
    watched = ramp("watch", asking, "--limit", "30", "--json")
    assert watched.exit_code == 1
    assert "ada (root) said no: not today" in json.loads(watched.stdout)["reason"]
    assert "ada (root) said no: not today" in watched.stderr
    late = ramp("approve", asking)
    assert (late.exit_code, late.stderr) == (2, f"{asking}: asks nothing at the moment\n")


def test_an_approved_step_is_left_and_an_abort_brings_everybody_back(asking: str) -> None:
    """Abort takes traffic to 0 % before the command returns; the execution follows."""
    unseen = ramp("approve", asking, "--reason", "known quiet hour")
    assert (unseen.exit_code, "expected a terminal, --question ID, or --yes" in unseen.stderr) == (2, True)
    other = ramp("approve", asking, "--question", "9-9")
    assert other.stderr.startswith("--question: is not asked, got 9-9, expected 0-")
    question = told(asking)["question"]["request_id"]
    approved = ramp("approve", asking, "--question", question, "--reason", "known quiet hour", "--by", "ada")
    assert approved.exit_code == 0, approved.output
    assert "the evidence did not suffice" in approved.stdout
    assert "After a yes: the next step is 100 % of users." in approved.stdout
    until(lambda: told(asking)["share_ppm"] == 1_000_000 and told(asking)["question"] is not None)
    levers = Session.open(local=True).levers
    assert levers.read().setting.share_ppm == 1_000_000
    aborted = ramp("abort", "--reason", "enough", "--by", "ada")
    assert aborted.exit_code == 0, aborted.output
    assert (
        "aborted by ada (root): enough. Traffic to the candidate reads back at 0 %: the flag is off" in aborted.stdout
    )
    assert levers.read().setting == OFF
    watched = ramp("watch", asking, "--limit", "30")
    assert watched.exit_code == 1
    assert "ada (root) aborted the ramp: enough" in watched.stdout
    assert "\x1b" not in watched.stdout
    again = ramp("abort", asking)
    assert (again.exit_code, again.stderr) == (2, f"{asking}: was not aborted, no such ramp is running\n")


def test_an_answer_that_was_given_is_not_overwritten(asking: str) -> None:
    """Whoever is late learns who was first."""
    table = Session.open(local=True).table
    request = table.request(asking)
    assert request is not None
    assert table.answer(asking, str(request["request_id"]), "reject", "ada", "first", time.time())
    late = ramp("approve", asking, "--by", "bob")
    assert (late.exit_code, late.stderr) == (2, f"{asking}: was answered already: reject by ada: first\n")


def test_a_name_is_taken_once(asking: str, tmp_path: Path) -> None:
    """And the sentence says which option to change."""
    plan = tmp_path / "other.json"
    plan.write_text(json.dumps(PLAN | {"look_seconds": 2}))
    taken = ramp("start", str(plan), "--name", asking)
    assert (taken.exit_code, taken.stderr) == (2, f"--name: is taken, got {asking}, expected a new one\n")


def test_a_second_ramp_is_refused_with_exit_code_two(asking: str, tmp_path: Path) -> None:
    """One ramp at a time for each flag; `start` waits to hear of it, and `start --watch` ends as the ramp does."""
    plan = tmp_path / "other.json"
    plan.write_text(json.dumps(PLAN))
    refused = ramp("start", str(plan), "--name", f"{asking}-2")
    assert refused.exit_code == 2
    assert f"{asking}-2: refused: the ramp cannot start, and nothing was touched" in refused.stderr
    assert f"is moved by another ramp, got {asking}" in refused.stderr
    watched = ramp("start", str(plan), "--name", f"{asking}-3", "--watch", "--limit", "30")
    assert watched.exit_code == 2
    assert f"is moved by another ramp, got {asking}" in watched.stdout
    unheard = ramp("start", str(plan), "--name", f"{asking}-4", "--no-wait")
    assert unheard.exit_code == 0


def test_a_ramp_that_nobody_started_is_no_ramp() -> None:
    """A slip of the finger is wrong usage."""
    unknown = ramp("status", "cli-nobody")
    assert (unknown.exit_code, unknown.stderr) == (2, "cli-nobody: is no ramp of us-east-1\n")


def test_traffic_counts_what_users_see() -> None:
    """Bounded, and with a figure for failures."""
    sent = ramp("traffic", "--seconds", "2", "--rate", "5")
    assert sent.exit_code == 0, sent.output
    assert " requests, 0 failures seen by users, p50 " in sent.stdout.splitlines()[-1]
