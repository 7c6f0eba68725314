"""A ramp's records as the page reads them, for commands that tell the same story."""

from typing import TYPE_CHECKING

from ramp.page.records import Records
from ramp.page.records import read as read_records

from rampctl.exits import USAGE, CommandError

if TYPE_CHECKING:
    from rampctl.session import Session


def read(session: "Session", ramp: str) -> Records:
    """Everything there is of `ramp`. Raises CommandError when it has no record."""
    records = read_records(session.table, ramp)
    if records is None:
        raise CommandError(f"{ramp}: has no records, it was refused before it began, or they have expired", USAGE)
    return records
