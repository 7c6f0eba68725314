"""Evidence from CloudWatch, asked for by ramp, step and arm, so that nothing of another step or ramp leaks in."""

from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ramp.core.bucket import Bucket
from ramp.core.evidence import ArmCounts, Evidence
from ramp.core.plan import HIGH_RESOLUTION_SECONDS, EvidenceSettings
from ramp.core.units import DAY_SECONDS, MINUTE_SECONDS
from ramp.errors import AwsUnavailable

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricStatTypeDef, MetricTypeDef

NAMESPACE = "Huntaze/ReadPath"
ROUTER_COUNTS = ("requests", "errors", "slow", "user_errors", "dispatch_errors", "misrouted")
CANDIDATE_COUNTS = ("discordant_errors", "fallbacks", "comparisons", "mismatches")
COUNTS = {
    "control": ROUTER_COUNTS,
    "candidate": (*ROUTER_COUNTS, *CANDIDATE_COUNTS),
    "shadow": ("requests", "errors", "discordant_errors", "slow", "timeouts", "comparisons", "mismatches"),
}
ARM_COUNTS = {"requests": "requests", "errors": "errors", "discordant_errors": "discordant", "slow": "slow"}
PAIR_COUNTS = ("comparisons", "mismatches")  # a served or a shadow read beside control's
MISROUTED = "misrouted"
ALARM_STATES = frozenset({"OK", "ALARM", "INSUFFICIENT_DATA", "MISSING"})
COUNT_MAX = 1e15  # more than any count or latency; beyond it floats skip integers
SHOWN_LENGTH = 60
MINUTES_KEPT_SECONDS = 14 * DAY_SECONDS  # Source: GetMetricData, StartTime: minutes for 15 days, or no data points
CLOCK_SKEW_SECONDS = 300  # sandboxes and tasks may disagree on the time; the step's key keeps older data out


@dataclass(frozen=True)
class History:
    """The day before a ramp: control's counts, and the candidate's requests beside them, if it served.

    `p95_ms` is control's, None when it served nobody.
    """

    buckets: tuple[Bucket, ...] = ()
    p95_ms: float | None = None

    @property
    def requests(self) -> int:
        """How many requests of control it is drawn from."""
        return sum(bucket.control_requests for bucket in self.buckets)


@dataclass(frozen=True)
class ArmReading:
    """One arm of late; `p95_ms` is the highest minute's, None without a request."""

    requests: int
    errors: int
    p95_ms: float | None


