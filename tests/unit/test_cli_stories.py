"""What the command tells of a ramp afterwards: why, what there was, and the page as a file."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ramp.core.exemplar import Source
from ramp.page.story import story
from rampctl import explaining, history, reporting
from rampctl.exits import CommandError
from rampctl.reading import read
from rampctl.rehearsal.fakes import NAMES, House
from rampctl.tail import with_tail
from rich.console import Console

from tests.statemachine.ramp_run import RAMP, Run, answering, asking_plan, failing_at


def session_of(house: House) -> Any:
    """A session whose table is this house's; two answers differed, in one field and in two."""
    settings = SimpleNamespace(flags=((NAMES.adapter, NAMES.shadow),))
    told = {"message": "[SHADOW-DIFF]", "ramp": RAMP}
    paths = (("body.email",), ("body.email", "body.tags.0"))
    lines = [json.dumps({**told, "differences": [{"path": path} for path in found]}) for found in paths]
    comparisons = SimpleNamespace(differing=lambda ramp, since: (lines, True))
    served = [json.dumps({"message": "[CANARY-SUCCESS]", "timestamp": "2026-01-01T00:00:00.000Z"})]
    return SimpleNamespace(
        table=house.table, settings=settings, comparisons=comparisons, router_lines=lambda words, since: (served, True)
    )


@pytest.fixture(scope="module")
def rolled_back() -> House:
    """A ramp that failed at its canary."""
    run = Run(failing_at(1))
    run.go(asking_plan())
    return run.house


@pytest.fixture(scope="module")
def promoted() -> House:
    """One that was approved and promoted."""
    run = Run(people=answering("approve"))
    run.go(asking_plan())
    return run.house


def shown(tell: Any) -> str:
    """What a very wide terminal would show, in one line."""
    stream = io.StringIO()
    tell(Console(file=stream, width=400, color_system=None))
    return " ".join(stream.getvalue().split())


def test_explain_says_which_check_did_it_and_what_would_change_it(rolled_back: House) -> None:
    """The failing check first, with its numbers and bounds, and the ending."""
    said = shown(lambda console: explaining.explain(session_of(rolled_back), RAMP, None, console, as_json=False))
    assert "FAIL → ROLL_BACK" in said
    assert said.index("Failures") < said.index("Traffic share")
    assert "Nothing in this ramp: proven harm rolls back." in said
    assert "rolled back:" in said


def test_explain_names_a_trace_that_shows_what_failed() -> None:
    """Once it has been found; it was looked for when traffic was back on control."""
    run, trace_id = Run(failing_at(1)), f"1-{1:08x}-{0:024x}"
    said = {"message": "[PRISMA-ERROR] candidate failed", "ramp": RAMP, "step": "1", "errors": 1.0, "duration_ms": 1.0}
    run.house.exemplars.written.append((inf, Source.ROUTER, json.dumps({**said, "xray_trace_id": trace_id})))
    run.go(asking_plan())
    session = session_of(run.house)
    assert f"Failures: shown by trace {trace_id}" in shown(
        lambda console: explaining.explain(session, RAMP, None, console, as_json=False)
    )


def test_explain_tells_an_earlier_step_too(rolled_back: House) -> None:
    """By its number from 1; a step that is none, or was never looked at, is a fault of usage."""
    said = shown(lambda console: explaining.explain(session_of(rolled_back), RAMP, 1, console, as_json=False))
    assert "shadow, look" in said
    assert "PASS → ADVANCE" in said
    for step in (3, 9):
        with pytest.raises(CommandError):
            explaining.explain(session_of(rolled_back), RAMP, step, Console(), as_json=False)


def test_explain_shows_a_persons_answer(promoted: House) -> None:
    """By name and reason, at the look that honoured it."""
    said = shown(lambda console: explaining.explain(session_of(promoted), RAMP, 2, console, as_json=False))
    assert "approved" in said


def test_history_lists_ramps_with_their_end(rolled_back: House) -> None:
    """For people and for scripts."""
    said = shown(lambda console: history.history(session_of(rolled_back), 20, console, as_json=False))
    assert f"{RAMP} prismaAdapter rolled back 0 %" in said
    empty = House(rolled_back.metrics)
    assert "no ramp has been started yet" in shown(
        lambda console: history.history(session_of(empty), 20, console, as_json=False)
    )


def test_a_report_is_one_file_that_asks_nobody_for_anything(promoted: House, tmp_path: Path) -> None:
    """Styles, script and numbers are in it, and its policy lets nothing in."""
    file = tmp_path / "report.html"
    reporting.report(session_of(promoted), RAMP, file, as_json=False)
    text = file.read_text()
    assert "default-src 'none'" in text
    assert not re.findall(r"(?:src|href)=\"(?!#)[^\"]", text)
    assert "chart-data" in text
    assert "promoted" in text
    assert "data-fields" not in text
    assert text.index("<code>body.email</code>") < text.index("<code>body.tags.0</code>")
    assert "Of 2 answers that differed" in text
    assert "for the whole plan at" in text
    assert "in all, by what its looks counted" in text


def test_a_report_for_scripts_is_json(promoted: House, capsys: pytest.CaptureFixture[str]) -> None:
    """The values of the page, whole."""
    reporting.report(session_of(promoted), RAMP, None, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert (found["ramp"], found["phase"], len(found["charts"])) == (RAMP, "promoted", 4)
    assert found["fields"]["rows"] == [{"path": "body.email", "answers": 2}, {"path": "body.tags.0", "answers": 1}]
    assert found["costs"]["rows"][-1]["name"] == "of that, added by the ramp"
    with pytest.raises(CommandError, match="--html"):
        reporting.report(session_of(promoted), RAMP, None, as_json=False)


def test_a_report_tells_when_the_candidate_served_its_last_user_after_a_brake(
    promoted: House, rolled_back: House
) -> None:
    """A sandbox goes by what it has read of the flag for a while. Without a brake, there is nothing to tell."""
    at = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    word = {"verb": "abort", "by": "alarm errors", "reason": "high", "at": at, "via": "alarm"}
    times = {"began_at_ms": (at - 2) * 1000, "safe_at_ms": (at - 1.4) * 1000}
    for extra, since in (({}, "0.6 s after the word"), ({"alarmed_at_ms": (at - 3) * 1000}, "1.6 s after the alarm")):
        records = replace(read(session_of(rolled_back), RAMP), words=({**word, **times, **extra},))
        braked = story(with_tail(records, session_of(rolled_back).router_lines))
        assert any(f"users back on control {since}" in moment.why for moment in braked)
        (last,) = (moment for moment in braked if moment.what == "served its last user")
        assert (last.at, last.why[:28]) == (at, "1.4 s after the flag was off")
    untouched = read(session_of(promoted), RAMP)
    assert with_tail(untouched, session_of(promoted).router_lines) == untouched
