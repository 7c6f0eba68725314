"""What the page shows, without a browser: records in, values out; and who may post."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from ramp.core.wilson import Z_ONE_SIDED_95, Z_TWO_SIDED_95, wilson
from ramp.page import fields, forms, markup
from ramp.page.check_rows import rows
from ramp.page.looks import Looks, spread
from ramp.page.records import Records, read
from ramp.page.story import story
from ramp.page.view import listed, ramp_view
from rampctl.rehearsal.fakes import FakeMetrics, House
from scipy.stats import binomtest

from tests.statemachine.ramp_run import RAMP, Run, answering, asking_plan, failing_at, healthy

# Source: npm, uplot 1.6.32 (MIT), dist/uPlot.iife.min.js and dist/uPlot.min.css, as `npm pack` hands them over under
# sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==
VENDORED = {
    "uplot-1.6.32.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uplot-1.6.32.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}


def records_of(house: House) -> Records:
    """As the page reads them."""
    found = read(house.table, RAMP)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def promoted() -> Records:
    """Approved at the canary, promoted."""
    run = Run(people=answering("approve"))
    run.go(asking_plan())
    return records_of(run.house)


@pytest.fixture(scope="module")
def rolled_back() -> Records:
    """Failed at the canary."""
    run = Run(failing_at(1))
    run.go(asking_plan())
    return records_of(run.house)


@pytest.fixture(scope="module")
def unanswered() -> Records:
    """Asked at the canary, and nobody says a word."""
    run = Run()
    run.go(asking_plan())
    return records_of(run.house)


def asked_in(records: Records) -> list[tuple[str, str]]:
    """What the story tells of questions, the oldest first."""
    return [(told.what, told.why.rpartition(". ")[2]) for told in story(records)[::-1] if "asked" in told.what]


@pytest.mark.parametrize("name", VENDORED)
def test_vendored_files_are_as_their_registry_has_them(name: str) -> None:
    """Nobody edits them by hand."""
    assert hashlib.sha256(markup.content(name).encode()).hexdigest() == VENDORED[name]


def test_a_promoted_ramp_has_every_step_behind_it(promoted: Records) -> None:
    """And offers to take the promotion back, and nothing else."""
    view = ramp_view(promoted, promoted.updated_at + 60)
    assert [stop.phase for stop in view.stops] == ["done"] * 3
    assert (view.phase, view.share, view.verbs, view.question) == ("promoted", "100 %", ("undo",), None)


def test_a_ramp_that_rolled_back_shows_where_it_stopped_and_why(rolled_back: Records) -> None:
    """Its failing check comes first, and nothing is offered any more."""
    view = ramp_view(rolled_back, rolled_back.updated_at)
    assert [stop.phase for stop in view.stops] == ["done", "stopped", "ahead"]
    assert (view.verbs, view.share) == ((), "0 %")
    assert view.checks[0].verdict == "FAIL"
    assert view.story[0].what == "rolled back"


def test_a_ramp_before_its_first_look_is_shown_too(rolled_back: Records) -> None:
    """With a word on what is missing, and no picture."""
    state = replace(rolled_back.state, step=0, look=0, step_started_at=0.0)
    view = ramp_view(replace(rolled_back, state=state, status="running", looks=()), state.started_at + 5)
    assert not view.has_looks
    assert (view.verdict, view.checks, view.phase) == (None, (), "running")
    shown = markup.page(
        "ramp.html", ramp=view, links={"base": "/r", "decide": "/r/d"}, chart_data=markup.chart_data(view)
    )
    assert "Nothing has been measured yet" in shown


def test_a_question_that_nobody_answered_is_told_with_what_became_of_it(unanswered: Records) -> None:
    """Its time ran out, the ramp ended before, it settled by itself, or another one took its place."""
    (asked,) = unanswered.questions
    unheard = "asked people, and nobody answered"
    assert asked_in(unanswered) == [(unheard, "The time to answer ran out.")]
    early = replace(unanswered, updated_at=float(asked["asked_at"]) + 60)
    assert asked_in(early) == [(unheard, "The ramp ended before.")]
    going_on = replace(unanswered, status="running", request=None)
    assert asked_in(going_on) == [(unheard, "It settled by itself.")]
    later = {**asked, "request_id": "1-9", "asked_at": float(asked["asked_at"]) + 600}
    two = replace(going_on, questions=(asked, later), request=later)
    assert asked_in(two)[0] == (unheard, "Another question took its place.")
    assert [what for what, _ in asked_in(two)] == [unheard, "asked people"]
    silent = replace(unanswered, questions=(asked, {**later, "asked_at": unanswered.updated_at - 60}))
    assert asked_in(silent)[1] == (unheard, "The time to answer ran out.")


def test_a_question_that_was_answered_stands_before_its_answer(unanswered: Records, promoted: Records) -> None:
    """By the word that was kept for it; or by the look that heard it, where no word was."""
    (asked,) = unanswered.questions
    word = {"verb": "approve", "at": asked["asked_at"], "by": "ada", "reason": "so", "request_id": asked["request_id"]}
    passed = {**unanswered.looks[-1], "action": "ADVANCE", "at": float(asked["asked_at"])}
    told = [each.what for each in story(replace(unanswered, words=(word,), looks=(passed,)))]
    assert told[1:4] == ["went on", "approved", "asked people"]
    assert promoted.words == ()
    assert [what for what, _ in asked_in(promoted)] == ["asked people"]


def test_lines_begin_anew_where_a_step_does(promoted: Records) -> None:
    """After a gap; every line has a value for every moment."""
    for chart in ramp_view(promoted, promoted.updated_at).charts:
        assert {len(line.values) for line in chart.lines} == {len(chart.times)}
        gaps = [at for at, value in zip(chart.times, chart.lines[0].values, strict=True) if value is None]
        assert len(gaps) >= 2
        assert list(chart.times) == sorted(chart.times)


def test_what_people_wrote_cannot_become_markup(promoted: Records) -> None:
    """Neither in the story nor in the numbers that the script reads."""
    evil = "<script>alert(1)</script>"
    word = {"verb": "approve", "at": 0, "by": evil, "reason": "</script>" + evil, "step": 1, "via": "page"}
    view = ramp_view(replace(promoted, words=(word,), reason=evil), promoted.updated_at)
    shown = markup.page("ramp.html", ramp=view, links=None, chart_data={"evil": evil})
    assert evil not in shown


@pytest.mark.parametrize(("events", "trials"), [(0, 50), (3, 40), (40, 40), (17, 9_000)])
def test_the_band_is_wilsons(events: int, trials: int) -> None:
    """Held against scipy's; one end alone stands where both stand at 90 %."""
    for confidence, z in ((0.95, Z_TWO_SIDED_95), (0.9, Z_ONE_SIDED_95)):
        expected = binomtest(events, trials).proportion_ci(confidence, "wilson")
        assert wilson(events, trials, z) == pytest.approx((expected.low, expected.high), abs=1e-5)


