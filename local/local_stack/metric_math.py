"""Alarms over metric math, which MiniStack refuses: kept as they are defined, and judged by `local_stack.alarms`.

Source: Amazon CloudWatch API reference, PutMetricAlarm and DescribeAlarms (Metrics); AWS CloudFormation,
AWS::CloudWatch::Alarm.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

# An alarm without these is one that MiniStack itself never judges.
OF_ONE_METRIC = ("Namespace", "MetricName", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit")
PLACEHOLDER = {"Namespace": "-", "MetricName": "-"}  # what a template's alarm must have to be taken

_record_as_shipped = provisioners._cw_metric_alarm_record  # noqa: SLF001 - where a template's alarm is read
_put_as_shipped = cloudwatch._put_metric_alarm  # noqa: SLF001 - where PutMetricAlarm is served


def alarm_record(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """A template's alarm as the emulator keeps it."""
    metrics = properties.get("Metrics")
    if not metrics:
        return _record_as_shipped(name, properties)  # type: ignore[no-any-return]  # the package ships no types
    record: dict[str, Any] = _record_as_shipped(name, {**properties, "Metrics": None, **PLACEHOLDER})
    return _over(record, metrics)


def put_metric_alarm(params: Any, body: Any, is_cbor: bool, is_json: bool = False) -> Any:
    """PutMetricAlarm, with its `Metrics` kept."""
    answer = _put_as_shipped(params, body, is_cbor, is_json)
    if (is_cbor or is_json) and body.get("Metrics") and body["AlarmName"] in cloudwatch._alarms:  # noqa: SLF001 - as above
        _over(cloudwatch._alarms[body["AlarmName"]], body["Metrics"])  # noqa: SLF001 - as above
    return answer


def install() -> None:
    """Put both in the emulator's way."""
    provisioners._cw_metric_alarm_record = alarm_record  # noqa: SLF001 - as above
    cloudwatch._put_metric_alarm = put_metric_alarm  # noqa: SLF001 - as above


def _over(record: dict[str, Any], metrics: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Make `record` an alarm over `metrics`; a template's figures are strings at times."""
    for field in OF_ONE_METRIC:
        record.pop(field, None)
    record["Metrics"] = [_query(query) for query in metrics]
    return record


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    found = {**query, "ReturnData": str(query.get("ReturnData", True)).lower() != "false"}
    if "MetricStat" in found:
        found["MetricStat"] = {**found["MetricStat"], "Period": int(found["MetricStat"]["Period"])}
    return found
