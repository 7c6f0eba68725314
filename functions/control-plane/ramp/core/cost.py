"""The cost of a ramp, item by item, from its forecast; everything that is charged but fractions of a cent.

Left out: control's own invocations, the database, the ramp table, messages (less than a cent a ramp each).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from ramp.core import prices
from ramp.core.cadence import looks_within
from ramp.core.plan import Plan
from ramp.core.planner import Forecast, StepForecast, Traffic
from ramp.core.units import HOUR_SECONDS, WHOLE_PPM

MEMORY_GB = 0.5  # Source: template.yaml, Globals
TASK_SECONDS = 0.8  # a look, most of it CloudWatch's answer
READ_SECONDS = 0.03  # a read of the candidate, sandbox warm
COMPARE_SECONDS = 0.05  # the comparator, which waits for one
STATES_PER_LOOK = 3  # Wait, Measure, Action?
STATES_PER_STEP = 1
STATES_AROUND = 6
TASKS_PER_STEP, TASKS_AROUND = 1, 3
METRICS_PER_LOOK = 29  # Source: ramp/adapters/metrics.py; a test counts them
SERIES = {"control": 8, "candidate": 13, "shadow": 8}  # Source: docs/wire.md, Metrics; a test counts them
RAMP_SERIES = 3  # Source: ramp/gauges.py; a test counts them
STALENESS_SECONDS = 15  # Source: template.yaml, FlagStalenessSeconds
ROUTER_KB, READ_KB, COMPARE_KB = 1.5, 0.7, 1.5  # EMF record, log line, and Lambda's own three lines
KB_PER_GB = 1_000_000  # CloudWatch counts in decimal gigabytes
TRACES_PER_SECOND, TRACED_SHARE = 1.0, 0.05  # Source: X-Ray's default sampling rule


@dataclass(frozen=True, slots=True)
class Item:
    """`dollars` for the ramp; `driver` is what moves it; `is_added` is False for what accrues without a ramp, too."""

    name: str
    dollars: float
    driver: str
    is_added: bool = True


@dataclass(frozen=True, slots=True)
class Cost:
    """The items of a ramp that takes `seconds`."""

    items: tuple[Item, ...]
    seconds: float

    @property
    def dollars(self) -> float:
        """The ramp in all."""
        return sum(item.dollars for item in self.items)

    @property
    def added_dollars(self) -> float:
        """Of that, what would not accrue without the ramp."""
        return sum(item.dollars for item in self.items if item.is_added)

    @property
    def months(self) -> float:
        """The ramp's length; dollars / months is what a month of such ramps costs, one after the other."""
        return self.seconds / prices.MONTH_SECONDS


@dataclass(frozen=True, slots=True)
class _Use:
    """What a step uses; `looks` are the machine's, the rest are requests, and sandboxes of the router."""

    seconds: float
    looks: int
    requests: float
    served: float  # by the candidate
    compared: float  # of those
    shadow: float
    arms: tuple[str, ...]


def cost_of(forecast: Forecast, plan: Plan, traffic: Traffic) -> Cost:
    """What the ramp of `forecast` costs with a candidate that passes at `traffic`."""
    uses = [_use(step, plan, traffic) for step in forecast.steps]
    seconds = sum(use.seconds for use in uses)
    return Cost((*_machine(uses), *_reads(uses), *_telling(uses, traffic)), seconds)


def spent(looks: Sequence[Mapping[str, Any]], started_at: float) -> Cost:
    """What a ramp has cost so far, by the counts of its looks (docs/wire.md, A look's document), in order.

    A sample of them does, as long as the last of every step is in it: that one has the step's number of looks and all
    its counts. Source: Step Functions and GetMetricData are charged by the looks, Lambda, logs and traces by the reads
    and comparisons counted, custom metrics and flag reads by the time. `started_at` is in epoch seconds. Steps without
    a look count nothing.
    """
    uses = _uses(looks, started_at)
    items = (*_machine(uses), *_reads(uses), *_telling(uses, _traffic(uses)))
    return Cost(items, sum(use.seconds for use in uses))


def traffic_of(looks: Sequence[Mapping[str, Any]], started_at: float) -> Traffic:
    """What both arms served, on average, by the same counts."""
    return _traffic(_uses(looks, started_at))


def _traffic(uses: Sequence[_Use]) -> Traffic:
    seconds = sum(use.seconds for use in uses)
    return Traffic.at(sum(use.requests for use in uses) / seconds if seconds else 0.0)


def _uses(looks: Sequence[Mapping[str, Any]], started_at: float) -> list[_Use]:
    uses, since = [], started_at
    for _, last in sorted({look["step"]: look for look in looks}.items()):
        until = max(last["evidence"]["until"], since)
        uses.append(_used(last, until - since))
        since = until
    return uses


