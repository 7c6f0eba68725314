"""What CloudWatch does with log lines and the emulator does not: embedded metrics, and the metrics of an alias.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
and https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html (dimensions of Lambda's metrics).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_logs.client import CloudWatchLogsClient

LOG_GROUP_PREFIX = "/aws/lambda/"
EMBEDDED = '"CloudWatchMetrics"'  # the filter pattern: only lines with this word are fetched
OVERLAP_MS = 10_000  # a line can be filed that much later than its timestamp; what was read already is remembered
DATA_PER_CALL = 1000  # PutMetricData's own limit
LAMBDA_NAMESPACE = "AWS/Lambda"
LAMBDA_METRICS = ("Invocations", "Errors")

EventId = tuple[str, str, int, str]


@dataclass(frozen=True)
class Datum:
    """One value of one metric under one dimension set; `timestamp_ms` is the record's own."""

    namespace: str
    name: str
    unit: str
    dimensions: tuple[tuple[str, str], ...]
    timestamp_ms: int
    value: float


def read_embedded(line: str) -> list[Datum]:
    """Every datum of a log line in the embedded metric format; none for any other line."""
    try:
        record = json.loads(line)
        metadata = record["_aws"]
        return [
            Datum(directive["Namespace"], metric["Name"], metric.get("Unit", "None"), dimensions, stamp, float(value))
            for stamp in [int(metadata["Timestamp"])]
            for directive in metadata["CloudWatchMetrics"]
            for dimensions in [tuple((name, str(record[name])) for name in names) for names in directive["Dimensions"]]
            for metric in directive["Metrics"]
            for value in _values(record[metric["Name"]])
        ]
    except (ValueError, KeyError, TypeError):
        return []


class EmbeddedMetrics:
    """Follows the functions' log groups and puts each record once, however often its line is seen."""

    def __init__(self, logs: "CloudWatchLogsClient", cloudwatch: "CloudWatchClient") -> None:
        self._logs = logs
        self._cloudwatch = cloudwatch
        self._seen: dict[EventId, int] = {}

    def relay(self, now: float) -> int:
        """Put what was logged since the last call; how many values that were. `now` in epoch seconds."""
        since = int(now * 1000) - OVERLAP_MS
        data = [datum for line in self._unseen_lines(since) for datum in read_embedded(line)]
        put(self._cloudwatch, data)
        self._seen = {event: at for event, at in self._seen.items() if at >= since}
        return len(data)

    def _unseen_lines(self, since: int) -> Iterator[str]:
        for group in self._groups():
            found = self._logs.filter_log_events(logGroupName=group, filterPattern=EMBEDDED, startTime=since)
            for event in found["events"]:
                # The emulator gives events no id; a log stream there holds one invocation, which makes this one.
                identity = (group, event["logStreamName"], event["timestamp"], event["message"])
                if identity not in self._seen:
                    self._seen[identity] = event["timestamp"]
                    yield event["message"]

    def _groups(self) -> list[str]:
        found = self._logs.describe_log_groups(logGroupNamePrefix=LOG_GROUP_PREFIX)["logGroups"]
        return [group["logGroupName"] for group in found]


class AliasMetrics:
    """Repeats a function's AWS/Lambda metrics under its alias, as Lambda does for invocations through an alias.

    The emulator counts by function alone, and local traffic comes through the alias alone.
    """

    def __init__(self, cloudwatch: "CloudWatchClient", functions: "LambdaClient") -> None:
        self._cloudwatch = cloudwatch
        self._functions = functions
        self._until: int | None = None

    def relay(self, now: float) -> int:
        """Put the whole seconds that ended since the last call; how many values that were. `now` in epoch seconds."""
        end = int(now)
        start, self._until = self._until if self._until is not None else end - 1, end
        if start >= end:
            return 0
        data = [datum for function, alias in self._aliases() for datum in self._counts(function, alias, start, end)]
        put(self._cloudwatch, data)
        return len(data)

    def _aliases(self) -> Iterator[tuple[str, str]]:
        for function in self._functions.list_functions()["Functions"]:
            for alias in self._functions.list_aliases(FunctionName=function["FunctionName"])["Aliases"]:
                yield function["FunctionName"], alias["Name"]

    def _counts(self, function: str, alias: str, start: int, end: int) -> Iterator[Datum]:
        by_function = ("FunctionName", function)
        for name in LAMBDA_METRICS:
            answer = self._cloudwatch.get_metric_statistics(
                Namespace=LAMBDA_NAMESPACE,
                MetricName=name,
                Dimensions=[{"Name": by_function[0], "Value": by_function[1]}],
                StartTime=datetime.fromtimestamp(start, UTC),
                EndTime=datetime.fromtimestamp(end, UTC),
                Period=1,
                Statistics=["Sum"],
            )
            for point in answer["Datapoints"]:
                dimensions = (by_function, ("Resource", f"{function}:{alias}"))
                at_ms = int(point["Timestamp"].timestamp() * 1000)
                yield Datum(LAMBDA_NAMESPACE, name, "Count", dimensions, at_ms, point["Sum"])


def put(cloudwatch: "CloudWatchClient", data: list[Datum]) -> None:
    """PutMetricData in calls of at most a thousand, one namespace each."""
    for namespace in sorted({datum.namespace for datum in data}):
        of_namespace: list[Any] = [_wire(datum) for datum in data if datum.namespace == namespace]
        for first in range(0, len(of_namespace), DATA_PER_CALL):
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=of_namespace[first : first + DATA_PER_CALL])


def _values(value: object) -> list[float]:
    return value if isinstance(value, list) else [value]  # type: ignore[list-item]  # float() above refuses the rest


def _wire(datum: Datum) -> dict[str, Any]:
    return {
        "MetricName": datum.name,
        "Unit": datum.unit,
        "Value": datum.value,
        "Timestamp": datetime.fromtimestamp(datum.timestamp_ms / 1000, UTC),
        "Dimensions": [{"Name": name, "Value": value} for name, value in datum.dimensions],
    }
