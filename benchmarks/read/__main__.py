"""`make bench-read`: every figure of the read path beside its goal, both sides of each ratio measured in this run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.read import database, decisions, functions, hung, imports, sizes
from benchmarks.read.figure import Figure

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
HEAD = ["| measure | goal | measured | both sides | |", "| --- | ---: | ---: | --- | --- |"]

# Samples and deadline: the 99th percentile of fewer is the worst of them, and what is added to a wait hardly depends on
# how long that was.
HUNG, QUICK_HUNG = (500, functions.DEADLINE_MS), (300, 50)


def main() -> int:
    """Print the table, and with --write put it into docs/performance.md; 1 when a goal was missed."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.read", description=__doc__)
    asked.add_argument("--quick", action="store_true", help="a tenth of nearly everything: rougher, in minutes")
    asked.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    options = asked.parse_args()
    part = 10 if options.quick else 1
    runs: list[Callable[[], list[Figure]]] = [
        lambda: functions.starts(20 // part + 3),
        lambda: imports.imports(20 // part + 3),
        lambda: functions.warm(3_000 // part),
        lambda: functions.shadowing(3_000 // part),
        lambda: functions.troubles(60 // part + 30),
        lambda: hung.hanging(*(QUICK_HUNG if options.quick else HUNG)),
        lambda: database.reads(5_000 // part),
        lambda: decisions.shares(1_000_000 // part),
        lambda: decisions.noise(100_000 // part, 1_000 // part),
        sizes.sizes,
    ]
    figures: list[Figure] = []
    print("\n".join(HEAD))
    for run in runs:
        for figure in run():
            figures.append(figure)
            print(figure.row(), flush=True)
    if options.write:
        _write(
            [*HEAD, *(figure.row() for figure in figures)], "make bench-read" + (" QUICK=1" if options.quick else "")
        )
    return int(any(figure.is_met is False for figure in figures))


def _write(table: list[str], command: str) -> None:
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    body = "\n".join([BEGIN, f"`{command}`", "", *table, END])
    PAGE.write_text(f"{before}{body}{rest.partition(END)[2]}", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
