"""A ramp's cost in words, the same on its page, in its report and in the terminal."""

from typing import NamedTuple

from ramp.core import prices
from ramp.core.cost import Cost, Item
from ramp.core.judgement import count
from ramp.core.planner import Traffic
from ramp.core.units import DAY_SECONDS

MAIN_ITEMS = 2
CENTS_FROM = 0.1  # dollars
MANY_FROM = 100  # a second, from where on fractions say nothing
IN_ALL, ADDED = "in all", "of that, added by the ramp"
NOTE = (
    f"Prices of us-east-1 as of {prices.AS_OF}, no free tier taken off; without control's own invocations, the "
    "database, the ramp table and messages."
)
A_MONTH = "A month: of such ramps, one after the other."


class Line(NamedTuple):
    """One line of a bill: what it is for, `dollars`, and the field of the plan that moves it; sums have none."""

    name: str
    dollars: float
    driver: str


def lines(cost: Cost) -> tuple[Line, ...]:
    """Every item, dearest first, then the sums."""
    items = (Line(item.name, item.dollars, item.driver) for item in _dearest_first(cost))
    return (*items, Line(IN_ALL, cost.dollars, ""), Line(ADDED, cost.added_dollars, ""))


def forecast_sentence(cost: Cost, traffic: Traffic) -> str:
    """What the whole plan will cost, and what drives it."""
    added = [item for item in _dearest_first(cost) if item.is_added]
    main = [f"{item.name} ({dollars(item.dollars)}, by {item.driver})" for item in added[:MAIN_ITEMS]]
    whole = f"About {dollars(cost.dollars)} for the whole plan at {_rate(traffic)}"
    return f"{whole}; the ramp adds {dollars(cost.added_dollars)} of it, most of that {' and '.join(main)}."


def spent_sentence(cost: Cost, *, is_over: bool) -> str:
    """What the ramp has cost."""
    spent = f"{dollars(cost.dollars)} {'in all' if is_over else 'so far'}, by what its looks counted"
    return f"{spent}; the ramp added {dollars(cost.added_dollars)} of it."


def dollars(amount: float) -> str:
    """`$12.30`; `$0.0123` where cents say too little."""
    return f"${amount:,.2f}" if amount >= CENTS_FROM else f"${amount:,.4f}"


def _dearest_first(cost: Cost) -> list[Item]:
    return sorted(cost.items, key=lambda item: -item.dollars)


def _rate(traffic: Traffic) -> str:
    rate = traffic.requests_per_second
    if rate >= MANY_FROM:
        return f"{count(rate)} requests a second"
    return f"{rate:.3g} requests a second" if rate >= 1 else f"{count(rate * DAY_SECONDS)} requests a day"
