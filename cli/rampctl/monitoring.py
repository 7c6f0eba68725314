"""`ramp monitor`: what happens right now, on one screen."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from ramp.adapters.metrics import ArmReading
from ramp.core.plan import format_percent
from ramp.core.units import MINUTE_SECONDS
from ramp.errors import AwsUnavailable
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from rampctl import looks
from rampctl.exits import DONE, Exit
from rampctl.inspection import inspect
from rampctl.preflight import CHECKS
from rampctl.session import Session
from rampctl.troubles import told_as
from rampctl.words import milliseconds

WINDOW_SECONDS = 300
REFRESH_SECONDS = 5.0
LINES = 10
LINES_SECONDS = 60
PAGES = 5  # of one function; a page of a filter can be empty
WATCHED = frozenset({"secret", "alias", "flag", "alarm dimensions"})  # checks that read no user
MARKED = '{ $.message = "[*" }'
COLOURS = {"OK": "green", "ALARM": "bold red"}


@dataclass(frozen=True)
class Reading:
    """What is told at `at` (epoch seconds); `alarms` maps names to states, `lines` are newest last.

    `unsound` maps checks of `ramp preflight` to what they find; only those that fail, and read no user.
    """

    at: float
    traffic: str
    ramp: str
    deployment: str
    alarms: Mapping[str, str]
    unsound: Mapping[str, str]
    arms: Mapping[str, ArmReading]
    lines: tuple[str, ...]


def monitor(session: Session, console: Console, *, watch: bool, as_json: bool) -> Exit:
    """Show one reading, or with `watch` one after the other until interrupted."""
    if as_json or not watch:
        reading = read(session, time.time())
        if as_json:
            print(json.dumps(asdict(reading), ensure_ascii=False))
        else:
            console.print(view(reading))
        return DONE
    shown = view(read(session, time.time()))
    with Live(shown, console=console, auto_refresh=False) as live:
        while True:
            time.sleep(REFRESH_SECONDS)
            try:
                shown = view(read(session, time.time()))
            except (ClientError, BotoCoreError, AwsUnavailable) as error:
                # The next one may be answered: keep what was read last.
                live.update(Group(Text(told_as(error)[0], "bold red"), shown), refresh=True)
            else:
                live.update(shown, refresh=True)


def read(session: Session, now: float) -> Reading:
    """Ask everything once."""
    world = session.world
    position = world.traffic.read()
    locks = (world.table.lock(each.flags.adapter) for each in world.each())
    ramps = ", ".join(lock.ramp for lock in locks if lock)
    guards = world.guards.read(now)
    return Reading(
        at=now,
        traffic=f"{format_percent(position.share_ppm)} to the candidate",
        ramp=ramps or "none",
        deployment=_deployment(session),
        alarms={guard.name: guard.state for guard in guards},
        unsound=_unsound(session, is_ramping=bool(ramps)),
        arms=world.metrics.arms(now - WINDOW_SECONDS, now + MINUTE_SECONDS),
        lines=tuple(_lines(session, now)),
    )


def view(reading: Reading) -> RenderableType:
    """The screen: traffic and alarms first, log lines last, because a low terminal cuts off the end."""
    at = datetime.fromtimestamp(reading.at, UTC)
    head = Text.assemble((f"{at:%H:%M:%S} UTC", "dim"), f"  {reading.traffic}", f"  ramp: {reading.ramp}")
    alarms = Table("alarm", "state", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, state in reading.alarms.items():
        alarms.add_row(name, Text(state, COLOURS.get(state, "yellow")))
    arms = Table("last 5 minutes", "requests", "errors", "p95", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in arms.columns[1:]:
        column.justify = "right"
    for arm, found in reading.arms.items():
        arms.add_row(arm, f"{found.requests:,}", f"{found.errors:,}", milliseconds(found.p95_ms))
    lines = [Text(line, no_wrap=True, overflow="ellipsis") for line in reading.lines]
    unsound = [Text(f"{name}: {found}", "bold red") for name, found in reading.unsound.items()]
    return Group(head, Text(f"AppConfig: {reading.deployment}"), *unsound, "", alarms, "", arms, "", *lines)


def _unsound(session: Session, *, is_ramping: bool) -> dict[str, str]:
    """A ramp may split the alias; nobody else should."""
    checks = [check for check in CHECKS if check.name in WATCHED and not (is_ramping and check.name == "alias")]
    return {finding.name: finding.found for finding in inspect(session, checks) if not finding.passed}


def _deployment(session: Session) -> str:
    settings = session.settings
    items = session.client("appconfig").list_deployments(
        ApplicationId=settings.application, EnvironmentId=settings.environment, MaxResults=1
    )["Items"]
    if not items:
        return "no deployment yet"
    newest = items[0]  # newest first, see ramp.adapters.flag_lever
    return f"deployment {newest['DeploymentNumber']} {newest['State']}, {newest.get('PercentageComplete', 0):g} %"


def _lines(session: Session, now: float) -> Iterator[str]:
    """The newest marked lines of the read path, from all its functions; under load the newest pages are enough."""
    logs = session.client("logs")
    events: list[dict[str, Any]] = []
    for function in looks.read_functions(session):
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{function}",
            startTime=int((now - LINES_SECONDS) * 1000),
            filterPattern=MARKED,
            startFromHead=False,
        )
        found: list[dict[str, Any]] = []
        try:
            for page in islice(pages, PAGES):
                found += page["events"]
                if len(found) >= LINES:
                    break
        except logs.exceptions.ResourceNotFoundException:
            continue  # nobody has called it yet
        events += found
    marked = [(event["timestamp"], line) for event in events if (line := _line(event["message"]))]
    yield from (line for _, line in sorted(marked)[-LINES:])


def _line(message: str) -> str | None:
    """`12:00:01 [MOCK-SUCCESS] user-1 200 0.2 ms`; None for what is no marked line."""
    try:
        line = json.loads(message)
        said = str(line["message"])
    except (ValueError, KeyError, TypeError):
        return None
    if not said.startswith("["):
        return None
    more = [line.get("user_id"), line.get("status"), line.get("failure"), line.get("step") and f"step {line['step']}"]
    taken = f"{line['duration_ms']:.1f} ms" if isinstance(line.get("duration_ms"), int | float) else None
    told = " ".join(str(part) for part in (*more, taken) if part)
    return f"{str(line.get('timestamp', ''))[11:19]} {said} {told}"
