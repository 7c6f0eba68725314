"""`python -m benchmarks.safe`: brakes real ramps on a local stack of its own and writes docs/safety.md."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from local_stack import stack
from rich.console import Console
from rich.table import Table

from benchmarks.safe.brakes import STALENESS_SECONDS, Braking, brake_ramps
from benchmarks.safe.spread import Spread

ROOT = Path(__file__).parents[2]
APPLICATION = ("template.yaml", "functions", "statemachine", "database", "events")
PAGE = ROOT / "docs" / "safety.md"
BEGIN, END = "<!-- figures of make bench-safe -->", "<!-- end of figures -->"
OFF_GOAL_SECONDS = 2.0
LAST_GOAL_SECONDS = STALENESS_SECONDS + 1.0
GOALS = {
    "flag off, read back": OFF_GOAL_SECONDS,
    "last request served by the candidate": LAST_GOAL_SECONDS,
}


def main(
    runs: Annotated[int, typer.Option(min=1, help="ramps to brake")] = 20,
    *,
    write: Annotated[bool, typer.Option(help="write the figures into docs/safety.md")] = True,
) -> None:
    """Exit with 1 when a p95 misses its goal."""
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder)
        for name in APPLICATION:
            (repository / name).symlink_to(ROOT / name)
        running = stack.up(repository, print)
        try:
            brakings = list(brake_ramps(running, runs, print))
        finally:
            stack.down(repository, print)
    spreads = _spreads(brakings)
    _print(spreads)
    if write:
        _write(spreads)
    raise typer.Exit(int(any(spread.p95 >= GOALS[name] for name, spread in spreads.items())))


def _spreads(brakings: list[Braking]) -> dict[str, Spread]:
    found = ([b.off_seconds for b in brakings], [b.last_served_seconds for b in brakings])
    return {name: Spread.of(seconds) for name, seconds in zip(GOALS, found, strict=True)}


def _print(spreads: dict[str, Spread]) -> None:
    table = Table("after the alarm is in ALARM", "n", "p50 s", "p95 s", "max s", "goal: p95 under")
    for name, spread in spreads.items():
        table.add_row(name, *spread.cells(), f"{GOALS[name]:g} s")
    Console().print(table)
    print(json.dumps({name: spread.to_json() | {"goal_seconds": GOALS[name]} for name, spread in spreads.items()}))


def _write(spreads: dict[str, Spread]) -> None:
    head = ["| after the alarm is in ALARM | ramps | p50 | p95 | max | goal |", "| --- | --- | --- | --- | --- | --- |"]
    rows = [
        f"| {name} | {n} | {p50} s | {p95} s | {most} s | p95 < {GOALS[name]:g} s |"
        for name, spread in spreads.items()
        for n, p50, p95, most in (spread.cells(),)
    ]
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text("\n".join([before + BEGIN, "", *head, *rows, "", END]) + after)


if __name__ == "__main__":
    typer.run(main)
