"""`ramp doctor`: huntaze-cleanup, called by a person."""

import json
from typing import TYPE_CHECKING, Any

from ramp.adapters.functions import FunctionFailed, call

from rampctl.exits import DONE, FOUND, CommandError, Exit
from rampctl.session import CLEANUP

if TYPE_CHECKING:
    from collections.abc import Callable

    from rampctl.session import Session


def doctor(session: "Session", say: "Callable[[str], None]", *, repair: bool, as_json: bool) -> Exit:
    """Tell what ramps left behind and what would be done about it, and with `repair` do it. FOUND when some is left."""
    findings = _call(session, {"examine": True})["findings"]
    tell = (lambda line: None) if as_json else say
    for finding in findings:
        tell(f"{finding['what']}\n  would: {finding['would']}")
    if repair and findings:
        findings = _call(session, {"repair": True})["findings"]
        for finding in findings:
            tell(f"  done: {finding['done'] or 'nothing, somebody else was quicker; look again'}")
    elif findings:
        tell("mend it with: ramp doctor --repair")
    else:
        tell("nothing is left behind")
    if as_json:
        say(json.dumps({"findings": findings}, ensure_ascii=False))
    return DONE if all(finding["done"] for finding in findings) else FOUND


def _call(session: "Session", event: dict[str, Any]) -> Any:
    try:
        return call(session.functions, CLEANUP, event)
    except FunctionFailed as failed:
        raise CommandError(f"{CLEANUP}: failed, look at its log: {failed}. Try again.", Exit.ROLLBACK_FAILED) from None
