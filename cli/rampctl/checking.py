"""`ramp check`: a plan, before anything is started, and what it will take at a given traffic."""

import json
import time
from dataclasses import asdict
from math import isinf
from typing import Any

from ramp.core import prices
from ramp.core.bill import forecast_sentence
from ramp.core.cost import cost_of
from ramp.core.feasibility import forecast_of, measured_traffic, resolve
from ramp.core.plan import Plan, PlanInvalid
from ramp.core.planner import Forecast, StepForecast, Traffic
from ramp.core.units import DAY_SECONDS
from rich.console import Console

from rampctl import forecasting, plans
from rampctl.exits import DONE, USAGE, CommandError, Exit
from rampctl.rehearsal import units
from rampctl.session import Session

MOST_DAYS = 14  # Source: CloudWatch keeps minutes for 15 days


def expected_traffic(
    rate: str | None, users: int | None, from_cloudwatch: str | None, *, local: bool
) -> Traffic | None:
    """The traffic that the options name or CloudWatch shows; None: no forecast is asked for. Raises CommandError."""
    if rate and from_cloudwatch:
        raise CommandError(
            "--traffic: is measured already, got --from-cloudwatch beside it, expected one of them", USAGE
        )
    if rate:
        requests_per_second = units.requests_per_second(rate)
        if not requests_per_second:
            raise CommandError(f"--traffic: gives no evidence, got {rate}, expected some requests", USAGE)
        return Traffic.at(requests_per_second, users)
    if from_cloudwatch:
        return _measured(from_cloudwatch, users, local=local)
    if users or local:
        raise CommandError(
            "--users, --local: say nothing by themselves, expected --traffic or --from-cloudwatch", USAGE
        )
    return None


def check(path: str, traffic: Traffic | None, console: Console, *, as_json: bool) -> Exit:
    """Tell the plan, or its faults: on standard error for people, on standard output as JSON.

    With `traffic`: the steps that suit it where the plan says "auto", and the forecast. What the forecast finds to be
    hopeless are faults of a plan for the sequential gate; the fixed gate asks for no certificates.

    Raises:
        PlanInvalid: not `as_json`, and the plan has faults.
    """
    try:
        raw, plan = plans.read(path)
        plan = Plan.parse(resolve(raw, traffic)) if traffic else plan
    except PlanInvalid as invalid:
        if not as_json:
            raise
        print(json.dumps({"valid": False, "faults": list(invalid.faults)}, ensure_ascii=False))
        return Exit.BAD_PLAN
    forecast = forecast_of(plan, traffic) if traffic else None
    faults = forecast.faults if forecast and plan.gate == "sequential" else ()
    warnings = forecast.warnings if forecast and plan.gate == "sequential" else ()
    if as_json:
        told = {
            "valid": not faults,
            "faults": faults,
            "warnings": warnings,
            "total_seconds": plans.total_seconds(plan),
            "plan": asdict(plan),
        }
        print(json.dumps(told | _facts(forecast, traffic, plan), ensure_ascii=False))
        return Exit.BAD_PLAN if faults else DONE
    console.print(plans.described(plan), highlight=False)
    if forecast and traffic:
        cost = cost_of(forecast, plan, traffic)
        bill = forecasting.bill(cost, forecast_sentence(cost, traffic))
        console.print("", forecasting.told(forecast, traffic, plan), "", bill, sep="\n", highlight=False)
        console.print(*("", *warnings), sep="\n", highlight=False, soft_wrap=True)
    if faults:
        raise PlanInvalid(faults)
    return DONE


def _measured(period: str, users: int | None, *, local: bool) -> Traffic:
    days = units.option_seconds("--from-cloudwatch", period) / DAY_SECONDS
    if not (days.is_integer() and 1 <= days <= MOST_DAYS):
        raise CommandError(f"--from-cloudwatch: is out of range, got {period}, expected 1d to {MOST_DAYS}d", USAGE)
    now, metrics = time.time(), Session.open(local=local).metrics
    ends = [now - day * DAY_SECONDS for day in reversed(range(int(days)))]
    found = measured_traffic([bucket for end in ends for bucket in metrics.history(end).buckets], now)
    if found is None:
        raise CommandError(f"CloudWatch: has counted no request in {period}, expected some")
    return Traffic.at(found.requests_per_second, users)


def _facts(forecast: Forecast | None, traffic: Traffic | None, plan: Plan) -> dict[str, Any]:
    if forecast is None or traffic is None:
        return {}
    cost = cost_of(forecast, plan, traffic)
    return {
        "forecast": {
            "requests_per_second": traffic.requests_per_second,
            "users": traffic.users,
            "seconds": _finite(forecast.seconds),
            "history_events": forecast.history_events,
            "steps": [_step_facts(step) for step in forecast.steps],
        },
        "cost": {
            "prices_as_of": prices.AS_OF,
            "dollars": cost.dollars,
            "added_dollars": cost.added_dollars,
            "months": cost.months,
            "items": [asdict(item) for item in cost.items],
        },
    }


def _step_facts(step: StepForecast) -> dict[str, Any]:
    """For scripts; null is a certificate that never comes."""
    return {
        "share_ppm": step.step.share_ppm,
        "requests": step.requests,
        "certificate_requests": step.certificate_requests,
        "certificate_seconds": _finite(step.certificate_seconds),
        "caught_percent": 100 * step.caught_rate,
        "users_at_risk": step.users_at_risk,
        "asked_percent": 100 * step.asked_share,
    }


def _finite(seconds: float) -> float | None:
    return None if isinf(seconds) else seconds
