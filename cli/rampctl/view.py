"""A ramp on a terminal: renderables made of its records, and nothing else."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from rampctl.ramps import Ramp
from rampctl.words import milliseconds

ARMS = ("control", "candidate", "shadow")
COUNTS = ("requests", "errors", "fallbacks", "user_errors", "comparisons", "mismatches")
HEADINGS = ("requests", "errors", "fallbacks", "user errors", "compared", "differ", "p95")
COLUMNS: Mapping[str, Any] = {"box": None, "pad_edge": False, "padding": (0, 2, 0, 0)}  # 80 columns must do
COLOURS = {
    "PASS": "green",
    "INCONCLUSIVE": "yellow",
    "FAIL": "red",
    "promoted": "green",
    "running": "cyan",
}
BAD = "red"
ALARM = "alarm "


def view(ramp: Ramp, *notes: RenderableType) -> RenderableType:
    """The whole ramp: its name and steps, the last sentence, `notes`, then the latest look's counts and checks.

    What matters most comes first: a low terminal cuts off the end.
    """
    return Group(*_story(ramp), *notes, *_numbers(ramp))


def header(ramp: Ramp) -> Text:
    """`demo-1  running  step 2 of 5: 5 %  look 3`."""
    text = Text.assemble((ramp.name, "bold"), "  ", (ramp.outcome, COLOURS.get(ramp.outcome, BAD)))
    if ramp.plan:
        text.append(f"  step {ramp.step + 1} of {len(ramp.plan.steps)}: {ramp.plan.steps[ramp.step].title}")
    if look := _look_here(ramp):
        text.append(f"  look {look['look']}")
    return text


def track(ramp: Ramp) -> Text:
    """The steps in a row: done, present, next."""
    text = Text()
    for index, step in enumerate(ramp.plan.steps if ramp.plan else ()):
        text.append(" ─ " if index else "", "dim")
        text.append(*_stop(ramp, index, step.title))
    return text


def counts(evidence: Mapping[str, Any]) -> Table:
    """What each arm counted since the step began."""
    table = Table("arm", **COLUMNS)
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for arm in ARMS:
        measured = evidence[arm]
        table.add_row(arm, *(str(measured[name]) for name in COUNTS), milliseconds(measured["p95_ms"]))
    return table


def checks(results: list[Mapping[str, Any]]) -> Table:
    """Each check with its verdict and its numbers."""
    table = Table("check", "verdict", "why", **COLUMNS)
    for check in results:
        verdict = check["verdict"]
        name = "alarm" if check["name"].startswith(ALARM) else check["name"]  # its reason has the alarm's name
        table.add_row(name, Text(verdict, COLOURS[verdict]), Text(check["reason"]))
    return table


def _story(ramp: Ramp) -> Iterator[RenderableType]:
    yield header(ramp)
    yield track(ramp)
    yield Text.assemble((f"{_word(ramp)}: ", "bold"), ramp.reason)
    if request := ramp.open_request:
        asked = (
            f"{request['question']}\n\nramp approve {ramp.name} --reason …   or   ramp reject {ramp.name} --reason …"
        )
        yield Panel(Text(asked), title="go or no-go?", border_style="yellow")


def _numbers(ramp: Ramp) -> Iterator[RenderableType]:
    if look := _look_here(ramp):
        yield from ("", counts(look["evidence"]), "", checks(look["checks"]))


def _stop(ramp: Ramp, index: int, title: str) -> tuple[str, str]:
    if index < ramp.step or ramp.status == "SUCCEEDED":
        return f"✓ {title}", "green"
    if index > ramp.step:
        return f"  {title}", "dim"
    return (f"● {title}", "bold cyan") if ramp.is_running else (f"✗ {title}", f"bold {BAD}")


def _look_here(ramp: Ramp) -> Mapping[str, Any] | None:
    """The latest look, unless it is of the step before."""
    look = ramp.last_look
    return look if look and look["step"] == ramp.step else None


def _word(ramp: Ramp) -> str:
    look = _look_here(ramp)
    return look["action"] if look and ramp.is_running else ramp.outcome
