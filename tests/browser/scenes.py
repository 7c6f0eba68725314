"""Ramps worth looking at, each stopped where a person would look; and a browser to look with."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from local_stack.front import LINK, Call, Front
from ramp.core.planner import Traffic
from ramp.page.desk import Desk
from ramp.page.routes import link_app, page_app
from rampctl.rehearsal.arm import Arm
from rampctl.rehearsal.scenario import parse
from rampctl.rehearsal.scene import Scene

from tests.browser.director import Director, desk_of

HOUR = 3_600
PLAN: dict[str, Any] = {
    "steps": [
        {"percent": 0, "bake_seconds": 2 * HOUR},
        {"percent": 1, "bake_seconds": 2 * HOUR},
        {"percent": 5, "bake_seconds": 2 * HOUR},
        {"percent": 25, "bake_seconds": HOUR},
        {"percent": 50, "bake_seconds": HOUR, "approval": True},
        {"percent": 100, "bake_seconds": HOUR},
    ],
    "approvals": {"timeout_seconds": 4 * HOUR},
}
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def scene(candidate: str = "", *, rate: float = 20, **plan: Any) -> Scene:
    """Enough users to certify a share in minutes; `candidate` in the words of `ramp rehearse`."""
    return Scene(
        raw_plan={**PLAN, **plan},
        traffic=Traffic.at(rate, None),
        control=Arm(180, parse("--control", "errors=0.2%")),
        candidate=Arm(195, parse("--candidate", candidate or "errors=0.2%,mismatch=0.05%")),
    )


def running(name: str = "search-read-2") -> Director:
    """At 25 %, in the middle of its bake."""
    director = Director(scene(), name)
    director.until(lambda house: _step(house, name) == 3 and _look(house, name) >= 12)
    return director


def asking(name: str = "search-read-3", **plan: Any) -> Director:
    """At 50 %, where the plan asks."""
    director = Director(scene(**plan), name)
    director.to_question()
    return director


def rolled_back(name: str = "search-read-1") -> Director:
    """Broken at 5 %, six hours in."""
    director = Director(scene("live-errors=6%@4.6h,mismatch=0.05%"), name)
    director.to_its_end()
    return director


def promoted(name: str = "search-read-4") -> Director:
    """Asked once, approved, promoted."""
    from ramp import words  # noqa: PLC0415  # the tests' own import of what people say

    director = asking(name)
    table, executions = director.house.table, director.house.executions
    words.answer(
        table, executions, name, "approve", by="Ada", reason="looks good to me", via="page", now=director.clock()
    )
    director.to_its_end()
    return director


def in_process(desk: Desk) -> Call:
    """The functions behind the page, without Lambda around them; one request at a time, as in a sandbox."""
    page, link, turn = page_app(desk), link_app(desk), threading.Lock()

    def call(function: str, event: dict[str, Any]) -> Any:
        with turn:
            return (link if function == LINK else page).resolve(event, LambdaContext())

    return call


@contextmanager
def served(director: Director) -> Iterator[str]:
    """The page over this ramp's world; its address."""
    front = Front(in_process(desk_of(director)))
    thread = threading.Thread(target=front.serve_forever, daemon=True)
    thread.start()
    try:
        yield front.url
    finally:
        front.shutdown()
        front.server_close()
        thread.join()


def _step(house: Any, name: str) -> int:
    return int((house.table.ramp(name) or {"step": -1})["step"])


def _look(house: Any, name: str) -> int:
    found = house.table.ramp(name)
    return int(found["document"]["look"]) if found else 0
