"""The tail of a brake: users that the candidate still served after the flag had read back off."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from ramp.page.records import Records

Search = Callable[[tuple[str, ...], float], tuple[list[str], bool]]
SERVED = "[CANARY-SUCCESS]"


def with_tail(records: Records, search: Search) -> Records:
    """`records` with `served_last_at`; `search` gives the router's lines with all words since some epoch seconds.

    Where there are more lines than are read, the latest of those read stands: the tail is that long at least.
    """
    if records.brake is None:
        return records
    lines, _ = search((SERVED, records.state.ramp), float(records.brake["safe_at_ms"]) / 1000)
    times = [datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp() for line in lines]
    return replace(records, served_last_at=max(times, default=None))