@pytest.mark.parametrize("last", [0, 1, 12, 13, 100, 2_880])
def test_a_sample_has_both_ends_and_no_more_than_fits(last: int) -> None:
    """What was chosen stays chosen while a ramp goes on, so that little has to be read again."""
    chosen = spread(last, 12)
    assert chosen == sorted(set(chosen))
    assert len(chosen) <= 13
    assert {number for number in (1, last) if last} <= set(chosen)
    assert set(chosen[:-1]) <= {*spread(max(1, last - 1), 12), *spread(last, 12)}


def test_a_look_is_read_once() -> None:
    """Of an open page only the newest one is asked for."""
    house = House(FakeMetrics(healthy))
    asked: list[int] = []
    fetch = house.table.looks_at

    def counted(ramp: str, places: Any) -> list[dict[str, Any]]:
        asked.append(len(places))
        return fetch(ramp, places)

    house.table.looks_at = counted  # type: ignore[method-assign]  # the same, with a count
    looks = Looks(house.table)
    for look in range(1, 5):
        house.table.put_look(RAMP, 0, look, look, {"step": 0, "look": look})
        assert [each["look"] for each in looks.sample(RAMP, (look,))] == list(range(1, look + 1))
    assert asked == [1, 1, 1, 1]


def test_the_newest_look_is_read_again_for_what_was_noted_since() -> None:
    """An open page has seen the look before its exemplars were found."""
    house = House(FakeMetrics(healthy))
    looks = Looks(house.table)
    for look in (1, 2):
        house.table.put_look(RAMP, 0, look, look, {"step": 0, "look": look})
    looks.sample(RAMP, (2,))
    house.table.amend_look(RAMP, 0, 2, {"step": 0, "look": 2, "checks": ["noted"]})
    assert looks.sample(RAMP, (2,))[-1]["checks"] == ["noted"]


