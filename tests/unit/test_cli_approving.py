"""`ramp approve` shows what it approves, judges it anew, and says nothing where nobody has confirmed."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from ramp.core.evidence import Evidence
from ramp.world import World
from rampctl import approving
from rampctl.exits import USAGE, CommandError
from rampctl.main import _confirm
from rampctl.rehearsal.fakes import House
from rich.console import Console

from tests.statemachine.ramp_run import RAMP, Run, asking_plan, failing_at, healthy


def yes(_: str) -> bool:
    return True


def differing(step: int, seconds: float) -> Evidence:
    """Healthy, but for one more answer that differs."""
    evidence = healthy(step, seconds)
    return replace(evidence, candidate=replace(evidence.candidate, mismatches=1, comparisons=1_000))


class Terminal:
    """A person at a terminal whom the ramp asks; `went` says what became of their yes."""

    def __init__(self, confirm: Callable[[str], bool] = yes, question: str | None = None) -> None:
        self.confirm, self.question = confirm, question
        self.screen, self.went = io.StringIO(), ""

    def __call__(self, house: House, world: World) -> None:
        session: Any = SimpleNamespace(table=house.table, executions=house.executions, world=world)
        console = Console(file=self.screen, width=400, color_system=None)
        said = {"question": self.question, "confirm": self.confirm}
        try:
            self.went = approving.approve(session, RAMP, "ada", "looks good", console, **said)  # type: ignore[arg-type]  # by name
        except CommandError as refused:
            self.went = str(refused)

    @property
    def shown(self) -> str:
        return " ".join(self.screen.getvalue().split())


def test_a_yes_is_said_to_the_question_that_was_shown_with_its_numbers() -> None:
    """And what follows it."""
    ada = Terminal()
    run = Run(people=ada)
    assert run.go(asking_plan()).status == "SUCCEEDED"
    assert f"{RAMP} asks at 10 %, question 1-2" in ada.shown
    assert "0 of 2000 reads of the candidate failed" in ada.shown
    assert "After a yes: the next step is 100 % of users." in ada.shown
    assert ada.went == f"{RAMP}: approve, said by ada: looks good. The ramp has it."
    (word,) = run.house.table.words(RAMP)
    assert (word["verb"], word["request_id"], word["via"]) == ("approve", "1-2", "cli")


def test_a_yes_is_refused_once_the_evidence_has_turned_bad() -> None:
    """It is no yes to what the ramp has not seen yet; the ramp finds it at its next look."""

    class Late(Terminal):
        def __call__(self, house: House, world: World) -> None:
            house.metrics.observe = failing_at(1)
            super().__call__(house, world)

    ada = Late()
    run = Run(people=ada)
    assert run.go(asking_plan()).error == "RolledBack"
    assert ada.went.startswith(f"{RAMP}: not approved, it has turned bad: at 10 % 20 of 200 requests")
    assert [*run.house.table.words(RAMP)] == []


def test_evidence_that_changes_while_a_person_thinks_is_shown_before_a_yes_counts() -> None:
    """The second yes is to the new numbers."""
    run, asked = Run(), []

    def hesitates(question: str) -> bool:
        run.house.metrics.observe = differing
        asked.append(question)
        return True

    ada = run.people = Terminal(hesitates)
    assert run.go(asking_plan()).status == "SUCCEEDED"
    assert asked == ["Approve question 1-2 on this evidence?"] * 2
    assert "The evidence has changed since; nothing was approved yet." in ada.shown
    assert "1 of 2800 answers differ" in ada.shown


@pytest.mark.parametrize(
    ("ada", "went"),
    [
        (Terminal(confirm=lambda _: False), f"{RAMP}: nothing was said; say no with: ramp reject {RAMP}"),
        (Terminal(question="0-1"), f"--question: is not asked, got 0-1, expected 1-2, what {RAMP} asks now"),
    ],
)
def test_without_a_yes_to_this_very_question_nothing_is_said(ada: Terminal, went: str) -> None:
    """Nobody's silence approves, nor a script's answer to another question."""
    run = Run(people=ada)
    assert run.go(asking_plan()).error == "RolledBack"
    assert ada.went == went
    assert [*run.house.table.words(RAMP)] == []


def test_without_a_terminal_a_script_says_what_it_approves(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nobody who could look."""
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(CommandError, match="nobody is there to confirm, expected a terminal, --question ID") as refused:
        _confirm("Approve?")
    assert refused.value.code == USAGE
