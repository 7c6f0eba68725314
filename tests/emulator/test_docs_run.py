"""What README.md and docs/ tell people to run is run, in the order of a reader: before a ramp, during one, after it."""

from __future__ import annotations

import _thread
import json
import shlex
import threading
import time
import webbrowser
from pathlib import Path
from urllib.request import urlopen

import pytest
from rampctl import paging
from rampctl.exits import Exit
from rampctl.main import app
from rampctl.session import Session
from typer.testing import CliRunner

from tests.emulator.commands import ramp, told
from tests.unit.test_docs_commands import BEFORE, DURING, ROOT, RUN_ELSEWHERE, after, of, verb_of

pytestmark = pytest.mark.usefixtures("in_the_checkout")
NAME = "spring-ramp"  # as the docs call it
WAIT_SECONDS = 60.0
PLAN = {
    "gate": "fixed",
    "steps": [{"percent": 0, "bake_seconds": 300}, {"percent": 100, "bake_seconds": 300}],
    "look_seconds": 1,
    "deadline_seconds": 10_800,
    "evidence": {"period_seconds": 1, "delay_seconds": 0},
}


def run(command: str) -> None:
    """On the local stack; each ends with 0, or says that a few requests are no traffic for a plan."""
    words = [word for word in shlex.split(command)[1:] if word != "--local"]
    asks = verb_of(command) != "check" or "--from-cloudwatch" in words  # else a plan alone is looked at
    result = CliRunner().invoke(app, [*words, *(["--local"] if asks else [])])
    expected = {Exit.PROMOTED, Exit.BAD_PLAN} if "--from-cloudwatch" in words else {Exit.PROMOTED}
    assert result.exit_code in expected, f"{command}\n{result.output}"


def test_the_commands_of_the_docs_run_as_they_stand(tmp_path: Path) -> None:
    """Those that have a test of their own excepted, see RUN_ELSEWHERE."""
    assert ramp("traffic", "--seconds", "3", "--rate", "5").exit_code == 0
    for command in of("ramp"):
        if verb_of(command) in BEFORE:
            run(command)
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(PLAN))
    assert ramp("start", str(plan), "--name", NAME).exit_code == 0
    until = time.monotonic() + WAIT_SECONDS
    while told(NAME)["share_ppm"] is None:
        assert time.monotonic() < until
        time.sleep(0.2)
    said = {verb_of(command): command for command in of("ramp") if verb_of(command) in DURING}
    for verb in DURING:
        run(said[verb])
    while told(NAME)["status"] == "running":
        assert time.monotonic() < until
        time.sleep(0.2)
    for command in of("ramp"):
        if verb_of(command) in after():
            run(command)


@pytest.mark.parametrize(("verb", "file"), sorted(RUN_ELSEWHERE.items()))
def test_what_is_run_elsewhere_is_run_there(verb: str, file: str) -> None:
    assert f'"{verb}"' in (ROOT / "tests" / file).read_text()


def test_ramp_page_serves_the_page_until_it_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request is an invocation of the deployed function; the browser opened is this test."""
    seen: list[str] = []

    def browse(url: str) -> bool:
        def read() -> None:
            seen.append(urlopen(url).read().decode())  # noqa: S310  # our own, on loopback
            _thread.interrupt_main()

        threading.Thread(target=read, daemon=True).start()
        return True

    monkeypatch.setattr(webbrowser, "open", browse)
    assert paging.page(Session.open(local=True), opens=True) == 0
    assert "<html" in seen[0]
