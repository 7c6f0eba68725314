"""`ramp explain`: why this verdict, in one screen: the sentence, each check, and what would change it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ramp.core.judgement import duration
from ramp.page.check_rows import CheckRow, rows
from ramp.page.records import Records
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from rampctl.exits import DONE, USAGE, CommandError, Exit
from rampctl.reading import read
from rampctl.view import COLOURS, COLUMNS

if TYPE_CHECKING:
    from rampctl.session import Session

Look = Mapping[str, Any]


def explain(session: "Session", ramp: str, step: int | None, console: Console, *, as_json: bool) -> Exit:
    """Explain the latest look of `step` (from 1), or of the ramp. Raises CommandError when there was none."""
    records = read(session, ramp)
    look = _look(records, step)
    if as_json:
        found = {"ramp": ramp, "look": look, "checks": [asdict(row) for row in rows(look["checks"])]}
        print(json.dumps(found, ensure_ascii=False))
    else:
        console.print(explained(records, look))
    return DONE


def explained(records: Records, look: Look) -> RenderableType:
    """Everything that led to this verdict."""
    return Group(*_lines(records, look))


def _look(records: Records, step: int | None) -> Look:
    steps = records.state.plan.steps
    if step is not None and not 1 <= step <= len(steps):
        raise CommandError(f"--step: is none of the plan's, got {step}, expected 1 to {len(steps)}", USAGE)
    found = [look for look in records.looks if step is None or look["step"] == step - 1]
    if not found:
        raise CommandError(f"{records.state.ramp}: has not been looked at there yet", USAGE)
    return found[-1]


def _lines(records: Records, look: Look) -> Iterator[RenderableType]:
    step = records.state.plan.steps[look["step"]]
    verdict = look["verdict"]
    after = duration(max(0.0, look["at"] - records.state.started_at))
    yield Text.assemble((records.state.ramp, "bold"), f"  {step.title}, look {look['look']}, {after} after its start")
    yield Text.assemble((f"{verdict} → {look['action']}", f"bold {COLOURS[verdict]}"), f"  {look['reason']}")
    if answer := look.get("answer"):
        said = "approved" if answer["approves"] else "rejected"
        yield Text(f"{answer['by']} {said}: {answer['reason']}")
    yield ""
    checks = rows(look["checks"])
    yield _table(checks)
    yield from (Text(f"{check.title}: shown by trace {check.trace_id}") for check in checks if check.trace_id)
    if not records.is_running:
        yield Text.assemble("\n", (f"{records.status.replace('_', ' ')}: ", "bold"), records.reason)


def _table(checks: tuple[CheckRow, ...]) -> Table:
    table = Table("check", "verdict", "seen", "bounds", "what would change it", **COLUMNS)
    for row in checks:
        title = "alarm" if row.is_alarm else row.title
        table.add_row(title, Text(row.verdict, COLOURS[row.verdict]), row.reason, row.bounds, row.change)
    return table
