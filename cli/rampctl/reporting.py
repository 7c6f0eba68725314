"""`ramp report`: the page of a ramp as one file, which needs neither server nor network."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ramp.page import fields, markup
from ramp.page.fields import Fields
from ramp.page.records import Records
from ramp.page.view import ramp_view

from rampctl.exits import DONE, USAGE, CommandError, Exit
from rampctl.reading import read
from rampctl.tail import with_tail

if TYPE_CHECKING:
    from rampctl.session import Session


def report(session: "Session", ramp: str, file: Path | None, *, as_json: bool) -> Exit:
    """Write the report of `ramp` into `file`, or its values as JSON. Raises CommandError when neither is asked for."""
    if file is None and not as_json:
        raise CommandError("--html: is missing, got nothing, expected a file to write, or --json", USAGE)
    records, now = with_tail(read(session, ramp), session.router_lines), time.time()
    differing = fields.read(session.comparisons, records)
    if as_json:
        found = {"caption": differing.caption, "rows": [row._asdict() for row in differing.rows]}
        print(json.dumps({**asdict(ramp_view(records, now)), "fields": found}, ensure_ascii=False))
    if file is not None:
        file.write_text(document(records, differing, now), "utf-8")
        if not as_json:
            print(f"{ramp}: the report is in {file}")
    return DONE


def document(records: Records, differing: Fields, now: float) -> str:
    """The whole file; `now` in epoch seconds."""
    view = ramp_view(records, now)
    return markup.page("report.html", ramp=view, fields=differing, home=False, chart_data=markup.chart_data(view))