def test_a_row_shows_its_exemplar(rolled_back: Records) -> None:
    """The check that failed, once its trace is noted; on the page, in the report, in `ramp explain`."""
    trace_id = "1-6a000000-000000000000000000000001"
    checks = [{**check, "trace_id": trace_id} for check in rolled_back.looks[-1]["checks"] if check["name"] == "errors"]
    assert [row.trace_id for row in rows(checks)] == [trace_id]
    assert {row.trace_id for row in rows([*rolled_back.looks[-1]["checks"]])} == {""}
    looks = (*rolled_back.looks[:-1], {**rolled_back.looks[-1], "checks": checks})
    view = ramp_view(replace(rolled_back, looks=looks), rolled_back.updated_at)
    links = {"base": "/r", "decide": "/r/d"}
    assert trace_id in markup.page("ramp.html", ramp=view, links=links, chart_data=markup.chart_data(view))


def test_every_check_says_what_would_change_it(promoted: Records, rolled_back: Records) -> None:
    """One sentence each, and every rate with a limit has a gauge whose marks are on its scale."""
    for records in (promoted, rolled_back):
        for look in records.looks:
            for row in rows([*look["checks"]]):
                assert row.change.endswith(".")
                marks = (row.gauge.low, row.gauge.rate, row.gauge.high) if row.gauge else ()
                assert all(0 <= mark <= 100 for mark in marks)
                assert list(marks) == sorted(marks)


def test_running_ramps_come_first_in_the_list() -> None:
    """Then the newest."""
    old: dict[str, Any] = {"flag": "f", "step": 0, "steps": 3, "share_ppm": 0, "reason": "x", "ended_at": 9}
    items = [
        {**old, "ramp": "a", "status": "promoted", "started_at": 1},
        {**old, "ramp": "b", "status": "rolled_back", "started_at": 2},
        {**old, "ramp": "c", "status": "running", "started_at": 0},
    ]
    assert [ramp.ramp for ramp in listed(items, 10.0)] == ["c", "b", "a"]


def test_fields_are_counted_once_an_answer_and_only_of_this_ramp() -> None:
    """A line that cannot be read counts for nothing."""
    line = '{"message": "[SHADOW-DIFF]", "ramp": "%s", "differences": [{"path": "body.email"}, {"path": "%s"}]}'
    lines = [line % ("r", "body.name"), line % ("r", "body.email"), line % ("other", "body.x"), "no json", "{}"]
    found = fields.fields(lines, "r", is_all=True)
    assert [tuple(row) for row in found.rows] == [("body.email", 2), ("body.name", 1)]
    assert "2 answers" in found.caption


SAME_SITE = {"sec-fetch-site": "same-origin"}


@pytest.mark.parametrize(
    ("cookie", "sent", "headers", "ours"),
    [
        ("c", "right", SAME_SITE, True),
        ("c", "right", {"origin": "https://page.example", "host": "page.example"}, True),
        ("c", "right", {"origin": "https://evil.example", "host": "page.example"}, False),
        ("c", "right", {"origin": "null", "host": "page.example"}, False),
        (
            "c",
            "right",
            {"sec-fetch-site": "cross-site", "origin": "https://page.example", "host": "page.example"},
            False,
        ),
        ("c", "right", {}, False),
        ("c", "wrong", SAME_SITE, False),
        (None, "right", SAME_SITE, False),
        ("other", "right", SAME_SITE, False),
    ],
)
def test_only_a_form_of_ours_from_our_own_page_counts(
    cookie: str | None, sent: str, headers: dict[str, str], *, ours: bool
) -> None:
    """Cookie, value and origin must all be right; one form's value is no other form's."""
    value = forms.value("c", "/ramps/r/decide") if sent == "right" else forms.value("c", "/ramps/r/abort")
    assert forms.is_ours(cookie, "/ramps/r/decide", value, headers) is ours
