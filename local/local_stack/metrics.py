"""Metrics CloudWatch makes and the emulator does not: of embedded records in log lines, and of a function's alias.

Both are made inside the emulator, where the line or the invocation is recorded, so each counts once, at once, and
nothing polls. Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
CloudWatch_Embedded_Metric_Format_Specification.html and
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html (the dimension Resource).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ministack.services import cloudwatch, cloudwatch_logs, lambda_svc

LAMBDA_NAMESPACE = "AWS/Lambda"

_append_as_shipped = cloudwatch_logs._append_log_events  # noqa: SLF001 - where every log line passes
_emit_as_shipped = lambda_svc._emit_lambda_metrics  # noqa: SLF001 - where every invocation passes


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


def append_log_events(stream: dict[str, Any], events: Sequence[Mapping[str, Any]]) -> None:
    """File log events, and the metrics embedded in them."""
    _append_as_shipped(stream, events)
    for event in events:
        for datum in read_embedded(event["message"]):
            _store(datum)


def emit_lambda_metrics(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
    """Count an invocation for its function, and for the function's aliases, through which local traffic comes."""
    _emit_as_shipped(function_name, duration_ms, error, throttle)
    function = lambda_svc._functions.get(function_name) or {}  # noqa: SLF001 - no other place knows the aliases
    for alias in function.get("aliases", {}):
        dimensions = {"FunctionName": function_name, "Resource": f"{function_name}:{alias}"}
        cloudwatch.record_metric(LAMBDA_NAMESPACE, "Invocations", 1, "Count", dimensions)
        cloudwatch.record_metric(LAMBDA_NAMESPACE, "Errors", int(error), "Count", dimensions)


def install() -> None:
    """Put both in the emulator's way."""
    cloudwatch_logs._append_log_events = append_log_events  # noqa: SLF001 - as above
    lambda_svc._emit_lambda_metrics = emit_lambda_metrics  # noqa: SLF001 - as above


def _store(datum: Datum) -> None:
    cloudwatch._store_datum(  # noqa: SLF001 - what PutMetricData itself calls
        datum.namespace,
        datum.name,
        dict(datum.dimensions),
        datum.timestamp_ms / 1000,
        datum.unit,
        datum.value,
        None,
        None,
        None,
    )


def _values(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]
