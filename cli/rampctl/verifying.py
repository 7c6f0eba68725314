"""`ramp verify`: 12 checks of a fresh deployment. Source: requirements §5."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from rampctl import looks
from rampctl.inspection import Check, UnsoundError
from rampctl.preflight import DEPLOY
from rampctl.session import Session

ANNOTATIONS = ("canary", "path", "userId")
OF_A_USER = "userId"  # left out of traces where UserIds is off
TRACE_SECONDS, POLL_SECONDS = 20.0, 1.0
TRACE_MINUTES = 10


def annotations(session: Session) -> str:
    """A read made now leaves a trace that can be searched for."""
    looks.control(session)
    hidden = looks.environment_of(session, session.settings.read_function).get("USER_IDS") == "off"
    expected = [name for name in ANNOTATIONS if not (hidden and name == OF_A_USER)]
    until = time.monotonic() + TRACE_SECONDS
    while True:
        if _annotations(session).issuperset(expected):
            return f"traces carry {', '.join(expected)}"
        if time.monotonic() > until:
            raise UnsoundError(f"no trace of the last {TRACE_MINUTES} minutes carries {', '.join(expected)}")
        time.sleep(POLL_SECONDS)


def _annotations(session: Session) -> set[str]:
    """Names of annotations on reads by control: from X-Ray, or what the local stack's own daemon has kept."""
    if session.segments is not None:
        lines = session.segments.read_text().splitlines() if session.segments.exists() else []
        return {name for line in lines for name in _named(json.loads(line))}
    end = datetime.now(UTC)
    summaries = session.client("xray").get_trace_summaries(
        StartTime=end - timedelta(minutes=TRACE_MINUTES), EndTime=end, FilterExpression='annotation.path = "mock"'
    )["TraceSummaries"]
    return {name for summary in summaries for name in summary.get("Annotations", {})}


def _named(segment: dict[str, Any]) -> set[str]:
    inner = (name for part in segment.get("subsegments", ()) for name in _named(part))
    return {*segment.get("annotations", {}), *inner}


def candidate(session: Session) -> str:
    """It reads the database, and the next sandbox can too: a warm one keeps the connection that it has."""
    looks.secret(session)
    return looks.candidate(session)


def alarms(session: Session) -> str:
    """They can stop a ramp, and hear of what they watch."""
    return f"{looks.guards(session)}; {looks.guards_report(session)}"


def code_deploy(session: Session) -> str:
    """Code of the read function goes out in steps."""
    settings = session.settings
    if not settings.code_deploy_application:
        if session.is_local:
            return "none here: the emulator has no CodeDeploy"
        raise UnsoundError("the stack has no CodeDeploy application")
    client = session.client("codedeploy")
    application = client.get_application(applicationName=settings.code_deploy_application)["application"]
    return f"{application['applicationName']} is there"


CHECKS = (
    Check("read function", "users read through it", DEPLOY, looks.control),
    Check("annotations", "reads are found by them in X-Ray", DEPLOY, annotations),
    Check("flag retrieved", "routers poll it, and refuse a malformed one", "ramp doctor --repair", looks.flag),
    Check("alarms", "they stop a ramp whatever it is doing", DEPLOY, alarms),
    Check("alias", "users read through it, and ramps and code deploys move it", DEPLOY, looks.alias),
    Check("AppConfig", "traffic is moved by it", DEPLOY, looks.appconfig),
    Check("dashboard", "it is where people look while a ramp goes on", DEPLOY, looks.dashboard),
    Check("tracing", "without traces nobody finds out why a read was slow", DEPLOY, looks.tracing),
    Check("candidate", "it is what the ramp moves users to", "ramp preflight", candidate),
    Check("CodeDeploy", "new code goes to a tenth of requests first, and back by itself", DEPLOY, code_deploy),
    Check("flag off", "a deployment moves nobody", "ramp doctor --repair", looks.flag_off),
    Check("control's data", "answers are compared with it, field by field", DEPLOY, looks.control_data),
)
