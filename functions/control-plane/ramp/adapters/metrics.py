"""Evidence from CloudWatch, asked for by ramp, step and arm, so that nothing of another step or ramp leaks in."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ramp.core.evidence import ArmCounts, Evidence
from ramp.core.plan import EvidenceSettings

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

NAMESPACE = "Huntaze/ReadPath"
ROUTER_COUNTS = ("requests", "errors", "slow", "user_errors", "dispatch_errors")
CANDIDATE_COUNTS = ("discordant_errors", "fallbacks", "comparisons", "mismatches")
COUNTS = {
    "control": ROUTER_COUNTS,
    "candidate": (*ROUTER_COUNTS, *CANDIDATE_COUNTS),
    "shadow": ("requests", "errors", "discordant_errors", "slow", "timeouts", "comparisons", "mismatches"),
}
DAY_SECONDS = 86_400
CLOCK_SKEW_SECONDS = 300  # sandboxes and tasks may disagree on the time; the step's key keeps older data out


class Metrics:
    """Reads counts, percentiles and alarm states."""

    def __init__(self, cloudwatch: "CloudWatchClient", alarms: tuple[str, ...]) -> None:
        self._cloudwatch = cloudwatch
        self._alarms = alarms

    def evidence(self, ramp: str, step: int, since: float, now: float, settings: EvidenceSettings) -> Evidence:
        """All that was counted for `step` of `ramp` since `since`, up to the last complete period before `now`.

        Times in epoch seconds. Every look reads the whole step again, so late and corrected data count in full.
        """
        period = settings.period_seconds
        until = (now - settings.delay_seconds) // period * period
        queries, keys = self._queries(ramp, step, period)
        values: dict[tuple[str, str], list[float]] = {}
        pages = self._cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries,
            StartTime=_aligned(since - CLOCK_SKEW_SECONDS, period),
            EndTime=datetime.fromtimestamp(max(until, since), UTC),
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                values.setdefault(keys[result["Id"]], []).extend(result["Values"])
        arms = {arm: _arm_counts(arm, values) for arm in COUNTS}
        return Evidence(**arms, alarms=self.alarms(), until=until)

    def alarms(self) -> dict[str, str]:
        """Each guard's state: OK, ALARM, INSUFFICIENT_DATA, or MISSING when there is no such alarm."""
        if not self._alarms:
            return {}
        found = self._cloudwatch.describe_alarms(AlarmNames=list(self._alarms))["MetricAlarms"]
        states = {alarm["AlarmName"]: str(alarm["StateValue"]) for alarm in found}
        return {name: states.get(name, "MISSING") for name in self._alarms}

    @staticmethod
    def _queries(
        ramp: str, step: int, period: int
    ) -> "tuple[list[MetricDataQueryTypeDef], dict[str, tuple[str, str]]]":
        queries: list[MetricDataQueryTypeDef] = []
        keys: dict[str, tuple[str, str]] = {}

        def ask(arm: str, metric: str, stat: str, seconds: int) -> None:
            query_id = f"q{len(queries)}"
            keys[query_id] = (arm, metric if stat == "Sum" else stat)
            dimensions = {"ramp": ramp, "step": str(step), "arm": arm}
            queries.append(
                {
                    "Id": query_id,
                    "MetricStat": {
                        "Metric": {
                            "Namespace": NAMESPACE,
                            "MetricName": metric,
                            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
                        },
                        "Period": seconds,
                        "Stat": stat,
                    },
                }
            )

        for arm, metrics in COUNTS.items():
            for metric in metrics:
                ask(arm, metric, "Sum", period)
            # Percentiles of periods cannot be added up, so they are asked for by the day.
            ask(arm, "latency_ms", "p95", DAY_SECONDS)
            ask(arm, "latency_ms", "SampleCount", DAY_SECONDS)
        return queries, keys


def _arm_counts(arm: str, values: dict[tuple[str, str], list[float]]) -> ArmCounts:
    counts = {metric: round(sum(values.get((arm, metric), []))) for metric in COUNTS[arm]}
    # The day with the most requests speaks for the step.
    days = zip(values.get((arm, "SampleCount"), []), values.get((arm, "p95"), []), strict=False)
    return ArmCounts(**counts, p95_ms=max(days, default=(0, None))[1])


def _aligned(seconds: float, period: int) -> datetime:
    return datetime.fromtimestamp(seconds // period * period, UTC)