class Metrics:
    """Reads counts, percentiles and alarm states."""

    def __init__(self, cloudwatch: "CloudWatchClient", alarms: tuple[str, ...]) -> None:
        self._cloudwatch = cloudwatch
        self._alarms = alarms

    def evidence(self, ramp: str, step: int, since: float, now: float, settings: EvidenceSettings) -> Evidence:
        """All that was counted for `step` of `ramp` since `since`, up to the last complete period before `now`.

        Times in epoch seconds. Every look reads the whole step again, so late and corrected data count in full: the
        last two weeks of it (of periods under a minute three hours), since a question that reached further back
        would be answered with nothing at all.
        """
        period = settings.period_seconds
        until = (now - settings.delay_seconds) // period * period
        kept_seconds = MINUTES_KEPT_SECONDS if period >= MINUTE_SECONDS else HIGH_RESOLUTION_SECONDS
        since = max(since - CLOCK_SKEW_SECONDS, now - kept_seconds)
        asked = [
            _Query(arm, metric, "Sum", period, {"ramp": ramp, "step": str(step), "arm": arm})
            for arm, metrics in COUNTS.items()
            for metric in metrics
        ]
        # Percentiles of periods cannot be added up, so they are asked for by the day.
        asked += [
            _Query(arm, "latency_ms", stat, DAY_SECONDS, {"ramp": ramp, "step": str(step), "arm": arm})
            for arm in COUNTS
            for stat in ("p95", "SampleCount")
        ]
        series = self._series(asked, since, max(until, since))
        arms = {arm: _arm_counts(arm, series) for arm in COUNTS}
        buckets = tuple(_buckets(series, step, period))
        return Evidence(**arms, alarms=self.alarms(), until=until, buckets=buckets)

    def history(self, now: float) -> History:
        """The day before `now` (epoch seconds), under whatever ramp or none: traffic, control's rate and its p95."""
        counted = (("control", "requests"), ("control", "errors"), ("candidate", "requests"))
        asked = [_Query(arm, metric, "Sum", MINUTE_SECONDS, {"arm": arm}) for arm, metric in counted]
        asked += [
            _Query("control", "latency_ms", stat, DAY_SECONDS, {"arm": "control"}) for stat in ("p95", "SampleCount")
        ]
        series = self._series(asked, now - DAY_SECONDS, now)
        return History(tuple(_buckets(series, -1, MINUTE_SECONDS)), _p95_ms("control", series))

    def minutes(self, since: float, until: float) -> tuple[Bucket, ...]:
        """Every arm's counts minute by minute, under whatever ramp or none; epoch seconds, at most 15 days ago."""
        asked = [
            _Query(arm, metric, "Sum", MINUTE_SECONDS, {"arm": arm})
            for arm, metrics in COUNTS.items()
            for metric in metrics
        ]
        return tuple(_buckets(self._series(asked, since, until), -1, MINUTE_SECONDS))

    def arms(self, since: float, until: float) -> dict[str, ArmReading]:
        """What every arm did, under whatever ramp or none; epoch seconds."""
        counted = (("requests", "Sum"), ("errors", "Sum"), ("latency_ms", "p95"))
        asked = [_Query(arm, metric, stat, MINUTE_SECONDS, {"arm": arm}) for arm in COUNTS for metric, stat in counted]
        series = self._series(asked, since, until)
        return {
            arm: ArmReading(
                round(sum(series[arm, "requests"].values())),
                round(sum(series[arm, "errors"].values())),
                max(series[arm, "p95"].values(), default=None),
            )
            for arm in COUNTS
        }

    def alarms(self) -> dict[str, str]:
        """Each guard's state: OK, ALARM, INSUFFICIENT_DATA, or MISSING when there is no such alarm.

        Raises:
            AwsUnavailable: the answer is none; here as in every reading of this class.
        """
        if not self._alarms:
            return {}
        answer = self._cloudwatch.describe_alarms(AlarmNames=list(self._alarms))
        states = {
            str(alarm.get("AlarmName")): str(alarm.get("StateValue")) for alarm in _list_in(answer, "MetricAlarms")
        }
        if unknown := [name for name in self._alarms if states.get(name, "MISSING") not in ALARM_STATES]:
            expected = ", ".join(sorted(ALARM_STATES))
            raise AwsUnavailable(f"MetricAlarms.{unknown[0]}.StateValue: is no state, expected one of {expected}")
        return {name: states.get(name, "MISSING") for name in self._alarms}

    def _series(self, asked: "Sequence[_Query]", since: float, until: float) -> "_Series":
        """Each query's values by the start of their period; from `since`, rounded down to its period, to `until`."""
        by_id = {f"q{index}": query for index, query in enumerate(asked)}
        found = read_series(
            self._cloudwatch,
            {query_id: query.to_wire() for query_id, query in by_id.items()},
            since // asked[0].seconds * asked[0].seconds,
            until,
        )
        return {(query.arm, query.key): found[query_id] for query_id, query in by_id.items()}


def read_series(
    cloudwatch: "CloudWatchClient", asked: "Mapping[str, MetricStatTypeDef]", since: float, until: float
) -> dict[str, dict[float, float]]:
    """Each of `asked` by its id: values by the start of their period, all in epoch seconds.

    Raises:
        AwsUnavailable: the answer is none, or lacks a series or a part of one.
    """
    series: dict[str, dict[float, float]] = {query_id: {} for query_id in asked}
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[{"Id": query_id, "MetricStat": query} for query_id, query in asked.items()],
        StartTime=datetime.fromtimestamp(since, UTC),
        EndTime=datetime.fromtimestamp(until, UTC),
    )
    answered: dict[str, str] = {}
    for page in pages:
        for result in _list_in(page, "MetricDataResults"):
            name, values = _read(result, asked)
            series[name].update(values)
            answered[name] = str(result.get("StatusCode", "Complete"))
    _refuse_incomplete(answered, asked)
    return series


