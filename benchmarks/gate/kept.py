"""Cells kept in a folder, so that a run of hours may be stopped, split among processes and taken up again."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path

from benchmarks.gate.cell import Cell
from benchmarks.gate.look import Word
from benchmarks.gate.ramp_run import Outcome
from benchmarks.gate.scenario import Scenario
from benchmarks.gate.traffic import Load


def kept(
    folder: Path | None, scenario: Scenario, load: Load, contender: str, runs: int, seed: int, make: Callable[[], Cell]
) -> Cell:
    """The cell from `folder` if it is there with at least `runs` ramps, else made and put there.

    A cell of more ramps serves, since ramp number i is the same in every run of the same seed. Nothing knows the code
    that made it: start with an empty folder whenever the gate, the world or a contender has changed.
    """
    if folder is None:
        return make()
    path = folder / f"{zlib.crc32(repr((scenario, load, contender, seed)).encode()):08x}.json"
    if path.exists() and len(rows := json.loads(path.read_text("utf-8"))) >= runs:
        return Cell(scenario, load, contender, tuple(Outcome(Word(row[0]), *row[1:]) for row in rows[:runs]))
    cell = make()
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(cell.outcomes), "utf-8")
    return cell
