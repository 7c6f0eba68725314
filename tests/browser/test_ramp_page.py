"""The ramp page in a real browser, over the real state machine, tasks, gate and brake in a simulated world."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from ramp.core.evidence import Evidence
from ramp.page import fields
from ramp.page.records import read
from ramp.page.view import TONES, WORDS
from rampctl.rehearsal.fakes import GUARDS
from rampctl.reporting import document

from tests.browser import scenes
from tests.browser.conftest import PHONE, Visit, Visits
from tests.browser.director import Director, desk_of

LINK = "an-id-of-256-random-bits"
NEWS_MS = 15_000  # some rounds of polling, on a busy machine
SHORT: dict[str, Any] = {
    "steps": [
        {"percent": 0, "bake_seconds": 600},
        {"percent": 10, "bake_seconds": 600, "approval": True},
        {"percent": 100, "bake_seconds": 600},
    ],
}


@pytest.fixture
def asking() -> Director:
    """A ramp at 10 % that asks."""
    return scenes.asking("ramp-asking", **SHORT)


def linked(director: Director, **changes: Any) -> str:
    """The path of a link to the question that stands."""
    table, now = director.house.table, director.clock()
    request = table.request(director.name)
    assert request is not None
    question = {"request_id": request["request_id"], "expires_at": now + 3_600, **changes}
    table.put_link(LINK, director.name, question["request_id"], now, question["expires_at"])
    return f"link/{LINK}"


def fill_in(visit: Visit, by: str = "Ada", reason: str = "the numbers are good") -> None:
    """Name and reason."""
    visit.page.get_by_label("Your name").fill(by)
    visit.page.get_by_label("Your reason").fill(reason)


def unfold(visit: Visit) -> None:
    """Everything that the page shows on demand, its log included."""
    if visit.page.locator("#fields").count():
        expect(visit.page.locator("#fields")).to_have_attribute("aria-busy", "false")
    visit.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")


def raise_alarm(director: Director) -> None:
    """From now on a guard is in ALARM, and only a look would see it."""
    observe = director.house.metrics.evidence

    def evidence(*asked: Any) -> Evidence:
        return replace(observe(*asked), alarms=dict.fromkeys(GUARDS, "ALARM"))

    director.house.metrics.evidence = evidence  # type: ignore[method-assign, assignment]  # the world turns


def test_a_ramp_is_watched_to_its_promotion(visit: Visits) -> None:
    """The page that is open follows it by itself, draws its charts, and says so to those who do not see them."""
    director = scenes.asking("ramp-watched", **SHORT)
    seen = visit(director)
    page = seen.page
    page.goto(seen.ramp)
    expect(page.locator(".hero .chip")).to_have_text("asks you")
    expect(page.locator("canvas")).to_have_count(4)
    expect(page.locator("#fields tbody tr").first).to_have_text("body.updatedAt43")
    page.get_by_role("link", name="Look at the evidence and decide").click()
    fill_in(seen)
    page.get_by_role("button", name="Approve").click()
    page.wait_for_url(seen.ramp)
    director.to_its_end()
    expect(page.locator(".hero .chip")).to_have_text("promoted", timeout=NEWS_MS)
    expect(page.locator("#connection")).to_have_text("ended")
    expect(page.locator("#news")).to_contain_text("promoted at 100 %")
    expect(page.locator("#story")).to_contain_text("Ada approved")
    expect(page.locator(".track .done")).to_have_count(3)
    assert director.status == "promoted"


def test_costs_are_told_at_once_and_item_by_item(visit: Visits) -> None:
    """What is opened stays open while the ramp goes on, and its numbers are those of now."""
    director = scenes.running("ramp-paid")
    seen = visit(director)
    costs = seen.page.locator("#costs")
    seen.page.goto(seen.ramp)
    expect(costs).to_contain_text("for the whole plan at")
    expect(costs).to_contain_text("so far, by what its looks counted")
    costs.locator("summary").click()
    expect(costs.locator("tbody tr")).to_have_count(13)
    before = costs.inner_text()
    raise_alarm(director)
    director.to_its_end()
    expect(costs).to_contain_text("in all, by what its looks counted", timeout=NEWS_MS)
    expect(costs.locator("tbody")).to_be_visible()
    assert costs.inner_text() != before


def test_a_no_takes_everybody_back(visit: Visits, asking: Director) -> None:
    """With the name and the reason in the story."""
    seen = visit(asking)
    seen.page.goto(f"{seen.ramp}/decide")
    fill_in(seen, reason="not on a Friday")
    seen.page.get_by_role("button", name="Reject").click()
    seen.page.wait_for_url(seen.ramp)
    asking.to_its_end()
    expect(seen.page.locator(".hero .chip")).to_have_text("rolled back", timeout=NEWS_MS)
    expect(seen.page.locator("#story")).to_contain_text("not on a Friday")
    assert asking.world.traffic.read().share_ppm == 0


def test_a_yes_to_evidence_that_has_turned_bad_is_refused(visit: Visits, asking: Director) -> None:
    """Judged anew at the click: nothing is approved, and the page says why."""
    seen = visit(asking)
    seen.page.goto(f"{seen.ramp}/decide")
    fill_in(seen)
    raise_alarm(asking)
    seen.page.get_by_role("button", name="Approve").click()
    expect(seen.page.get_by_role("alert")).to_contain_text("Not approved")
    expect(seen.page.get_by_role("alert")).to_contain_text(f"{GUARDS[0]} is ALARM")
    assert "answer" not in (asking.house.table.request(asking.name) or {})


def test_a_yes_to_evidence_that_has_merely_changed_is_confirmed(visit: Visits, asking: Director) -> None:
    """The person sees the new numbers with name and reason kept, and says yes to those."""
    seen = visit(asking)
    seen.page.goto(f"{seen.ramp}/decide")
    fill_in(seen)
    observed = asking.house.metrics.evidence(asking.name, 1, 0, asking.clock(), _settings(asking))
    asking.clock.pass_seconds(900)
    assert asking.house.metrics.evidence(asking.name, 1, 0, asking.clock(), _settings(asking)) != observed
    seen.page.get_by_role("button", name="Approve").click()
    expect(seen.page.get_by_role("alert")).to_contain_text("Changed since you looked")
    expect(seen.page.get_by_label("Your name")).to_have_value("Ada")
    assert "answer" not in (asking.house.table.request(asking.name) or {})
    seen.page.get_by_role("button", name="Approve").click()
    seen.page.wait_for_url(seen.ramp)
    assert (asking.house.table.request(asking.name) or {})["answer"] == "approve"


def test_a_double_click_is_one_word(visit: Visits, asking: Director) -> None:
    """The second click finds a button that is spent."""
    seen = visit(asking)
    seen.page.goto(f"{seen.ramp}/decide")
    fill_in(seen)
    seen.page.get_by_role("button", name="Approve").dblclick()
    seen.page.wait_for_url(seen.ramp)
    assert [word["verb"] for word in asking.house.table.words(asking.name)] == ["approve"]


def test_of_two_people_at_once_one_decides_and_the_other_is_told(visit: Visits, asking: Director) -> None:
    """Who decided what, and that the click changed nothing."""
    ada, bob = visit(asking), visit(asking)
    for person, name in ((ada, "Ada"), (bob, "Bob")):
        person.page.goto(f"{person.ramp}/decide")
        fill_in(person, by=name, reason=f"says {name}")
    ada.page.get_by_role("button", name="Approve").click()
    ada.page.wait_for_url(ada.ramp)
    bob.page.get_by_role("button", name="Reject").click()
    expect(bob.page.get_by_role("heading", name="Somebody was faster")).to_be_visible()
    expect(bob.page.locator("main")).to_contain_text("approve by Ada: says Ada")
    assert (asking.house.table.request(asking.name) or {})["by"] == "Ada"


def test_a_link_leads_to_its_question_and_explains_itself_when_used(visit: Visits, asking: Director) -> None:
    """Opening it decides nothing, however often; what it decided stands there afterwards, for ever."""
    seen = visit(asking)
    path = linked(asking)
    for _ in range(2):
        seen.page.goto(seen.url + path)
    assert "answer" not in (asking.house.table.request(asking.name) or {})
    fill_in(seen)
    seen.page.get_by_role("button", name="Approve").click()
    expect(seen.page.get_by_role("heading", level=1)).to_have_text("Approved at 10 %")
    asking.to_its_end()
    seen.page.reload()
    expect(seen.page.locator("main")).to_contain_text("Ada said approve: “the numbers are good”")
    expect(seen.page.locator("main")).to_contain_text("is promoted")


def test_an_expired_link_says_so(visit: Visits, asking: Director) -> None:
    """And nobody can answer through it."""
    seen = visit(asking)
    seen.page.goto(seen.url + linked(asking, expires_at=asking.clock() - 1))
    expect(seen.page.get_by_role("heading", level=1)).to_have_text("This link has expired")
    expect(seen.page.get_by_role("button")).to_have_count(0)


def test_a_superseded_link_says_so(visit: Visits, asking: Director) -> None:
    """Another question stands by now."""
    seen = visit(asking)
    seen.page.goto(seen.url + linked(asking, request_id="0-1"))
    expect(seen.page.get_by_role("heading", level=1)).to_have_text("This link is superseded")


def test_a_link_that_was_never_sent_leads_nowhere(visit: Visits, asking: Director) -> None:
    """It says no more than that."""
    seen = visit(asking)
    seen.page.goto(f"{seen.url}link/guessed")
    expect(seen.page.get_by_role("heading", level=1)).to_have_text("This link leads nowhere")
    assert asking.name not in seen.page.content()


def test_abort_asks_first_and_then_takes_everybody_back(visit: Visits) -> None:
    """Opening the page aborts nothing."""
    director = scenes.running("ramp-running")
    seen = visit(director)
    seen.page.goto(seen.ramp)
    seen.page.get_by_role("link", name="Abort").click()
    assert director.world.traffic.read().share_ppm == 250_000
    fill_in(seen, reason="enough")
    seen.page.get_by_role("button", name="Yes, abort").click()
    seen.page.wait_for_url(seen.ramp)
    assert director.world.traffic.read().share_ppm == 0
    director.to_its_end()
    expect(seen.page.locator(".hero .chip")).to_have_text("rolled back", timeout=NEWS_MS)
    expect(seen.page.locator("#story")).to_contain_text("aborted the ramp")


def test_pause_and_resume_are_a_word_each(visit: Visits) -> None:
    """What is offered follows from what was said."""
    director = scenes.running("ramp-paused")
    seen = visit(director)
    for verb, chip in (("pause", "paused"), ("resume", "running")):
        seen.page.goto(seen.ramp)
        seen.page.get_by_role("link", name=verb.capitalize(), exact=True).click()
        fill_in(seen, reason="lunch")
        seen.page.get_by_role("button", name=f"Yes, {verb}").click()
        expect(seen.page.locator(".hero .chip")).to_have_text(chip)


def test_a_decision_needs_no_mouse(visit: Visits, asking: Director) -> None:
    """Tab and Enter lead from the list of ramps to the answer."""
    seen = visit(asking)
    page = seen.page
    page.goto(seen.url)
    _tab_to(page, f"#ramp-{asking.name}")
    page.keyboard.press("Enter")
    page.wait_for_url(seen.ramp)
    _tab_to(page, "#decide")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{seen.ramp}/decide")
    _tab_to(page, "#by")
    page.keyboard.type("Ada")
    page.keyboard.press("Tab")
    page.keyboard.type("by keys alone")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(seen.ramp)
    assert (asking.house.table.request(asking.name) or {})["reason"] == "by keys alone"


def test_a_form_from_elsewhere_is_refused(visit: Visits, asking: Director) -> None:
    """Without the cookie that this page set, or with another form's value, nothing is said."""
    seen = visit(asking)
    answer = seen.page.request.post(
        f"{seen.ramp}/decide", form={"form": "made up", "answer": "approve", "by": "Eve", "reason": "mine", "seen": ""}
    )
    assert answer.status == 403
    assert "answer" not in (asking.house.table.request(asking.name) or {})


