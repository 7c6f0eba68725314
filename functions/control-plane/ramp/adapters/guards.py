"""The guards: the alarms that stop a ramp, and whether they could."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ramp.adapters.metrics import COUNTS, NAMESPACE
from ramp.core.units import DAY_SECONDS, HOUR_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef, MetricTypeDef


@dataclass(frozen=True)
class Guard:
    """One alarm: its state (MISSING when there is none), whether it acts, and which of its metrics report nothing."""

    name: str
    state: str
    acts: bool = True
    silent: tuple[str, ...] = ()


class Guards:
    """Reads the alarms by name."""

    def __init__(self, cloudwatch: "CloudWatchClient", names: tuple[str, ...]) -> None:
        self._cloudwatch = cloudwatch
        self._names = names

    def read(self, now: float) -> tuple[Guard, ...]:
        """Each guard as it is at `now` (epoch seconds), in the order of the names.

        A metric of the read path's namespace is silent when no arm has it: the candidate's own report nothing before
        its first request. Any other is silent when it has no datapoint in the day before `now`.
        """
        if not self._names:
            return ()
        alarms = self._cloudwatch.describe_alarms(AlarmNames=list(self._names))["MetricAlarms"]
        found = {alarm["AlarmName"]: alarm for alarm in alarms}
        return tuple(self._guard(name, found.get(name), now) for name in self._names)

    def _guard(self, name: str, alarm: "MetricAlarmTypeDef | None", now: float) -> Guard:
        if alarm is None:
            return Guard(name, "MISSING", acts=False)
        metrics = tuple(_metrics(alarm))
        silent = {_told(metric) for metric in metrics if _is_ours(metric) and not _is_on_the_wire(metric)}
        silent |= self._without_datapoints([metric for metric in metrics if not _is_ours(metric)], now)
        acts = alarm.get("ActionsEnabled", True) and bool(alarm.get("AlarmActions"))
        return Guard(name, str(alarm["StateValue"]), acts, tuple(sorted(silent)))

    def _without_datapoints(self, metrics: "Sequence[MetricTypeDef]", now: float) -> set[str]:
        if not metrics:
            return set()
        answer = self._cloudwatch.get_metric_data(
            MetricDataQueries=[
                {"Id": f"q{index}", "MetricStat": {"Metric": metric, "Period": HOUR_SECONDS, "Stat": "SampleCount"}}
                for index, metric in enumerate(metrics)
            ],
            StartTime=datetime.fromtimestamp((now - DAY_SECONDS) // HOUR_SECONDS * HOUR_SECONDS, UTC),
            EndTime=datetime.fromtimestamp(now, UTC),
        )
        heard = {result["Id"] for result in answer["MetricDataResults"] if any(result["Values"])}
        return {_told(metric) for index, metric in enumerate(metrics) if f"q{index}" not in heard}


def _metrics(alarm: "MetricAlarmTypeDef") -> "Iterator[MetricTypeDef]":
    """What the alarm reads: by metric math, or one metric."""
    if "MetricName" in alarm:
        yield {
            "Namespace": alarm["Namespace"],
            "MetricName": alarm["MetricName"],
            "Dimensions": alarm.get("Dimensions", []),
        }
    for query in alarm.get("Metrics", ()):
        if "MetricStat" in query:
            metric = query["MetricStat"]["Metric"]
            yield {
                "Namespace": metric.get("Namespace", ""),
                "MetricName": metric.get("MetricName", ""),
                "Dimensions": metric.get("Dimensions", []),
            }


def _is_ours(metric: "MetricTypeDef") -> bool:
    return metric.get("Namespace") == NAMESPACE


def _is_on_the_wire(metric: "MetricTypeDef") -> bool:
    dimensions = {pair["Name"]: pair["Value"] for pair in metric.get("Dimensions", ())}
    return metric.get("MetricName") in COUNTS.get(dimensions.get("arm", ""), ()) and set(dimensions) == {"arm"}


def _told(metric: "MetricTypeDef") -> str:
    """`Invocations of FunctionName=f, Resource=f:live`."""
    pairs = ", ".join(f"{pair['Name']}={pair['Value']}" for pair in metric.get("Dimensions", ()))
    return f"{metric.get('MetricName')} of {pairs or 'no dimension'}"
