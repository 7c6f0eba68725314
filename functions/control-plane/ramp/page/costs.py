"""What a ramp costs: the forecast of its whole plan, and what it has cost, by what its looks counted."""

from dataclasses import dataclass

from ramp.core.bill import NOTE, dollars, forecast_sentence, lines, spent_sentence
from ramp.core.cost import cost_of, spent, traffic_of
from ramp.core.feasibility import forecast_of
from ramp.page.records import Records


@dataclass(frozen=True)
class CostRow:
    """An item: what the whole plan would cost, what the ramp has cost, and what moves it; sums have no driver."""

    name: str
    forecast: str
    spent: str
    driver: str


@dataclass(frozen=True)
class Costs:
    """`sentences` say it at once, `rows` item by item; none before the first look, since nothing was counted yet."""

    sentences: tuple[str, ...]
    rows: tuple[CostRow, ...] = ()
    note: str = NOTE


NOT_YET = Costs(("The forecast comes with the first look, which counts the traffic that it is made for.",))


def costs(records: Records) -> Costs:
    """The forecast, at the traffic that the looks counted, beside what the ramp has cost."""
    if not records.looks:
        return NOT_YET
    state, traffic = records.state, traffic_of(records.looks, records.state.started_at)
    whole = cost_of(forecast_of(state.plan, traffic), state.plan, traffic)
    so_far = spent(records.looks, state.started_at)
    spent_on = {line.name: dollars(line.dollars) for line in lines(so_far)}
    return Costs(
        (forecast_sentence(whole, traffic), spent_sentence(so_far, is_over=not records.is_running)),
        tuple(CostRow(line.name, dollars(line.dollars), spent_on[line.name], line.driver) for line in lines(whole)),
    )
