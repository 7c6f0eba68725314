"""`ramp doctor` and `ramp undo`: huntaze-cleanup, called by a person."""

import json
from typing import TYPE_CHECKING, Any

from rampctl.exits import DONE, FOUND, USAGE, CommandError, Exit
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


def undo(session: "Session", ramp: str, by: str, reason: str) -> str:
    """Take a promotion back; returns what reads back.

    Raises:
        CommandError: it may not be undone (USAGE), or traffic could not be settled (ROLLBACK_FAILED).
    """
    told = _call(session, {"undo_of": ramp, "by": by, "reason": reason, "via": "cli"})
    if not told["undone"]:
        raise CommandError(str(told["reason"]), USAGE)
    return str(told["reason"])


def _call(session: "Session", event: dict[str, Any]) -> dict[str, Any]:
    called = session.functions.invoke(FunctionName=CLEANUP, Payload=json.dumps(event))
    told: dict[str, Any] = json.load(called["Payload"])
    if "FunctionError" in called:
        why = told.get("errorMessage", called["FunctionError"])
        raise CommandError(f"{CLEANUP}: failed, look at its log: {why}. Try again.", Exit.ROLLBACK_FAILED)
    return told
