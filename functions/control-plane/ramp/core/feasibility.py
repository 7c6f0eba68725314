"""Feasibility: whether a plan suits the traffic it will meet, and the steps that do, before anything is touched."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import Any

from ramp.core.bucket import Bucket
from ramp.core.judge import policy_of
from ramp.core.judgement import duration
from ramp.core.plan import AUTO, PPM_PER_PERCENT, Plan, PlanInvalid
from ramp.core.planner import Forecast, PlannedStep, Traffic, auto_steps, forecast
from ramp.core.units import DAY_SECONDS, WHOLE_PPM

SHORTEST_SECONDS = 3_600  # a rate measured over less says little about the hours to come
DAY_SHARE = 0.9  # a small team's first request of the day before may come late
MARGIN = 2  # in time: what traffic may be above yesterday's before a step is hopeless


def forecast_of(plan: Plan, traffic: Traffic) -> Forecast:
    """What the plan's steps will take and catch at `traffic` under its own limits; whether it fits its deadline."""
    steps = [PlannedStep(step.share_ppm, step.bake_seconds, step.patience_seconds) for step in plan.steps]
    found = forecast(steps, _sampled(traffic, plan), policy_of(plan), look_seconds=plan.look_seconds)
    return replace(found, faults=(*found.faults, *_deadline_faults(found, plan)))


def _deadline_faults(found: Forecast, plan: Plan) -> Iterator[str]:
    if found.watched_seconds > plan.deadline_seconds:
        yield (
            f"deadline_seconds: settles the ramp before it is done, got {plan.deadline_seconds} "
            f"({duration(plan.deadline_seconds)}), expected more than {ceil(found.watched_seconds)} "
            f"({duration(found.watched_seconds)}), what a candidate without failures takes at this traffic"
        )


def resolve(raw_plan: Mapping[str, Any], traffic: Traffic) -> Mapping[str, Any]:
    """The plan with a list of steps: its own, or for "auto" those that suit `traffic`.

    Raises:
        PlanInvalid: the plan has faults, or the steps made for it do not fit its other fields (its deadline, say).
    """
    plan = Plan.parse(raw_plan)
    if plan.steps:
        return raw_plan
    steps = [
        {
            "percent": step.share_ppm / PPM_PER_PERCENT,
            "bake_seconds": step.bake_seconds,
            "patience_seconds": step.patience_seconds,
        }
        for step in auto_steps(_sampled(traffic, plan), policy_of(plan))
    ]
    resolved = {**raw_plan, "steps": steps}
    Plan.parse(resolved)
    return resolved


def measured_traffic(buckets: Sequence[Bucket], now: float) -> Traffic | None:
    """The route's mean rate until `now` (epoch seconds), None without a request; `buckets` in the order of time.

    Of both arms, since after a promotion the candidate serves. Counted from the first request on, but over an hour at
    least: a route that is younger than a day is not slow.
    """
    requests = sum(bucket.control_requests + bucket.candidate_requests for bucket in buckets)
    return Traffic.at(requests / max(SHORTEST_SECONDS, now - buckets[0].start)) if requests else None


def suited(raw_plan: Mapping[str, Any], buckets: Sequence[Bucket], now: float) -> Mapping[str, Any]:
    """The plan with its steps resolved to the traffic that `buckets` of the last day until `now` show.

    Only a plan for the sequential gate is refused, and only where a whole day shows that a step without approval would
    not gather its certificate in twice its time, or that the whole would not end before its deadline.

    Raises:
        PlanInvalid: hopeless, with a better plan; or "auto" and no request to go by.
    """
    traffic = measured_traffic(buckets, now)
    if traffic is None:
        if raw_plan["steps"] == AUTO:
            raise PlanInvalid([NO_TRAFFIC])
        return raw_plan
    resolved = resolve(raw_plan, traffic)
    plan = Plan.parse(resolved)
    if plan.gate == "sequential" and now - buckets[0].start >= DAY_SHARE * DAY_SECONDS:
        found = forecast_of(plan, traffic)
        watched = (item for item, step in zip(found.steps, plan.steps, strict=True) if not step.approval)
        if any(item.certificate_seconds > MARGIN * item.limit_seconds for item in watched):
            raise PlanInvalid(found.faults)
        if faults := [*_deadline_faults(found, plan)]:
            raise PlanInvalid(faults)
    return resolved


NO_TRAFFIC = (
    f'steps: cannot be made for a traffic that nobody knows, got "{AUTO}" and no request in the last day, '
    "expected some: send traffic first, or write the steps as a list (ramp check PLAN --traffic 1000/day shows some)"
)


def _sampled(traffic: Traffic, plan: Plan) -> Traffic:
    return replace(traffic, sampled=plan.shadow.sample_ppm / WHOLE_PPM)
