"""`ramp watch`, and the ends of `ramp start`: a ramp followed until it is prepared, or to its end."""

import json
from typing import TYPE_CHECKING

from rich.console import Console

from rampctl import ramps
from rampctl.exits import DONE, Exit
from rampctl.screen import Screen

if TYPE_CHECKING:
    from rampctl.session import Session


def prepared(session: "Session", name: str, console: Console, limit_seconds: float | None) -> Exit:
    """Follow `name` until Prepare Ramp is over; its outcome if that is the end, told on `console`."""
    with console.status("Prepare Ramp looks at the plan, the levers and the guards"):
        for ramp in ramps.follow(ramps.Reader(session, name).read, limit_seconds):
            if ramp.is_running and ramp.record:
                return DONE
    console.print(f"{name}: {ramp.outcome}: {ramp.reason}", markup=False, highlight=False, soft_wrap=True)
    return ramp.code


def watch(session: "Session", name: str, console: Console, limit_seconds: float | None, *, as_json: bool) -> Exit:
    """Follow `name` on `console` and return how it ended; `as_json` prints its last reading to standard output."""
    with Screen(console) as screen:
        for ramp in ramps.follow(ramps.Reader(session, name).read, limit_seconds):
            screen.show(ramp)
    if as_json:
        print(json.dumps(ramp.to_json(), ensure_ascii=False))
    return ramp.code
