"""`python -m benchmarks.gate`: the gate and its peers on the same simulated ramps, seeded, in one run."""

import json
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.gate.cell import Cell, measure
from benchmarks.gate.contenders import PEERS, Sequential
from benchmarks.gate.entry import guest
from benchmarks.gate.goals import FIXED, PLANNED, Goal, goals, of_primitives
from benchmarks.gate.kept import kept
from benchmarks.gate.ramp_run import Enter
from benchmarks.gate.scenario import SCENARIOS, Scenario
from benchmarks.gate.schedule import Schedule, fixed, planned
from benchmarks.gate.sharpness import sharpness
from benchmarks.gate.traffic import LOADS, Load

PAGE = Path(__file__).parents[2] / "docs" / "gate.md"
QUICK_RUNS, FULL_RUNS, SLOW_RUNS = 25, 500, 200
QUICK_SCENARIOS = (
    "healthy 0.1 %",
    "healthy 1 %",
    "clustered errors",
    "one broken account",
    "live errors 2.5 %, control 1 %",
    "live errors 5 %",
    "live errors 100 %",
    "errors 5 % in shadow",
    "mismatches 2 %",
    "latency +40 %",
    "nothing routed",
    "zero traffic",
)
Cells = dict[tuple[str, str, str], Cell]

app = typer.Typer(add_completion=False)
console = Console()


@app.command()
def main(  # options
    quick: Annotated[bool, typer.Option(help="The gate alone, core scenarios: two minutes.")] = False,
    runs: Annotated[int | None, typer.Option(help="Ramps a cell.")] = None,
    slow_runs: Annotated[int, typer.Option(help="Ramps of a cell on the fixed schedule, at most --runs.")] = SLOW_RUNS,
    keep: Annotated[Path | None, typer.Option(help="Folder to keep cells in and to take them up from.")] = None,
    seed: Annotated[int, typer.Option(help="Of every die.")] = 7,
    contender: Annotated[list[str] | None, typer.Option(help="module:function: decide(looks, plan).")] = None,
    scenario: Annotated[list[Path] | None, typer.Option(help="A JSON file with one more scenario.")] = None,
    only: Annotated[str, typer.Option(help="Loads to run, comma-separated.")] = ",".join(LOADS),
    page: Annotated[Path | None, typer.Option(help="Where the figures go (full run).")] = PAGE,
) -> None:
    """Measure, print, and write the page; exit code 1 when a goal is missed beyond the noise of the sample."""
    began = time.monotonic()
    runs = runs or (QUICK_RUNS if quick else FULL_RUNS)
    extra = [Scenario.from_file(path) for path in scenario or ()]
    chosen = [*(s for s in SCENARIOS if not quick or s.name in QUICK_SCENARIOS), *extra]
    guests = {name: guest(name) for name in contender or ()}
    cells: Cells = {}
    for load in (LOADS[name] for name in only.split(",")):
        for name, enter, schedule in _entries(load, {} if quick else PEERS, guests):
            ramps = runs if name == PLANNED else min(runs, slow_runs)
            for item in chosen:
                make = partial(measure, item, load, name, enter, schedule, ramps, seed)
                cells[item.name, load.name, name] = kept(keep, item, load, name, ramps, seed, make)
            seconds = time.monotonic() - began
            console.print(f"{load.name}, {name}: {len(chosen)} scenarios x {ramps} ramps, {seconds:.0f} s")
    sharp = sharpness(seed)
    found = [*goals(cells), *of_primitives(sharp)]
    console.print(_table(found))
    if not quick and page is not None:
        from benchmarks.gate.report import write  # noqa: PLC0415  # matplotlib takes a second to load

        write(
            page,
            cells,
            found,
            sharp,
            f"python -m benchmarks.gate --runs {runs} --slow-runs {slow_runs} --seed {seed}",
        )
    missed = [goal for goal in found if not goal.is_reached]
    console.print(json.dumps({"goals": len(found), "missed": len(missed), "seconds": round(time.monotonic() - began)}))
    sys.exit(1 if missed else 0)


def _entries(load: Load, peers: Mapping[str, Enter], guests: dict[str, Enter]) -> list[tuple[str, Enter, Schedule]]:
    """Everybody on the fixed schedule, the gate on the planned one, too."""
    ours: list[tuple[str, Enter, Schedule]] = [(PLANNED, Sequential, planned(load)), (FIXED, Sequential, fixed(load))]
    others: dict[str, Enter] = {**peers, **guests}
    return [*ours, *((name, enter, fixed(load)) for name, enter in others.items())]


def _table(found: list[Goal]) -> Table:
    """Missed goals, and a count of the rest by kind."""
    table = Table("goal", "measured", "wanted", "tolerance", "", title="goals")
    for goal in found:
        if goal.is_reached and goal.name.startswith(("false rollback", "bad promoted")) and goal.value == 0:
            continue
        mark = "held" if goal.is_reached else "MISSED"
        cells = (f"{goal.value:.4g} {goal.unit}", f"{goal.goal:.4g}", f"{goal.tolerance:.3g}", mark)
        table.add_row(goal.name, *cells)
    return table


if __name__ == "__main__":
    app()
