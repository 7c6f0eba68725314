"""The outlook: what a ramp will take, catch, risk and cost, in the same words before it starts and when it does."""

from ramp.core.bill import forecast_sentence
from ramp.core.cost import cost_of
from ramp.core.feasibility import forecast_of
from ramp.core.judgement import count, duration, percent
from ramp.core.plan import Plan
from ramp.core.planner import Forecast, Traffic
from ramp.core.units import DAY_SECONDS

HARDLY_ANY = 0.999  # a rate that is caught only here is none that anybody plans for
UNKNOWN = "What it takes and costs is not known, since nothing was requested in the last day."


def outlook(plan: Plan, traffic: Traffic | None) -> str:
    """Two sentences on the whole plan at `traffic`, one of them the bill; `traffic` None: nobody knows it."""
    if traffic is None:
        return UNKNOWN
    forecast = forecast_of(plan, traffic)
    return f"{forecast_words(forecast, plan, traffic)} {forecast_sentence(cost_of(forecast, plan, traffic), traffic)}"


def forecast_words(forecast: Forecast, plan: Plan, traffic: Traffic) -> str:
    """Time to the end, the smallest regression caught, and users at risk; plain thresholds promise no catch."""
    a_day = f"At {count(traffic.requests_per_second * DAY_SECONDS)} requests a day of {count(traffic.users)} users"
    if plan.gate == "fixed":
        bakes = sum(step.bake_seconds for step in plan.steps)
        return f"{a_day} the bakes take {duration(bakes)} in all; {_at_risk(forecast)}."
    caught = min(step.caught_rate for step in forecast.steps)
    catch = "no rate of failures is sure to be rolled back"
    if caught < HARDLY_ANY:
        catch = f"failures from {percent(caught)} on are rolled back in 9 of 10 ramps"
    takes = f"a candidate without failures takes {duration(forecast.seconds)} in all"
    return f"{a_day} {takes}; {catch}; {_at_risk(forecast)}."


def _at_risk(forecast: Forecast) -> str:
    live = [step for step in forecast.steps if step.step.share_ppm]
    first = f"{count(live[0].users_at_risk)} at {live[0].step.title}"
    return f"users at risk: {first}" + (", all at the end" if len(live) > 1 else "")
