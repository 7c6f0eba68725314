"""`ramp traffic`: reads as users make them, counted live."""

import time
from collections.abc import Callable

from local_stack.traffic import Snapshot, Traffic
from rich.console import Console

from rampctl.exits import DONE, Exit
from rampctl.words import milliseconds

TELL_SECONDS = 1.0


def run(traffic: Traffic, seconds: float, console: Console, pause: Callable[[float], None] = time.sleep) -> Exit:
    """Send `traffic` for `seconds`, telling about once a second; UNKNOWN when nobody was served."""
    until = time.monotonic() + seconds
    try:
        with traffic:
            while (left := until - time.monotonic()) > 0:
                pause(min(TELL_SECONDS, left))
                _tell(console, traffic.snapshot(), "\r" if console.is_terminal else "\n")
    finally:
        users = traffic.snapshot()
        _tell(console, users, "\n")
    return DONE if users.requests > users.failures else Exit.UNKNOWN


def _tell(console: Console, users: Snapshot, end: str) -> None:
    line = (
        f"{users.requests} requests, {users.failures} failures seen by users, "
        f"p50 {milliseconds(users.p50_ms)}, p95 {milliseconds(users.p95_ms)}"
    )
    console.print(line, end=end, markup=False, highlight=False, soft_wrap=True)
