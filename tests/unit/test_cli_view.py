"""What people and scripts are shown of a ramp, made of recorded documents of a real one."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ramp.core.judgement import duration
from ramp.core.plan import Plan
from rampctl.exits import CommandError, Exit
from rampctl.news import news
from rampctl.ramps import ENDINGS, Ramp, default_name, execution_arn, follow, parsed
from rampctl.view import track, view
from rich.console import Console

RECORDED = json.loads(Path(__file__).with_name("test_cli_rolled_back.json").read_text())
QUESTION = {"request_id": "1-2", "question": "5 % passed; the plan asks for go or no-go", "causes": ["approval"]}


@pytest.fixture
def rolled_back() -> Ramp:
    """A ramp that came to 5 % and rolled back because reads of the candidate failed."""
    return Ramp(
        name="ramp-1",
        status=RECORDED["status"],
        plan=Plan.parse(RECORDED["input"]),
        error=RECORDED["error"],
        cause=RECORDED["cause"],
        record=RECORDED["record"],
        looks=tuple(RECORDED["looks"]),
    )


@pytest.fixture
def running(rolled_back: Ramp) -> Ramp:
    """The same ramp before its last look."""
    record = {"step": 1, "share_ppm": 50_000, "reason": "5 % is set and reads back", "status": "running"}
    looks = rolled_back.looks[:-1]
    return replace(rolled_back, status="RUNNING", error=None, cause=None, record=record, looks=looks)


def shown(renderable: Any, width: int = 80) -> str:
    """What a terminal of `width` columns would show."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(renderable)
    file: Any = console.file
    return str(file.getvalue())


def test_a_rolled_back_ramp_shows_step_counts_checks_and_cause(rolled_back: Ramp) -> None:
    """Everything a person needs to understand it stands on one screen of 80 columns."""
    text = shown(view(rolled_back))
    assert "ramp-1  rolled back  step 2 of 5: 5 %  look 2" in text
    assert "shadow           59       5" in text
    assert "errors           FAIL" in text
    assert "5 of 66 reads of the candidate failed" in text
    assert "the flag is off, the alias" in text
    assert "…" not in text


def test_the_track_tells_done_present_and_next_steps(running: Ramp, rolled_back: Ramp) -> None:
    """The same row ends with a cross where a ramp ended, and ticks everything when it was promoted."""
    assert track(running).plain == "✓ shadow ─ ● 5 % ─   25 % ─   50 % ─   100 %"
    assert track(rolled_back).plain == "✓ shadow ─ ✗ 5 % ─   25 % ─   50 % ─   100 %"
    promoted = replace(rolled_back, status="SUCCEEDED")
    assert track(promoted).plain == "✓ shadow ─ ✓ 5 % ─ ✓ 25 % ─ ✓ 50 % ─ ✓ 100 %"


def test_a_step_without_a_look_shows_no_numbers_of_the_step_before(running: Ramp) -> None:
    """Counts of another step under this step's name would be a lie."""
    text = shown(view(replace(running, looks=running.looks[:1])))
    assert "step 2 of 5: 5 %" in text
    assert "look" not in text
    assert "requests" not in text


def test_an_open_question_is_shown_with_the_way_to_answer_it(running: Ramp) -> None:
    """And an answered one is not asked again."""
    assert "ramp approve ramp-1" in shown(view(replace(running, request=QUESTION)))
    assert "ramp approve" not in shown(view(replace(running, request={**QUESTION, "answer": "approve"})))


def test_a_ramp_that_is_being_prepared_has_a_view() -> None:
    """Before its first record there is the plan, or not even that."""
    for plan in (None, Plan.parse(RECORDED["input"])):
        assert "the ramp is being prepared" in shown(view(Ramp("ramp-1", "RUNNING", plan)))


def test_text_in_square_brackets_is_shown_as_it_is(running: Ramp) -> None:
    """Reasons are other people's words, and no markup."""
    record = {**(running.record or {}), "reason": "steps[1].percent [red]"}
    assert "steps[1].percent [red]" in shown(view(replace(running, record=record)))


def test_each_piece_of_news_is_one_plain_line(running: Ramp, rolled_back: Ramp) -> None:
    """Nothing is told twice, and looks come before the step that they led to."""
    first, *rest = list(news(None, running))
    assert first.startswith("step 1 of 5 (shadow), look 1: ADVANCE: shadow passed")
    assert rest[0] == "step 2 of 5 (5 %): traffic is set"
    assert [line.split(":")[0] for line in rest[1:]] == ["step 2 of 5 (5 %), look 1"]
    assert list(news(running, running)) == []
    look, end = news(running, rolled_back)
    assert look.startswith("step 2 of 5 (5 %), look 2: ROLL_BACK: at 5 % 5 of 66 reads")
    assert end == f"rolled back: {RECORDED['cause']}"


