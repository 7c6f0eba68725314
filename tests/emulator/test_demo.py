"""`make demo` from beginning to end: the real command, template, handlers, database and traffic."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
from local_stack.stack import Stack

RAMP = Path(sys.executable).with_name("ramp")
LIMIT_SECONDS = 230


def demo(folder: Path, *options: str) -> tuple[int, str]:
    """Run the demo in `folder` as `make demo APPROVE=auto` would; returns its exit code and all it said."""
    ended = subprocess.run(
        [RAMP, "demo", *options],
        cwd=folder,
        env=os.environ | {"APPROVE": "auto"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    return ended.returncode, ended.stdout


def left_behind(folder: Path) -> Sequence[str]:
    """Processes that work in `folder` or were started from it, and the stack's own folder."""
    found = [str(folder / ".local")] if (folder / ".local").exists() else []
    for process in psutil.process_iter(["pid", "cmdline", "cwd"]):
        about = [process.info["cwd"] or "", *(process.info["cmdline"] or [])]
        if any(str(folder) in word for word in about):
            found.append(f"{process.info['pid']}: {' '.join(about)}")
    return found


def test_a_healthy_candidate_is_promoted_and_users_feel_nothing(application: Path) -> None:
    """Shadow, 5, 25, 50 and 100 % in order, one question answered, and nothing left running."""
    code, said = demo(application)
    assert code == 0, said
    for title in ("shadow", "5 %", "25 %", "50 %", "100 %"):
        assert f"{title} passed" in said, said
    assert "answered: approve" in said
    assert "reads back at 100 %" in said
    assert " 0 failed" in said
    assert left_behind(application) == []


def test_a_fault_at_25_percent_brings_everybody_back_and_users_feel_nothing(application: Path) -> None:
    """Traffic comes down from 25 %, verified by read-back, and control answered every request meanwhile."""
    code, said = demo(application, "--candidate", "errors", "--fault-step", "2")
    assert code == 1, said
    assert "5 % passed" in said
    assert "reads of the candidate failed" in said or "requests served by the candidate failed" in said
    assert "reads back at 0 %" in said
    assert " 0 failed" in said
    assert left_behind(application) == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("errors", "reads of the candidate failed"),
        ("slow", "the candidate's p95 is|timed out"),  # slower than control, or so slow that reads time out
        ("mismatch", "answers differ from control's"),
        ("down", "reads of the candidate failed"),
    ],
)
def test_each_fault_ends_rolled_back_with_a_cause_a_person_understands(
    local_stack: Stack, repository: Path, fault: str, cause: str
) -> None:
    """Found in the shadow step, before any user was on the candidate."""
    assert local_stack.endpoint_url
    code, said = demo(repository, "--candidate", fault)
    assert code == 1, said
    assert re.search(cause, said.partition("rolled back:")[2]), said
    assert "reads back at 0 %" in said
    assert " 0 failed" in said


@pytest.mark.long
def test_an_interrupted_demo_cleans_up_behind_itself(application: Path) -> None:
    """Ctrl-C in the middle of a ramp: the ramp is aborted, the stack stopped, exit code 4."""
    running = subprocess.Popen(
        [RAMP, "demo"],
        cwd=application,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stdout is not None
    said = []
    for line in running.stdout:
        said.append(line)
        if "look 1" in line:
            break
    interrupted_at = time.monotonic()
    os.killpg(running.pid, signal.SIGINT)
    rest, _ = running.communicate(timeout=60)
    assert running.returncode == 4, "".join(said) + rest
    assert "reads back at 0 %" in rest
    assert time.monotonic() - interrupted_at < 30
    assert left_behind(application) == []
