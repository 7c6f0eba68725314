"""`ramp history`: the ramps of every flag that the stack moves, the newest first."""

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ramp.page.view import Listed, listed
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rampctl.exits import DONE, Exit
from rampctl.view import COLUMNS

if TYPE_CHECKING:
    from rampctl.session import Session

TONES = {"good": "green", "bad": "red", "unsure": "yellow", "busy": "cyan"}


def history(session: "Session", limit: int, console: Console, *, as_json: bool) -> Exit:
    """The latest `limit` ramps of each flag, running ones first."""
    flags = [adapter for adapter, _ in session.settings.flags]
    items = [{**item, "flag": flag} for flag in flags for item in session.table.listed(flag, limit)]
    ramps = listed(items, time.time())
    if as_json:
        print(json.dumps({"ramps": [asdict(ramp) for ramp in ramps]}, ensure_ascii=False))
    elif not ramps:
        console.print("no ramp has been started yet; start one with: ramp start events/plans/beta.json")
    else:
        console.print(table_of(ramps))
    return DONE


def table_of(ramps: tuple[Listed, ...]) -> Table:
    """One line for each, and why it is where it is."""
    table = Table("started", "ramp", "flag", "outcome", "share", "took", "why", **COLUMNS)
    for ramp in ramps:
        started = f"{datetime.fromtimestamp(ramp.started_at, UTC):%Y-%m-%d %H:%M}"
        outcome = Text(ramp.word, TONES.get(ramp.tone, ""))
        table.add_row(started, ramp.ramp, ramp.flag, outcome, ramp.share, ramp.took, ramp.reason)
    return table
