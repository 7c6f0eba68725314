"""The report: tables in Markdown, and two pictures."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

from benchmarks.gate.cell import Cell
from benchmarks.gate.goals import PLANNED, Goal
from benchmarks.gate.look import Word
from benchmarks.gate.sharpness import Sharpness

mpl.use("svg")
mpl.rcParams |= {"svg.hashsalt": "gate", "svg.fonttype": "none"}  # the same figures give the same, small file
from matplotlib import pyplot as plt  # noqa: E402  # the backend is chosen first
from matplotlib.figure import Figure  # noqa: E402

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
Cells = Mapping[tuple[str, str, str], Cell]


def write(page: Path, cells: Cells, goals: Sequence[Goal], sharp: Sequence[Sharpness], command: str) -> None:
    """Put the figures between the marks of `page`, and the pictures in the folder beside it."""
    text = page.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    body = "\n".join([f"`{command}`", "", *_goal_table(goals), "", *_sharpness_table(sharp), "", *_cells_tables(cells)])
    page.write_text(f"{before}{BEGIN}\n{body}\n{END}{after}", "utf-8")
    folder = page.with_suffix("")
    folder.mkdir(exist_ok=True)
    _false_rollbacks(cells, folder / "false-rollbacks.svg")
    _failures(cells, folder / "failures.svg")


def _goal_table(goals: Sequence[Goal]) -> Iterator[str]:
    """The worst of each kind: every line that missed, and of each kind that held the one nearest to its goal."""
    yield "| goal | measured | wanted | |"
    yield "| --- | ---: | ---: | --- |"
    kinds: dict[str, list[Goal]] = {}
    for goal in goals:
        kinds.setdefault(goal.name.split(":")[0], []).append(goal)
    for kind in kinds.values():
        worst = max(kind, key=lambda goal: goal.value - goal.goal)
        shown = [goal for goal in kind if not goal.is_reached] or [worst]
        held = sum(goal.is_reached for goal in kind)
        for goal in shown:
            mark = f"held in {held} of {len(kind)} cells" if goal.is_reached else "**missed**"
            if goal.is_reached and goal.value > goal.goal:
                mark += f", here with the sample's noise of {goal.tolerance:.2g} {goal.unit}"
            note = f"; {goal.note}" if goal.note else ""
            yield f"| {goal.name} | {goal.value:.4g} {goal.unit} | ≤ {goal.goal:.4g} {goal.unit} | {mark}{note} |"


def _sharpness_table(sharp: Sequence[Sharpness]) -> Iterator[str]:
    yield "| primitive | requests | bound | ratio |"
    yield "| --- | ---: | ---: | ---: |"
    for item in sharp:
        yield f"| {item.name} | {item.requests:,.0f} | {item.bound:,.0f} | {item.ratio:.2f} |"


def _cells_tables(cells: Cells) -> Iterator[str]:
    yield "Each entry: rolled back / asked / promoted in percent; of stopped ramps the median of failed live requests"
    yield "(and of those that users saw, with fallback); of healthy ones the median time to 100 %."
    names = [*dict.fromkeys(cell.contender for cell in cells.values())]
    for load in dict.fromkeys(cell.load.name for cell in cells.values()):
        yield f"\n### {load}\n"
        yield f"| scenario | {' | '.join(names)} |"
        yield f"| --- |{' --- |' * len(names)}"
        for scenario in dict.fromkeys(cell.scenario.name for cell in cells.values()):
            yield f"| {scenario} | {' | '.join(_entry(cells[scenario, load, name]) for name in names)} |"


def _entry(cell: Cell) -> str:
    words = "/".join(f"{100 * cell.share(word):.0f}" for word in (Word.ROLL_BACK, Word.ASK, Word.ADVANCE))
    stopped, seconds = cell.share(Word.ADVANCE) < 1, cell.seconds_to_whole
    parts = [words]
    if stopped and cell.scenario.kind != "healthy":
        parts.append(f"{np.median(cell.failures):,.0f} ({np.median(cell.seen_failures):,.0f})")
    if seconds is not None and cell.scenario.kind == "healthy":
        parts.append(f"{seconds / 3600:.0f} h" if cell.load.is_small else f"{seconds / 60:.0f} min")
    return "; ".join(parts)


def _false_rollbacks(cells: Cells, path: Path) -> None:
    loads = [*dict.fromkeys(cell.load.name for cell in cells.values())]
    names = [*dict.fromkeys(cell.contender for cell in cells.values())]
    figure, axes = plt.subplots(figsize=(8, 3.5), layout="constrained")
    width = 0.8 / len(names)
    for index, name in enumerate(names):
        found = [cells.get(("healthy 1 %", load, name)) for load in loads]
        heights = [100 * cell.share(Word.ROLL_BACK) if cell else 0 for cell in found]
        axes.bar([x + index * width for x in range(len(loads))], heights, width, label=name)
    axes.set_xticks([x + 0.4 for x in range(len(loads))], loads)
    axes.set_ylabel("healthy ramps rolled back, %")
    axes.set_title("Candidate and control both fail at 1 %, the limit is 2 %")
    axes.legend(fontsize="x-small", ncols=2)
    _save(figure, path)


def _failures(cells: Cells, path: Path) -> None:
    loads = [*dict.fromkeys(cell.load.name for cell in cells.values())]
    names = [*dict.fromkeys(cell.contender for cell in cells.values())]
    figure, axes = plt.subplots(figsize=(8, 3.5), layout="constrained")
    for name in names:
        points = [
            (x, float(np.median(cell.failures)))
            for x, load in enumerate(loads)
            if (cell := cells.get(("live errors 100 %", load, name))) and cell.share(Word.ADVANCE) < 0.5  # noqa: PLR2004
        ]
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", linewidth=3 if name == PLANNED else 1, label=name)
    axes.set_yscale("log")
    axes.set_xticks(range(len(loads)), loads)
    axes.set_ylabel("failed requests before the roll-back")
    axes.set_title("A candidate that always fails, on live requests only")
    axes.legend(fontsize="x-small", ncols=2)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)
