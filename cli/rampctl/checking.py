"""`ramp check`: a plan, before anything is started."""

import json
from dataclasses import asdict

from ramp.core.plan import PlanInvalid
from rich.console import Console

from rampctl import plans
from rampctl.exits import DONE, Exit


def check(path: str, console: Console, *, as_json: bool) -> Exit:
    """Tell the plan, or its faults: on standard error for people, on standard output as JSON.

    Raises:
        PlanInvalid: not `as_json`, and the plan has faults.
    """
    try:
        _, plan = plans.read(path)
    except PlanInvalid as invalid:
        if not as_json:
            raise
        print(json.dumps({"valid": False, "faults": list(invalid.faults)}, ensure_ascii=False))
        return Exit.BAD_PLAN
    if as_json:
        told = {"valid": True, "faults": [], "total_seconds": plans.total_seconds(plan), "plan": asdict(plan)}
        print(json.dumps(told, ensure_ascii=False))
    else:
        console.print(plans.described(plan), highlight=False)
    return DONE