def metric_stat(
    namespace: str, name: str, dimensions: Mapping[str, str], stat: str, period_seconds: int
) -> "MetricStatTypeDef":
    """One statistic of one metric, as GetMetricData takes it."""
    pairs: list[DimensionTypeDef] = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    metric: MetricTypeDef = {"Namespace": namespace, "MetricName": name, "Dimensions": pairs}
    return {"Metric": metric, "Period": period_seconds, "Stat": stat}


_Series = dict[tuple[str, str], dict[float, float]]


def _list_in(answer: object, field: str) -> list[Any]:
    found = answer.get(field) if isinstance(answer, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        raise AwsUnavailable(f"{field}: is no list of objects, got {type(found).__name__}, expected one")
    return found


def _read(result: Mapping[str, Any], asked: Container[str]) -> tuple[str, dict[float, float]]:
    """A series' name, and its values by the start of their period, in whatever order they came."""
    name, starts, values = str(result.get("Id"))[:SHOWN_LENGTH], result.get("Timestamps"), result.get("Values")
    if name not in asked:
        raise AwsUnavailable("MetricDataResults.Id: was not asked for, got another, expected one that was")
    if not isinstance(starts, list) or not isinstance(values, list) or len(starts) != len(values):
        raise AwsUnavailable(f"MetricDataResults.{name}: does not pair up, expected as many Timestamps as Values")
    if not all(isinstance(start, datetime) for start in starts):
        raise AwsUnavailable(f"MetricDataResults.{name}.Timestamps: are no times, expected datetimes")
    if not all(_is_count(value) for value in values):
        raise AwsUnavailable(f"MetricDataResults.{name}.Values: are no counts, expected finite numbers from 0")
    return name, {start.timestamp(): float(value) for start, value in zip(starts, values, strict=True)}


def _is_count(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= COUNT_MAX


def _refuse_incomplete(answered: Mapping[str, str], asked: Collection[str]) -> None:
    """A series that did not come, or came in part, is no series of zeros."""
    missing = [name for name in asked if name not in answered]
    partial = [f"{name} {status}"[:SHOWN_LENGTH] for name, status in answered.items() if status != "Complete"]
    if missing or partial:
        raise AwsUnavailable(
            f"MetricDataResults: are not whole, got {len(missing)} missing, {partial[:3]}, expected all {len(asked)}"
        )


class _Query(NamedTuple):
    """One series to ask for; `key` is how it is found again."""

    arm: str
    metric: str
    stat: str
    seconds: int
    dimensions: Mapping[str, str]

    @property
    def key(self) -> str:
        return self.metric if self.stat == "Sum" else self.stat

    def to_wire(self) -> "MetricStatTypeDef":
        """As GetMetricData takes it."""
        return metric_stat(NAMESPACE, self.metric, self.dimensions, self.stat, self.seconds)


def _arm_counts(arm: str, series: _Series) -> ArmCounts:
    """`misrouted` is None without a datapoint: functions of older versions do not count it."""
    asked = [metric for metric in COUNTS[arm] if metric != MISROUTED or series[arm, metric]]
    counts = {metric: round(sum(series[arm, metric].values())) for metric in asked}
    return ArmCounts(**counts, p95_ms=_p95_ms(arm, series))


def _p95_ms(arm: str, series: _Series) -> float | None:
    """Of the day with the most requests, which speaks for all."""
    samples, p95s = series[arm, "SampleCount"], series[arm, "p95"]
    return max(((samples.get(day, 0), p95_ms) for day, p95_ms in p95s.items()), default=(0, None))[1]


def _buckets(series: _Series, step: int, period_seconds: int) -> Iterator[Bucket]:
    """The counts period by period; a period in which nothing was counted has none."""
    starts = {start for (_, key), values in series.items() if key in (*ARM_COUNTS, *PAIR_COUNTS) for start in values}
    for start in sorted(starts):
        counted = {key: round(values[start]) for key, values in series.items() if start in values}
        of_arms = {
            f"{arm}_{name}": counted[arm, metric]
            for metric, name in ARM_COUNTS.items()
            for arm in COUNTS
            if (arm, metric) in counted
        }
        of_pairs = {
            metric: counted.get(("candidate", metric), 0) + counted.get(("shadow", metric), 0) for metric in PAIR_COUNTS
        }
        misrouted = sum(counted.get((arm, MISROUTED), 0) for arm in COUNTS)
        yield Bucket(start, period_seconds, step, **of_arms, **of_pairs, misrouted=misrouted)
