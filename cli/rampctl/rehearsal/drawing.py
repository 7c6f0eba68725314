"""A rehearsal as a picture: error rates with the gate's band, the share of users, the verdicts, what users saw."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rampctl.exits import USAGE, CommandError
from rampctl.rehearsal.dealing import COLUMN
from rampctl.rehearsal.stage import Played

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = (".svg", ".png")
POINTS = 60  # stretches of time that a rate is drawn over
UNITS = (("days", 86_400.0, 2.0), ("hours", 3_600.0, 2.0), ("minutes", 60.0, 0.0))
COLOURS = {"control": "#4c78a8", "candidate": "#e45756", "shadow": "#b279a2", "band": "#f2b8b5", "share": "#72b7b2"}
MARKS = {
    "ADVANCE": ("^", "#2e7d32"),
    "PROMOTE": ("*", "#2e7d32"),
    "ASK": ("o", "#f9a825"),
    "ROLL_BACK": ("X", "#c62828"),
}
BAND_ROWS = ("errors", "shadow errors")


def check(file: Path) -> None:
    """Raise CommandError for a file that is not to be an SVG or PNG."""
    if file.suffix.lower() not in KINDS:
        raise CommandError(f"--picture: is no picture, got {file.name}, expected a name ending in .svg or .png", USAGE)


def save(played: Played, file: Path) -> None:
    """Draw into `file`, an SVG or PNG by its name."""
    from matplotlib import rc_context  # noqa: PLC0415  # slow to import, seldom needed
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  # as above
    from matplotlib.figure import Figure  # noqa: PLC0415  # as above

    figure = Figure(figsize=(11, 7), layout="constrained")
    FigureCanvasAgg(figure)
    rates, share, users = figure.subplots(3, 1, sharex=True, height_ratios=(4, 1.4, 1.4))
    unit, size = next((name, size) for name, size, least in UNITS if played.seconds >= least * size)
    _rates(rates, played, size)
    _share(share, played, size)
    _users(users, played, size)
    users.set_xlabel(f"{unit} since the ramp began")
    figure.suptitle(f"{played.ramp.outcome}: {_short(played.ramp.reason)}", fontsize=10)
    file.parent.mkdir(parents=True, exist_ok=True)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "ramp"}):  # text as text, and the same bytes every time
        figure.savefig(file, metadata={"Date": None} if file.suffix.lower() == ".svg" else None)


def _rates(axes: "Axes", played: Played, size: float) -> None:
    """Error rates of the arms, the gate's band round the candidate's, and the looks that led on."""
    edges = np.linspace(0, played.seconds, POINTS + 1)
    at, rows = played.simulation.cells()
    for arm in ("control", "shadow", "candidate"):
        errors, _ = np.histogram(at, edges, weights=rows[:, COLUMN[f"{arm}_errors"]])
        requests, _ = np.histogram(at, edges, weights=rows[:, COLUMN[f"{arm}_requests"]])
        percent = np.where(requests > 0, 100 * errors / np.maximum(requests, 1), np.nan)
        axes.plot(edges[:-1] / size, percent, color=COLOURS[arm], lw=1, drawstyle="steps-post", label=arm)
    band = [(look["at"] / size, check["numbers"]) for look in played.looks if (check := _banded(look))]
    if band:
        times = [when for when, _ in band]
        low, high = ([100 * numbers[name] for _, numbers in band] for name in ("rate_low", "rate_high"))
        axes.fill_between(times, low, high, color=COLOURS["band"], alpha=0.5, lw=0, label="what the gate knows")
        axes.plot(times, [100 * numbers["limit"] for _, numbers in band], color="#555555", lw=1, ls="--", label="limit")
    for action, (marker, colour) in MARKS.items():
        times = [look["at"] / size for look in played.looks if look["action"] == action]
        axes.plot(times, [0.02] * len(times), marker, color=colour, ms=8, ls="", label=action.lower().replace("_", " "))
    axes.set_yscale("symlog", linthresh=0.1)
    axes.set_ylim(0, 130)
    axes.set_ylabel("reads that fail, %")
    axes.legend(loc="upper left", fontsize=7, ncols=4)


def _share(axes: "Axes", played: Played, size: float) -> None:
    moves = [*played.moves, (played.seconds, played.moves[-1][1])]
    axes.step(
        [at / size for at, _ in moves],
        [100 * setting.share for _, setting in moves],
        where="post",
        color=COLOURS["share"],
    )
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(0, 130)
    axes.set_ylabel("requests on the\ncandidate, %")


def _users(axes: "Axes", played: Played, size: float) -> None:
    at, rows = played.simulation.cells()
    for name, label in (("candidate_errors", "candidate failed"), ("candidate_user_errors", "users saw")):
        total = np.cumsum(rows[:, COLUMN[name]])
        axes.plot(
            at / size, total, lw=1, label=label, color=COLOURS["candidate"] if name == "candidate_errors" else "#000000"
        )
    axes.set_ylabel("failures so far")
    axes.legend(loc="upper left", fontsize=7)


def _banded(look: Any) -> Any:
    """The check that carries the band at this look: of users' requests, else of shadow reads; none of a fixed gate."""
    checks = {check["name"]: check for check in look["checks"] if check["numbers"]["rate_high"] is not None}
    return next((checks[name] for name in BAND_ROWS if name in checks), None)


def _short(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:119]}…"  # noqa: PLR2004  # characters in a title