def test_the_page_says_when_it_hears_nothing_any_more(visit: Visits, asking: Director) -> None:
    """And goes on when it does."""
    seen = visit(asking)
    seen.page.route("**/live*", lambda route: route.abort())
    seen.page.goto(seen.ramp)
    expect(seen.page.locator("#connection")).to_contain_text("no answer", timeout=NEWS_MS)
    seen.page.unroute("**/live*")
    expect(seen.page.locator("#connection")).to_have_text("live", timeout=NEWS_MS)
    seen.complaints.clear()  # the browser's own word on what this test has cut


def test_there_is_a_word_when_no_ramp_is_there_yet(visit: Visits) -> None:
    """How to start one; and no such ramp is no error of the page."""
    director = Director(scenes.scene(), "ramp-to-come")
    seen = visit(director)
    seen.page.goto(seen.url)
    expect(seen.page.locator("main")).to_contain_text("No ramp yet")
    seen.page.goto(seen.ramp)
    expect(seen.page.get_by_role("heading", level=1)).to_have_text("There is no such ramp")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit: Visits, axe: str, asking: Director, scheme: Any) -> None:
    """On the list, the ramp, the decision, the link, the confirmation; contrast included, at a phone's width too."""
    for viewport in (None, PHONE):
        seen = visit(asking, viewport)
        seen.page.emulate_media(color_scheme=scheme)
        base = f"ramps/{asking.name}"
        for path in ("", base, f"{base}/decide", f"{base}/abort", linked(asking), "link/guessed"):
            seen.page.goto(seen.url + path)
            unfold(seen)
            seen.page.evaluate(axe)
            found = seen.page.evaluate("axe.run({resultTypes: ['violations']})")
            serious = [each for each in found["violations"] if each["impact"] in {"serious", "critical"}]
            assert [(each["id"], each["nodes"][0]["html"]) for each in serious] == [], path


