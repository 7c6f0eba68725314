"""The deployed dashboard as a picture: its own widgets, over the metrics that CloudWatch has.

Expressions are worked out here, with the arithmetic that `local_stack.alarms` knows, because the emulator has none.
Source: Amazon CloudWatch API reference, "Dashboard body structure and syntax" (".", "..." repeat the row above).
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_stack.alarms import evaluate
from ramp.adapters.metrics import metric_stat, read_series
from ramp.core.units import MINUTE_SECONDS

from rampctl.rehearsal import drawing
from rampctl.session import Session

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from mypy_boto3_cloudwatch.type_defs import MetricStatTypeDef

NAME = "huntaze-prisma-migration"
PARTS = 120  # points of a line, at most
LOCAL_SECONDS = 5  # the local stack keeps every datapoint, and its ramps last minutes
COLUMNS = 2
ALARMS_A_ROW = 3
Series = Mapping[float, float]


@dataclass(frozen=True)
class Line:
    """One row of a widget: a metric, or an `expression` over the ids of other rows."""

    id: str
    label: str
    stat: str
    visible: bool
    metric: tuple[str, ...] = ()
    expression: str = ""


def lines_of(properties: Mapping[str, Any]) -> tuple[Line, ...]:
    """The rows of a metric widget, their shorthand written out."""
    found: list[Line] = []
    before: tuple[str, ...] = ()
    for index, row in enumerate(properties["metrics"]):
        options = row[-1] if isinstance(row[-1], dict) else {}
        words = tuple(word for word in row if not isinstance(word, dict))
        if words:
            before = _written_out(words, before)
        label = options.get("label") or (before[-1] if words else "")
        found.append(
            Line(
                id=options.get("id", f"m{index}"),
                label=label,
                stat=options.get("stat", properties["stat"]),
                visible=options.get("visible", True),
                metric=before if words else (),
                expression=options.get("expression", ""),
            )
        )
    return tuple(found)


def draw(session: Session, file: Path, seconds: float) -> None:
    """Draw the last `seconds` into `file`, an SVG or PNG by its name. Raises CommandError for another."""
    from matplotlib import rc_context  # noqa: PLC0415  # slow to import, seldom needed
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  # as above
    from matplotlib.figure import Figure  # noqa: PLC0415  # as above

    drawing.check(file)
    cloudwatch = session.client("cloudwatch")
    widgets = json.loads(cloudwatch.get_dashboard(DashboardName=NAME)["DashboardBody"])["widgets"]
    charts = [widget["properties"] for widget in widgets if widget["type"] == "metric"]
    rows = -(-len(charts) // COLUMNS)
    figure = Figure(figsize=(12, 2.6 * rows + 0.8), layout="constrained")
    FigureCanvasAgg(figure)
    until = time.time()
    period = period_seconds(seconds, is_local=session.is_local)
    for axes, properties in zip(figure.subplots(rows, COLUMNS).flat, charts, strict=False):
        chart(axes, properties, read(cloudwatch, lines_of(properties), until - seconds, until, period))
    figure.suptitle(_states(cloudwatch, widgets), fontsize=8)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "dashboard"}):
        figure.savefig(file)


def period_seconds(seconds: float, *, is_local: bool) -> int:
    """How far apart the points of `seconds` are.

    Source: Amazon CloudWatch API reference, MetricStat: multiples of 60 for metrics of regular resolution.
    """
    shortest = LOCAL_SECONDS if is_local else MINUTE_SECONDS
    return shortest * ceil(seconds / PARTS / shortest)


def read(cloudwatch: Any, lines: Sequence[Line], since: float, until: float, period: int) -> dict[str, Series]:
    """Each visible line's values by their minutes before `until`; sums are told a minute, as the dashboard's are.

    Raises AwsUnavailable for an answer that is not whole.
    """
    asked = {line.id: _stat(line, period) for line in lines if line.metric}
    found = read_series(cloudwatch, asked, since // period * period, until)
    for summed in (line.id for line in lines if line.metric and line.stat == "Sum"):
        found[summed] = {at: value * MINUTE_SECONDS / period for at, value in found[summed].items()}
    known = sorted({at for points in found.values() for at in points})
    for line in lines:
        if line.expression:
            points = ((at, evaluate(line.expression, {name: s.get(at) for name, s in found.items()})) for at in known)
            found[line.id] = {at: value for at, value in points if value is not None}
    return {
        line.id: {(at - until) / 60: value for at, value in sorted(found[line.id].items())}
        for line in lines
        if line.visible
    }


def chart(axes: "Axes", properties: Mapping[str, Any], series: Mapping[str, Series]) -> None:
    """One widget; time in minutes before now."""
    labels = {line.id: line.label for line in lines_of(properties)}
    if properties.get("stacked"):
        moments = sorted({at for points in series.values() for at in points})
        heights = [[points.get(at, 0.0) for at in moments] for points in series.values()]
        axes.stackplot(moments, heights, labels=[labels[name] for name in series], alpha=0.8)
    else:
        for name, points in series.items():
            axes.plot(list(points), list(points.values()), label=labels[name], linewidth=1.2)
    for mark in properties.get("annotations", {}).get("horizontal", ()):
        axes.axhline(mark["value"], color="#999999", linestyle=":", linewidth=0.8)
        axes.annotate(mark["label"], (0, mark["value"]), xycoords=("axes fraction", "data"), fontsize=6)
    axes.set_title(properties["title"], fontsize=9)
    axes.tick_params(labelsize=7)
    axes.set_xlabel("minutes ago", fontsize=7)
    axes.legend(fontsize=6, loc="upper left")


def _written_out(words: tuple[str, ...], before: tuple[str, ...]) -> tuple[str, ...]:
    if words[0] == "...":
        words = (*before[: len(before) - len(words) + 1], *words[1:])
    return tuple(before[index] if word == "." else word for index, word in enumerate(words))


def _stat(line: Line, period: int) -> "MetricStatTypeDef":
    namespace, name, *pairs = line.metric
    dimensions = dict(zip(pairs[::2], pairs[1::2], strict=True))
    return metric_stat(namespace, name, dimensions, line.stat, period)


def _states(cloudwatch: Any, widgets: Sequence[Mapping[str, Any]]) -> str:
    arns = [arn for widget in widgets if widget["type"] == "alarm" for arn in widget["properties"]["alarms"]]
    told = list(_told(cloudwatch, arns))
    return "\n".join("     ".join(told[start : start + ALARMS_A_ROW]) for start in range(0, len(told), ALARMS_A_ROW))


def _told(cloudwatch: Any, arns: Sequence[str]) -> Iterator[str]:
    names = [arn.rpartition(":")[2] for arn in arns]
    for alarm in cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]:
        yield f"{alarm['AlarmName']}: {alarm['StateValue']}"
