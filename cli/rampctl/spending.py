"""`ramp cost`: what a ramp has cost so far."""

import json
from dataclasses import asdict

from ramp.core.bill import spent_sentence
from ramp.core.cost import spent
from rich.console import Console

from rampctl import forecasting, ramps
from rampctl.exits import DONE, USAGE, CommandError, Exit
from rampctl.session import Session


def tell(session: Session, name: str | None, console: Console, *, as_json: bool) -> Exit:
    """Print the bill. Raises CommandError for a ramp without a look, which has cost less than a cent."""
    ramp = ramps.Reader(session, ramps.the_latest(session, name)).read()
    if not ramp.looks or not ramp.record:
        raise CommandError(f"{ramp.name}: has not looked yet, expected a ramp with evidence", USAGE)
    found = spent(ramp.looks, float(ramp.record["document"]["started_at"]))
    if as_json:
        told = {"ramp": ramp.name, "seconds": found.seconds, "dollars": found.dollars}
        print(json.dumps(told | {"items": [asdict(item) for item in found.items]}, ensure_ascii=False))
    else:
        console.print(forecasting.bill(found, spent_sentence(found, is_over=not ramp.is_running)), highlight=False)
    return DONE
