"""CloudWatch: what a script says was counted, and alarm states."""

# ruff: noqa: N803 - arguments are named as AWS names them

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

from ramp.adapters.metrics import CLOCK_SKEW_SECONDS
from ramp.core.evidence import ArmCounts, Evidence
from rampctl.rehearsal.fakes import GUARDS

from tests.statemachine.ramp_run import healthy

ACTS = {"ActionsEnabled": True, "AlarmActions": ["arn:aws:sns:us-east-1:000000000000:huntaze-ramp-alarms"]}


class CloudWatch:
    """`observe` gives the evidence of a step so many seconds after its beginning.

    All of it was counted in the period in which the step began, and one request more in the last one, since users still
    come.
    """

    def __init__(self) -> None:
        self.observe: Callable[[int, float], Evidence] = healthy
        self.alarms = dict.fromkeys(GUARDS, "OK")

    def __getstate__(self) -> dict[str, Any]:
        return {"alarms": self.alarms}  # `observe` is the script's, and no value

    def get_metric_data(self, MetricDataQueries: Any, StartTime: Any, EndTime: Any, **_: Any) -> Any:
        observed = cache(lambda step: self.observe(step, (EndTime - StartTime).total_seconds()))
        return {"MetricDataResults": [_result(query, StartTime, EndTime, observed) for query in MetricDataQueries]}

    def describe_alarms(self, AlarmNames: list[str]) -> Any:
        found = [
            {"AlarmName": name, "StateValue": self.alarms[name], **ACTS} for name in AlarmNames if name in self.alarms
        ]
        return {"MetricAlarms": found}


def _result(query: Any, start: Any, end: Any, observed: Callable[[int], Evidence]) -> dict[str, Any]:
    stat, metric = query["MetricStat"]["Stat"], query["MetricStat"]["Metric"]
    where = {pair["Name"]: pair["Value"] for pair in metric["Dimensions"]}
    counts = getattr(observed(int(where["step"])), where["arm"]) if "step" in where else None
    value = None if counts is None else _value(stat, metric["MetricName"], counts)
    last = end - timedelta(seconds=query["MetricStat"]["Period"])
    first = max(start, min(start + timedelta(seconds=CLOCK_SKEW_SECONDS), last))
    found = {} if value is None else {first: float(value)}
    if value and stat == "Sum" and metric["MetricName"] == "requests" and last > first:
        found[last] = 1.0
    return {"Id": query["Id"], "Timestamps": [*found], "Values": [*found.values()]}


def _value(stat: str, name: str, counts: ArmCounts) -> float | None:
    if stat == "Sum":
        found: float | None = getattr(counts, name, 0)
        return found
    return counts.p95_ms if stat == "p95" else counts.requests
