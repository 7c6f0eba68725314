"""Real ramps at 50 % under traffic, each braked by its alarm, with a stop-watch beside them."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local_stack.deploy import LOCAL_PARAMETERS
from local_stack.stack import Stack
from local_stack.traffic import Traffic
from ramp.core.flag_document import OFF
from rampctl import stage
from rampctl.session import Session

ALARM = "huntaze-candidate-error-rate-gt-2pct"
LOGS = "/aws/lambda/huntaze-mock-read"
SERVED = "[CANARY-SUCCESS]"
STALENESS_SECONDS = float(LOCAL_PARAMETERS["FlagStalenessSeconds"])  # of the stack that is measured; 15 on AWS
RATE = 12.0
AT_SHARE_SECONDS = 3.0  # for every sandbox of the router to have read the flag
LATE_SECONDS = 4.0  # no request is served by the candidate this long after, or the figures say so
LIMIT_SECONDS = 60.0
PLAN = {
    "gate": "fixed",
    "look_seconds": 5,  # so that it hears of its brake soon
    "steps": [{"percent": 50, "bake_seconds": 600}, {"percent": 100, "bake_seconds": 600}],
}


@dataclass(frozen=True)
class Braking:
    """One brake: seconds from the alarm's ALARM to the flag read back off, and to the last candidate-served request."""

    off_seconds: float
    last_served_seconds: float


def brake_ramps(running: Stack, runs: int, say: Callable[[str], None]) -> Iterator[Braking]:
    """Start a ramp, bring it to 50 %, brake it; `runs` times."""
    session = Session.of_stack(running)
    for number in range(1, runs + 1):
        with Traffic(running.endpoint_url, RATE):
            braking = _brake_one(running, session, f"safe-{number}")
        say(f"{number} of {runs}: off {braking.off_seconds:.2f} s, last served {braking.last_served_seconds:.2f} s")
        yield braking


def _brake_one(running: Stack, session: Session, name: str) -> Braking:
    cloudwatch = running.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="OK", StateReason="before the ramp")
    session.states.start_execution(stateMachineArn=session.state_machine_arn, name=name, input=json.dumps(PLAN))
    until(lambda: session.levers.setting().share_ppm > 0, f"{name} reaches 50 %")
    time.sleep(AT_SHARE_SECONDS)
    alarmed_at = time.time()
    cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="the benchmark says so")
    until(lambda: session.levers.setting() == OFF, "the flag reads back off")
    off_at = time.time()
    time.sleep(LATE_SECONDS)
    last_at = max(_served(running.client("logs"), alarmed_at - AT_SHARE_SECONDS), default=alarmed_at)
    until(lambda: stage.is_settled(session.levers.read()), "the alias is whole")
    until(lambda: session.table.lock(session.settings.adapter_flag) is None, f"the lock of {name} is free")
    return Braking(off_at - alarmed_at, max(0.0, last_at - alarmed_at))


def _served(logs: Any, since: float) -> Iterator[float]:
    """When the router's users were served by the candidate, in epoch seconds, by the lines' own clock."""
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=LOGS, startTime=int(since * 1000))
    for page in pages:
        for event in page["events"]:
            if SERVED in event["message"]:
                line = json.loads(event["message"])
                yield datetime.fromisoformat(line["timestamp"]).timestamp()


def until(holds: Callable[[], bool], what: str) -> None:
    """Return when it holds. Raises TimeoutError, naming what was waited for."""
    give_up_at = time.monotonic() + LIMIT_SECONDS
    while not holds():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"{what}: not within {LIMIT_SECONDS:g} s")
        time.sleep(0.02)
