"""Evaluates alarms over metric math, which the emulator keeps but cannot judge, and sets their state there.

Supported is exactly what the template uses: arithmetic over metrics of the same period and `FILL(metric, number)`,
`GreaterThanThreshold`, M of N datapoints, missing data not breaching. Anything else is refused when it is read.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
"""

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient

OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
SETTLE_SECONDS = 1  # a datapoint is judged this long after its period, when its records have arrived

State = Literal["OK", "ALARM"]
Datapoints = Mapping[str, float | None]


class AlarmDefinitionError(Exception):
    """The template's alarm says something this evaluator does not know; the message names the field."""


@dataclass(frozen=True)
class Metric:
    """One metric of an alarm: `id` in the expression, and where it is found."""

    id: str
    namespace: str
    name: str
    stat: str
    dimensions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Alarm:
    """ALARM when `expression` is above `threshold` in `datapoints` of the last `periods` periods."""

    name: str
    expression: str
    threshold: float
    periods: int
    datapoints: int
    metrics: tuple[Metric, ...]


def read_alarm(properties: Mapping[str, Any]) -> Alarm:
    """The alarm of what DescribeAlarms gives, or of an `AWS::CloudWatch::Alarm`'s Properties without intrinsics.

    Raises AlarmDefinitionError for everything it cannot evaluate exactly.
    """
    for field, expected in (("ComparisonOperator", "GreaterThanThreshold"), ("TreatMissingData", "notBreaching")):
        if properties.get(field) != expected:
            raise AlarmDefinitionError(f"{field}: not supported, got {properties.get(field)!r}, expected {expected!r}")
    returned = [query for query in properties["Metrics"] if query.get("ReturnData", True)]
    if len(returned) != 1 or "Expression" not in returned[0]:
        raise AlarmDefinitionError(f"Metrics: one returned expression, got {returned!r}")
    expression = returned[0]["Expression"]
    metrics = tuple(_metric(query) for query in properties["Metrics"] if query is not returned[0])
    evaluate(expression, {metric.id: 1.0 for metric in metrics})
    return Alarm(
        name=properties["AlarmName"],
        expression=expression,
        threshold=float(properties["Threshold"]),
        periods=int(properties["EvaluationPeriods"]),
        datapoints=int(properties.get("DatapointsToAlarm", properties["EvaluationPeriods"])),
        metrics=metrics,
    )


def evaluate(expression: str, values: Datapoints) -> float | None:
    """One datapoint of the expression; None when a metric it needs is missing, or a division is by zero."""
    try:
        return _value(ast.parse(expression, mode="eval").body, values)
    except ZeroDivisionError:
        return None


def state(alarm: Alarm, datapoints: list[float | None]) -> State:
    """What the last `alarm.periods` datapoints say, missing ones (None) not breaching."""
    breaching = [point for point in datapoints[-alarm.periods :] if point is not None and point > alarm.threshold]
    return "ALARM" if len(breaching) >= alarm.datapoints else "OK"


class AlarmKeeper:
    """Judges the emulator's alarms in periods of `period_seconds`, and sets each state when it changes."""

    def __init__(self, cloudwatch: "CloudWatchClient", period_seconds: int) -> None:
        self._cloudwatch = cloudwatch
        self._period_seconds = period_seconds
        self._judged_until = 0

    def judge(self, now: float) -> None:
        """Judge every alarm over metric math once a period has ended by `now` (epoch seconds); a no-op until then.

        Raises AlarmDefinitionError, when the others are judged, for one that cannot be evaluated exactly.
        """
        end = int(now - SETTLE_SECONDS) // self._period_seconds * self._period_seconds
        if self._judged_until == end:
            return
        self._judged_until = end
        faults = []
        for found in self._cloudwatch.describe_alarms()["MetricAlarms"]:
            if "Metrics" in found:
                try:
                    self._judge(read_alarm(found), found["StateValue"], end)
                except AlarmDefinitionError as fault:
                    faults.append(f"{found['AlarmName']}: {fault}")
        if faults:
            raise AlarmDefinitionError("; ".join(faults))

    def _judge(self, alarm: Alarm, before: str, end: int) -> None:
        points = self._datapoints(alarm, end)
        wanted = state(alarm, points)
        if before == wanted:
            return
        shown = ", ".join("missing" if point is None else f"{point:.4f}" for point in points)
        reason = f"{alarm.expression} > {alarm.threshold:g} in {alarm.datapoints} of {alarm.periods}: {shown}"
        self._cloudwatch.set_alarm_state(AlarmName=alarm.name, StateValue=wanted, StateReason=reason)

    def _datapoints(self, alarm: Alarm, end: int) -> list[float | None]:
        starts = range(end - alarm.periods * self._period_seconds, end, self._period_seconds)
        series = dict(self._series(alarm, starts.start, end))
        return [evaluate(alarm.expression, {name: points.get(at) for name, points in series.items()}) for at in starts]

    def _series(self, alarm: Alarm, start: int, end: int) -> Iterator[tuple[str, dict[int, float]]]:
        queries: Any = [_query(metric, self._period_seconds) for metric in alarm.metrics]
        answer = self._cloudwatch.get_metric_data(
            MetricDataQueries=queries,
            StartTime=datetime.fromtimestamp(start, UTC),
            EndTime=datetime.fromtimestamp(end, UTC),
        )
        for result in answer["MetricDataResults"]:
            moments = (int(moment.timestamp()) for moment in result["Timestamps"])
            yield result["Id"], dict(zip(moments, result["Values"], strict=True))


def _value(node: ast.expr, values: Datapoints) -> float | None:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATORS:
            first, second = _value(left, values), _value(right, values)
            return None if first is None or second is None else OPERATORS[type(sign)](first, second)
        case ast.Call(func=ast.Name(id="FILL"), args=[filled, ast.Constant(value=int() | float() as number)]):
            found = _value(filled, values)
            return float(number) if found is None else found
    raise AlarmDefinitionError(
        f"Expression: not supported, got {ast.unparse(node)!r}, "
        f"expected + - * / over {sorted(values)} and FILL(id, number)"
    )


def _metric(query: Mapping[str, Any]) -> Metric:
    stat = query["MetricStat"]
    metric = stat["Metric"]
    dimensions = tuple((pair["Name"], pair["Value"]) for pair in metric.get("Dimensions", ()))
    return Metric(query["Id"], metric["Namespace"], metric["MetricName"], stat["Stat"], dimensions)


def _query(metric: Metric, period_seconds: int) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
    where = {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}
    return {"Id": metric.id, "MetricStat": {"Metric": where, "Period": period_seconds, "Stat": metric.stat}}
