"""`ramp watch`, and the end of `ramp start --watch`: a ramp followed to its end."""

import json
from typing import TYPE_CHECKING

from rich.console import Console

from rampctl import ramps
from rampctl.exits import Exit
from rampctl.screen import Screen

if TYPE_CHECKING:
    from rampctl.session import Session


def watch(session: "Session", name: str, console: Console, limit_seconds: float | None, *, as_json: bool) -> Exit:
    """Follow `name` on `console` and return how it ended; `as_json` prints its last reading to standard output."""
    with Screen(console) as screen:
        for ramp in ramps.follow(ramps.Reader(session, name).read, limit_seconds):
            screen.show(ramp)
    if as_json:
        print(json.dumps(ramp.to_json(), ensure_ascii=False))
    return ramp.code