def test_a_phone_scrolls_one_way_only(visit: Visits, asking: Director) -> None:
    """Nothing is wider than the screen."""
    seen = visit(asking, PHONE)
    for path in ("", f"ramps/{asking.name}", f"ramps/{asking.name}/decide"):
        seen.page.goto(seen.url + path)
        unfold(seen)
        width = seen.page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], path


def test_a_report_shows_the_same_without_a_server(visit: Visits, asking: Director, tmp_path: Path) -> None:
    """Opened from a disk, with the network cut: charts, differing fields and costs."""
    records = read(asking.house.table, asking.name)
    assert records is not None
    file = tmp_path / "report.html"
    differing = fields.read(desk_of(asking).comparisons, records)
    file.write_text(document(records, differing, asking.clock()))
    seen = visit(asking)
    seen.page.goto(seen.ramp)
    expect(seen.page.locator("#fields tbody tr").first).to_be_visible()
    living = {name: seen.page.locator(name).inner_html() for name in ("#fields table", "#costs")}
    seen.page.context.set_offline(True)
    seen.page.goto(file.as_uri())
    expect(seen.page.locator("canvas")).to_have_count(4)
    assert {name: seen.page.locator(name).inner_html() for name in living} == living
    seen.elsewhere = [request for request in seen.elsewhere if request != file.as_uri()]


def test_every_status_has_a_word_and_a_tone() -> None:
    """A new one in docs/wire.md needs both."""
    assert set(WORDS) == set(TONES)


def _tab_to(page: Any, selector: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement?.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by the tab key")


def _settings(director: Director) -> Any:
    record = director.house.table.ramp(director.name)
    assert record is not None
    return scenes.scene(**SHORT).plan.evidence
