"""A forecast as people read it: what each step will take and catch at a given traffic, and what the ramp costs."""

from math import isinf

from ramp.core.bill import A_MONTH, NOTE, dollars, lines
from ramp.core.cost import Cost
from ramp.core.judgement import duration
from ramp.core.outlook import HARDLY_ANY, forecast_words
from ramp.core.plan import Plan, format_percent
from ramp.core.planner import HISTORY_EVENTS_MAX, Forecast, StepForecast, Traffic
from rich.console import Group, RenderableType
from rich.table import Table


def told(forecast: Forecast, traffic: Traffic, plan: Plan) -> RenderableType:
    """A row for each step, and the whole in sentences."""
    rows = Table("step", "requests", "certificate", "after", "catches", "users at risk", box=None, pad_edge=False)
    for column in rows.columns[1:]:
        column.justify = "right"
    for step in forecast.steps:
        rows.add_row(*_row(step))
    lines = [
        (
            f"{forecast_words(forecast, plan, traffic)} It fills {forecast.history_events:,} of the "
            f"{HISTORY_EVENTS_MAX:,} events of an execution's history. Catches: the smallest rate of failures that is "
            "rolled back by the end of a step in 9 of 10 ramps."
        )
    ]
    if plan.gate == "fixed":
        lines.append("Certificates and catches are those of the sequential gate; this plan asks for plain thresholds.")
    return Group(rows, "", *lines)


def bill(cost: Cost, sentence: str) -> RenderableType:
    """The sentence, a row for each item, dearest first, the sums, and what they leave out."""
    rows = Table("cost", "the ramp", "a month", "moved by", box=None, pad_edge=False)
    for column in rows.columns[1:3]:
        column.justify = "right"
    for line in lines(cost):
        rows.add_row(line.name, dollars(line.dollars), f"${line.dollars / cost.months:,.2f}", line.driver)
    return Group(sentence, "", rows, "", f"{A_MONTH} {NOTE}")


def _row(step: StepForecast) -> tuple[str, ...]:
    title = format_percent(step.step.share_ppm) if step.step.share_ppm else "shadow"
    caught = "nothing" if step.caught_rate > HARDLY_ANY else f"{100 * step.caught_rate:.2g} %"
    return (
        title,
        f"{step.requests:,.0f}",
        f"{step.certificate_requests:,} clean",
        _duration(step.certificate_seconds),
        caught,
        f"{step.users_at_risk:,}",
    )


def _duration(seconds: float) -> str:
    return "never" if isinf(seconds) else duration(seconds)
