"""The ramp page on the local stack: real function, real records, real token, a real browser where there is one."""

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local_stack.stack import Stack
from playwright.sync_api import Browser, expect, sync_playwright
from ramp.core.state import WayBack
from rampctl import ramps
from rampctl.session import Session

from tests.browser import scenes

# Nobody reads, so there is no evidence, so each step asks people after its first second.
PLAN: dict[str, Any] = {
    "steps": [
        {"percent": 0, "bake_seconds": 1, "patience_seconds": 0},
        {"percent": 100, "bake_seconds": 1, "patience_seconds": 0},
    ],
    "look_seconds": 1,
    "deadline_seconds": 10_800,
    "evidence": {"period_seconds": 1, "delay_seconds": 0},
}
NEWS_MS = 30_000
MONTH_SECONDS, LOOK_SECONDS = 30 * 86_400, 900
RAMPS = 20
PAGE = "huntaze-ramp-page"
OPENS_IN_SECONDS = 1.0
FEWEST_READS, MOST_READS = 3, 20


@pytest.fixture
def session(local_stack: Stack) -> Session:
    """Clients of the stack."""
    return Session.of_stack(local_stack)


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if not Path(scenes.CHROMIUM).exists():
        pytest.skip(f"{scenes.CHROMIUM} is missing; make browser installs it")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=scenes.CHROMIUM, args=scenes.FLAGS)
        yield chromium
        chromium.close()


def opened(url: str) -> str:
    """The page as it arrives."""
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310  # the local stack, by http
        return str(answer.read().decode())


def test_a_ramp_is_decided_on_the_page(local_stack: Stack, session: Session, browser: Browser) -> None:
    """Both questions of a ramp, and its promotion; nothing is asked of another host, and nothing complained about."""
    name = f"page-{uuid.uuid4().hex[:8]}"
    page, complaints, elsewhere = browser.new_page(), list[str](), list[str]()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("request", lambda sent: None if sent.url.startswith(local_stack.page_url) else elsewhere.append(sent.url))
    ramps.start(session, PLAN, name)
    for _ in PLAN["steps"]:
        page.wait_for_timeout(1_000)
        _open_when_there(page, f"{local_stack.page_url}ramps/{name}")
        expect(page.locator(".hero .chip")).to_have_text("asks you", timeout=NEWS_MS)
        page.get_by_role("link", name="Look at the evidence and decide").click()
        page.get_by_label("Your name").fill("Ada")
        page.get_by_label("Your reason").fill("nobody reads here")
        page.get_by_role("button", name="Approve").click()
        page.wait_for_url(f"{local_stack.page_url}ramps/{name}")
        expect(page.locator(".hero .chip")).not_to_have_text("asks you", timeout=NEWS_MS)
    expect(page.locator(".hero .chip")).to_have_text("promoted", timeout=NEWS_MS)
    expect(page.locator("#fields")).to_contain_text("No answer has differed")
    session.levers.settle(name, WayBack(session.levers.read().alias.version))
    assert (complaints, elsewhere) == ([], [])


def test_the_page_asks_callers_to_sign_and_links_do_not(session: Session) -> None:
    """The one route that is public takes an id that nobody guesses."""
    found = {
        function: session.functions.get_function_url_config(FunctionName=function)["AuthType"]
        for function in ("huntaze-ramp-page", "huntaze-ramp-link")
    }
    assert found == {"huntaze-ramp-page": "AWS_IAM", "huntaze-ramp-link": "NONE"}


def test_a_link_nobody_was_sent_is_not_found(local_stack: Stack) -> None:
    """Through the function of its own."""
    with pytest.raises(urllib.error.HTTPError, match="404"):
        opened(f"{local_stack.page_url}link/guessed")


def test_a_month_of_looks_and_twenty_ramps_open_in_a_second(local_stack: Stack, session: Session) -> None:
    """However long a ramp has been watched, its page has as many points as a screen has room for.

    The first read of a new sandbox too, most of which is Python's start.
    """
    name = f"page-{uuid.uuid4().hex[:8]}"
    a_month_of(session, name)
    now = time.time()
    for index in range(RAMPS):
        fields: Any = {"step": 1, "steps": 6, "share_ppm": 0, "reason": "x", "ended_at": int(now)}
        session.table.enlist("prismaAdapter", f"{name}-{index}", "rolled_back", now - index, now, **fields)
    for path in ("", f"ramps/{name}"):
        url = local_stack.page_url + path
        first, again = zip(*_reads(session, url, name), strict=True)
        print(f"/{path}: first read {min(first):.3f} s (of {first}), then {min(again):.3f} s")
        assert min(again) <= min(first) < OPENS_IN_SECONDS


def a_month_of(session: Session, name: str) -> None:
    """A running ramp, looked at every quarter of an hour for thirty days."""
    director = scenes.running("page-of-a-month")
    table, record = director.house.table, director.house.table.ramp("page-of-a-month")
    assert record is not None
    looks = [*table.looks("page-of-a-month")]
    last = looks[-1]["document"]["step"]
    of_each = MONTH_SECONDS // LOOK_SECONDS // (last + 1)
    with session.table._table.batch_writer() as batch:
        for step in range(last + 1):
            of_step = [each["document"] for each in looks if each["document"]["step"] == step]
            for look in range(1, of_each + 1):
                key = {"pk": f"ramp#{name}", "sk": f"look#{step:03}#{look:06}"}
                document = json.dumps({**of_step[look % len(of_step)], "look": look})
                at = int(director.clock()) + step * of_each + look
                batch.put_item(Item={**key, "at": at, "document": document})
    state: Any = {**record["document"], "ramp": name, "look": of_each, "past_looks": [of_each] * last}
    session.table.put_ramp(name, "running", time.time(), state, step=last, share_ppm=250_000, reason="a month of looks")


def _reads(session: Session, url: str, name: str) -> list[tuple[float, float]]:
    """Three, and more while none was quick: what else a busy machine does only ever adds."""
    reads: list[tuple[float, float]] = []
    while len(reads) < FEWEST_READS or (min(reads)[0] >= OPENS_IN_SECONDS and len(reads) < MOST_READS):
        reads.append(_seconds(session, url, name))
    return reads


def _seconds(session: Session, url: str, name: str) -> tuple[float, float]:
    """Of the first read of a new sandbox, and of the next: another environment is another sandbox."""
    page = session.functions.get_function_configuration(FunctionName=PAGE)["Environment"]["Variables"]
    environment: Any = {"Variables": {**page, "NEW_SANDBOX": uuid.uuid4().hex}}
    session.functions.update_function_configuration(FunctionName=PAGE, Environment=environment)
    began = time.perf_counter()
    opened(url)
    then = time.perf_counter()
    assert name in opened(url)
    return then - began, time.perf_counter() - then


def _open_when_there(page: Any, url: str) -> None:
    end = time.monotonic() + 30
    while True:
        answer = page.goto(url)
        if answer.status == 200 or time.monotonic() > end:
            return
        page.wait_for_timeout(300)