def _used(last: Mapping[str, Any], seconds: float) -> _Use:
    """A step's use: every look counts the step from its beginning, so the last has all."""
    arms: Mapping[str, Mapping[str, int]] = {arm: last["evidence"][arm] for arm in SERIES}
    return _Use(
        seconds=seconds,
        looks=last["look"],
        requests=arms["control"]["requests"] + arms["candidate"]["requests"],
        served=arms["candidate"]["requests"],
        compared=arms["candidate"]["comparisons"],
        shadow=arms["shadow"]["requests"],
        arms=tuple(arm for arm, counted in arms.items() if counted["requests"]),
    )


def _use(step: StepForecast, plan: Plan, traffic: Traffic) -> _Use:
    watched_seconds = min(step.seconds, step.limit_seconds) if plan.gate == "sequential" else step.step.bake_seconds
    requests = traffic.requests_per_second * watched_seconds
    served = requests * step.step.share
    sampled = plan.shadow.sample_ppm / WHOLE_PPM
    shadow = (requests - served) * sampled
    present = {"control": served < requests, "candidate": served > 0, "shadow": shadow > 0}
    return _Use(
        seconds=watched_seconds,
        looks=looks_within(watched_seconds, plan.look_seconds),
        requests=requests,
        served=served,
        compared=served if sampled else 0.0,  # the sample is of control's answers; nought turns comparison off
        shadow=shadow,
        arms=tuple(arm for arm, is_there in present.items() if is_there),
    )


def _machine(uses: Sequence[_Use]) -> Iterator[Item]:
    looks, steps = sum(use.looks for use in uses), len(uses)
    states = STATES_AROUND + STATES_PER_STEP * steps + STATES_PER_LOOK * looks
    yield Item("state transitions", states * prices.STATE_TRANSITION, "look_seconds")
    tasks = TASKS_AROUND + TASKS_PER_STEP * steps + looks
    yield Item("tasks", _invocations(tasks, TASK_SECONDS), "look_seconds")
    yield Item("GetMetricData", looks * METRICS_PER_LOOK * prices.METRIC_READ, "look_seconds")


def _reads(uses: Sequence[_Use]) -> Iterator[Item]:
    shadow, served = sum(use.shadow for use in uses), sum(use.served for use in uses)
    reads = _invocations(shadow, COMPARE_SECONDS) + _invocations(shadow, READ_SECONDS)
    yield Item("shadow reads", reads, "shadow.sample_percent")
    # The router waits for the candidate while it is charged itself.
    waits = served * READ_SECONDS * MEMORY_GB * prices.LAMBDA_GB_SECOND
    compared = _invocations(sum(use.compared for use in uses), COMPARE_SECONDS - READ_SECONDS)
    yield Item("candidate's reads", _invocations(served, READ_SECONDS) + waits + compared, "steps[].percent")


def _telling(uses: Sequence[_Use], traffic: Traffic) -> Iterator[Item]:
    of_step = sum(sum(SERIES[arm] for arm in use.arms) * _hours(use.seconds) for use in uses)
    of_arm = sum(sum(SERIES[arm] for arm in use.arms if arm != "control") * _hours(use.seconds) for use in uses)
    of_ramp = RAMP_SERIES * _hours(sum(use.seconds for use in uses))
    an_hour = prices.METRIC_MONTH * HOUR_SECONDS / prices.MONTH_SECONDS
    yield Item("custom metrics", (of_step + of_arm + of_ramp) * an_hour, "steps[].bake_seconds")

    requests, shadow = sum(use.requests for use in uses), sum(use.shadow for use in uses)
    served, compared = sum(use.served for use in uses), sum(use.compared for use in uses)
    yield Item("logs of shadow", _logs(shadow * (READ_KB + COMPARE_KB)), "shadow.sample_percent")
    yield Item("logs of the candidate", _logs(served * READ_KB + compared * COMPARE_KB), "steps[].percent")
    yield Item("logs of the router", _logs(requests * ROUTER_KB), "traffic", is_added=False)

    seconds = sum(use.seconds for use in uses)
    rate = traffic.requests_per_second
    traced = min(rate, TRACES_PER_SECOND + TRACED_SHARE * max(0.0, rate - TRACES_PER_SECOND)) * seconds
    yield Item("traces of reads", traced * prices.TRACE, "traffic", is_added=False)

    sandboxes = max(1, ceil(rate * READ_SECONDS))
    polls = min(requests, sandboxes * seconds / STALENESS_SECONDS)
    changes = sandboxes * (len(uses) + 1)
    flags = polls * prices.FLAG_REQUEST + changes * prices.FLAG_RECEIVED
    yield Item("flag reads", flags, "FlagStalenessSeconds of the stack")


def _invocations(count: float, seconds: float) -> float:
    return count * (prices.LAMBDA_REQUEST + seconds * MEMORY_GB * prices.LAMBDA_GB_SECOND)


def _logs(kilobytes: float) -> float:
    return kilobytes / KB_PER_GB * prices.LOG_GB


def _hours(seconds: float) -> int:
    """A metric is charged by the hour in which it got data."""
    return ceil(seconds / HOUR_SECONDS)
