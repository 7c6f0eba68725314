"""What a ramp costs, in the words of its page: the forecast beside what its looks counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from ramp.core import bill
from ramp.core.cost import cost_of, spent, traffic_of
from ramp.core.feasibility import forecast_of
from ramp.page.costs import NOT_YET, costs
from ramp.page.records import Records, read

from tests.browser import scenes
from tests.browser.director import Director


@pytest.fixture(scope="module")
def promoted() -> Records:
    """Ten hours at 20 requests a second, approved once."""
    return records_of(scenes.promoted("ramp-paid"))


@pytest.fixture(scope="module")
def running() -> Records:
    """In the middle of its fourth step."""
    return records_of(scenes.running("ramp-paying"))


def records_of(director: Director) -> Records:
    """As the page reads them."""
    records = read(director.house.table, director.name)
    assert records is not None
    return records


def test_before_the_first_look_the_page_says_when_the_forecast_comes(running: Records) -> None:
    """Nothing has counted the traffic yet."""
    assert costs(replace(running, looks=())) is NOT_YET


def test_the_sentences_say_the_sums_and_what_drives_them(running: Records, promoted: Records) -> None:
    """The same sums as in the table, each with the two dearest items that the ramp adds, and what moves them."""
    for records, when in ((running, "so far"), (promoted, "in all")):
        found = costs(records)
        whole, so_far = found.sentences
        *_, total, added = found.rows
        assert whole.startswith(f"About {total.forecast} for the whole plan at ")
        assert f"; the ramp adds {added.forecast} of it, most of that " in whole
        assert so_far == f"{total.spent} {when}, by what its looks counted; the ramp added {added.spent} of it."
        first, second = [row for row in found.rows if row.driver not in {"traffic", ""}][:2]
        assert f"{first.name} ({first.forecast}, by {first.driver}) and {second.name} ({second.forecast}" in whole


def test_a_bill_has_every_item_once_and_adds_up(running: Records) -> None:
    """Both columns, to the cents shown."""
    *items, total, added = costs(running).rows
    assert len({row.name for row in items}) == len(items) == 11
    assert (total.name, added.name) == (bill.IN_ALL, bill.ADDED)
    for column in ("forecast", "spent"):
        assert _number(getattr(total, column)) == pytest.approx(
            sum(_number(getattr(row, column)) for row in items), abs=0.05
        )
    assert _number(total.spent) < _number(total.forecast)


def test_a_ramp_that_went_as_planned_has_cost_about_its_forecast(promoted: Records) -> None:
    """Two ways to the same bill: from the plan, and from what was counted."""
    total = next(row for row in costs(promoted).rows if row.name == bill.IN_ALL)
    assert _number(total.spent) == pytest.approx(_number(total.forecast), rel=0.25)


def test_the_page_and_the_commands_say_the_same(promoted: Records) -> None:
    """`ramp check` forecasts and `ramp cost` counts by the same functions, in the same words."""
    looks, state = promoted.looks, promoted.state
    traffic, counted = traffic_of(looks, state.started_at), spent(looks, state.started_at)
    whole = cost_of(forecast_of(state.plan, traffic), state.plan, traffic)
    assert traffic.requests_per_second == pytest.approx(20, rel=0.1)
    assert costs(promoted).sentences == (
        bill.forecast_sentence(whole, traffic),
        bill.spent_sentence(counted, is_over=True),
    )


def test_a_ramp_that_nobody_read_under_has_a_bill_too(running: Records) -> None:
    """Without requests there are looks and metrics to pay for, and no certificate to wait for for ever."""
    quiet = [_without_requests(look) for look in running.looks]
    found = costs(replace(running, looks=tuple(quiet)))
    assert "at 0 requests a day" in found.sentences[0]
    assert next(row for row in found.rows if row.name == "shadow reads").spent == "$0.0000"


def _without_requests(look: Mapping[str, Any]) -> Mapping[str, Any]:
    arms = {
        arm: {**look["evidence"][arm], "requests": 0, "comparisons": 0} for arm in ("control", "candidate", "shadow")
    }
    return {**look, "evidence": {**look["evidence"], **arms}}


def _number(shown: str) -> float:
    return float(shown.removeprefix("$").replace(",", ""))