def test_a_question_and_its_answer_are_news_once(running: Ramp) -> None:
    """Whoever follows a log sees who decided."""
    asking = replace(running, request=QUESTION)
    assert list(news(running, asking)) == [f"asked: {QUESTION['question']}"]
    assert list(news(asking, asking)) == []
    answered = replace(asking, request={**QUESTION, "answer": "approve", "by": "ada", "reason": "looks good"})
    assert list(news(asking, answered)) == ["answered: approve by ada: looks good"]
    assert list(news(answered, answered)) == []


@pytest.mark.parametrize(
    ("status", "error", "code", "outcome"),
    [
        ("SUCCEEDED", None, 0, "promoted"),
        ("FAILED", "RolledBack", 1, "rolled back"),
        ("FAILED", "RampRefused", 2, "refused"),
        ("FAILED", "RollbackFailed", 3, "rollback failed"),
        ("FAILED", "CleanUpFailed", 4, "promoted, clean-up failed"),
        ("FAILED", "States.Runtime", 4, "ended FAILED"),
        ("TIMED_OUT", None, 4, "ended TIMED_OUT"),
        ("ABORTED", "Aborted", 4, "ended ABORTED"),
    ],
)
def test_every_ending_has_its_exit_code(status: str, error: str | None, code: int, outcome: str) -> None:
    """The codes are public."""
    ramp = Ramp("ramp-1", status, None, error=error)
    assert (int(ramp.code), ramp.outcome) == (code, outcome)


def test_every_ending_of_the_state_machine_is_known() -> None:
    """A Fail state that is added there needs an exit code here."""
    machine = json.loads((Path(__file__).parents[2] / "statemachine" / "ramp.asl.json").read_text())
    assert {state["Error"] for state in machine["States"].values() if state["Type"] == "Fail"} == set(ENDINGS)


def test_scripts_get_one_object_with_the_exit_code(rolled_back: Ramp, running: Ramp) -> None:
    """`exit_code` is null as long as nobody knows it."""
    told = json.loads(json.dumps(rolled_back.to_json()))
    assert (told["ramp"], told["outcome"], told["exit_code"], told["step"]) == ("ramp-1", "rolled back", 1, 1)
    assert told["steps"] == ["shadow", "5 %", "25 %", "50 %", "100 %"]
    assert told["look"]["verdict"] == "FAIL"
    assert running.to_json()["exit_code"] is None
    assert replace(running, request=QUESTION).to_json()["question"]["request_id"] == "1-2"


def test_following_ends_with_the_ramp(running: Ramp, rolled_back: Ramp) -> None:
    """It yields each reading, the last one included, and pauses in between."""
    readings = iter([running, running, rolled_back])
    pauses: list[float] = []
    assert list(follow(lambda: next(readings), pause=pauses.append)) == [running, running, rolled_back]
    assert len(pauses) == 2


def test_following_has_a_limit_and_says_what_it_saw_last(running: Ramp) -> None:
    """Nothing hangs."""
    with pytest.raises(CommandError, match="has not ended within 0 seconds; last: 5 % is set and reads back") as raised:
        list(follow(lambda: running, limit_seconds=0, pause=lambda _: None))
    assert raised.value.code is Exit.UNKNOWN


def test_an_input_that_is_no_plan_is_no_plan() -> None:
    """Somebody else's execution must not break the view."""
    assert parsed("") is None
    assert parsed('{"steps": []}') is None


def test_small_words() -> None:
    """Names, ARNs and durations as people read them."""
    assert default_name(datetime(2026, 11, 22, 3, 45, tzinfo=UTC)) == "ramp-20261122-034500"
    arn = execution_arn("arn:aws:states:us-east-1:1:stateMachine:huntaze-ramp", "r")
    assert arn == "arn:aws:states:us-east-1:1:execution:huntaze-ramp:r"
    assert [duration(seconds) for seconds in (0, 0.2, 8, 3_661, 90_000, 172_800, 200_000)] == [
        "0 seconds",
        "1 second",
        "8 seconds",
        "61 minutes",
        "25 hours",
        "2 days",
        "2.3 days",
    ]
