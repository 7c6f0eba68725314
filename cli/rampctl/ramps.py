"""One ramp, read from its execution and its records."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, Any

from ramp.core.judgement import duration
from ramp.core.plan import Plan, PlanInvalid

from rampctl.exits import USAGE, CommandError, Exit

if TYPE_CHECKING:
    from rampctl.session import Session

# Source: statemachine/ramp.asl.json, the Error of each Fail state.
ENDINGS: Mapping[str, tuple[str, Exit]] = {
    "RolledBack": ("rolled back", Exit.ROLLED_BACK),
    "RampRefused": ("refused", Exit.BAD_PLAN),
    "RollbackFailed": ("rollback failed", Exit.ROLLBACK_FAILED),
    "CleanUpFailed": ("promoted, clean-up failed", Exit.UNKNOWN),
}
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Ramp:
    """A ramp at one moment.

    `status` is the execution's (RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED); `plan` is None when what was handed in
    is none, or its steps have not been made yet; `record`, `looks` (every look's document so far) and `request` are as
    in docs/wire.md, The ramp table.
    """

    name: str
    status: str
    plan: Plan | None
    error: str | None = None
    cause: str | None = None
    record: Mapping[str, Any] | None = None
    looks: tuple[Mapping[str, Any], ...] = ()
    request: Mapping[str, Any] | None = None

    @property
    def is_running(self) -> bool:
        """Whether the execution has not ended."""
        return self.status == "RUNNING"

    @property
    def outcome(self) -> str:
        """In words: running, promoted, rolled back, refused, …"""
        if self.record and self.record.get("status") == "undone":
            return "promoted, then undone"
        known = {"RUNNING": "running", "SUCCEEDED": "promoted"}.get(self.status)
        return known or ENDINGS.get(self.error or "", (f"ended {self.status}", None))[0]

    @property
    def code(self) -> Exit:
        """How a command ends that followed this ramp to here; UNKNOWN while it runs."""
        if self.status == "SUCCEEDED":
            return Exit.PROMOTED
        return ENDINGS.get(self.error or "", ("", Exit.UNKNOWN))[1]

    @property
    def step(self) -> int:
        """Index of the present step; 0 before the first."""
        return int(self.record["step"]) if self.record else 0

    @property
    def last_look(self) -> Mapping[str, Any] | None:
        """The document of the latest look."""
        return self.looks[-1] if self.looks else None

    @property
    def open_request(self) -> Mapping[str, Any] | None:
        """The question that people have not answered, if one stands."""
        is_open = self.is_running and self.request and "request_id" in self.request and "answer" not in self.request
        return self.request if is_open else None

    @property
    def reason(self) -> str:
        """The latest sentence about this ramp: why it ended, else what its record says."""
        if self.cause:
            return self.cause
        return str(self.record["reason"]) if self.record else "the ramp is being prepared"

    def to_json(self) -> dict[str, Any]:
        """For scripts; `exit_code` is null while the ramp runs."""
        question = self.open_request
        return {
            "ramp": self.name,
            "status": self.status,
            "outcome": self.outcome,
            "exit_code": None if self.is_running else int(self.code),
            "step": self.step,
            "steps": [step.title for step in self.plan.steps] if self.plan else [],
            "share_ppm": int(self.record["share_ppm"]) if self.record else None,
            "reason": self.reason,
            "question": {name: str(question[name]) for name in ("request_id", "question")} if question else None,
            "look": self.last_look,
        }


class Reader:
    """Reads one ramp again and again; its looks only when there are new ones."""

    def __init__(self, session: "Session", name: str) -> None:
        self._session = session
        self._name = name
        self._arn = execution_arn(session.state_machine_arn, name)
        self._seen: tuple[Any, ...] | None = None
        self._looks: tuple[Mapping[str, Any], ...] = ()

    def read(self) -> Ramp:
        """The ramp now. Raises CommandError when there is no such ramp."""
        states = self._session.states
        try:
            # The execution first: once it has ended, what is read after it is final.
            found = states.describe_execution(executionArn=self._arn)
        except states.exceptions.ExecutionDoesNotExist:
            raise CommandError(f"{self._name}: is no ramp of {self._session.region}", USAGE) from None
        record = self._session.table.ramp(self._name)
        return Ramp(
            name=self._name,
            status=found["status"],
            plan=parsed(found.get("input", ""), record),
            error=found.get("error"),
            cause=found.get("cause"),
            record=record,
            looks=self._looks_of(found["status"], record),
            request=self._session.table.request(self._name),
        )

    def _looks_of(self, status: str, record: Mapping[str, Any] | None) -> tuple[Mapping[str, Any], ...]:
        document = record["document"] if record else {}
        seen = (status, document.get("step"), document.get("look"))
        if seen != self._seen:
            self._looks = tuple(item["document"] for item in self._session.table.looks(self._name))
            self._seen = seen
        return self._looks


def follow(
    read: Callable[[], Ramp], limit_seconds: float | None = None, pause: Callable[[float], None] = time.sleep
) -> Iterator[Ramp]:
    """The ramp about once a second, until it has ended. Raises CommandError when the limit comes first."""
    most_seconds = inf if limit_seconds is None else limit_seconds
    until = time.monotonic() + most_seconds
    while True:
        ramp = read()
        yield ramp
        if not ramp.is_running:
            return
        if time.monotonic() >= until:
            raise CommandError(f"{ramp.name}: has not ended within {duration(most_seconds)}; last: {ramp.reason}")
        pause(POLL_SECONDS)


def running(session: "Session") -> list[str]:
    """The names of the ramps that run now."""
    pages = session.states.get_paginator("list_executions").paginate(
        stateMachineArn=session.state_machine_arn, statusFilter="RUNNING"
    )
    return [item["name"] for page in pages for item in page["executions"]]


def the_running(session: "Session", name: str | None) -> str:
    """`name`, or the only ramp that runs. Raises CommandError when there is none, or a choice."""
    if name is not None:
        return name
    match running(session):
        case [only]:
            return only
        case []:
            raise CommandError("no ramp is running", USAGE)
        case several:
            raise CommandError(f"several ramps are running, name one of {', '.join(sorted(several))}", USAGE)


def the_latest(session: "Session", name: str | None) -> str:
    """`name`, the only ramp that runs, or the one that started last. Raises CommandError when there never was one."""
    if name is not None or running(session):
        return the_running(session, name)
    page = session.states.list_executions(stateMachineArn=session.state_machine_arn, maxResults=1)
    if not page["executions"]:
        raise CommandError("no ramp has been started yet; start one with: ramp start events/plans/beta.json", USAGE)
    return page["executions"][0]["name"]


def start(session: "Session", raw: object, name: str) -> str:
    """Start a ramp; returns the execution's ARN. Raises CommandError when the name is taken or refused."""
    errors = session.states.exceptions
    try:
        return session.states.start_execution(
            stateMachineArn=session.state_machine_arn, name=name, input=json.dumps(raw)
        )["executionArn"]
    except errors.ExecutionAlreadyExists:
        raise CommandError(f"--name: is taken, got {name}, expected a new one", USAGE) from None
    except errors.InvalidName:
        raise CommandError(f"--name: is refused, got {name!r}, expected letters, digits, _ and -", USAGE) from None


def default_name(now: datetime) -> str:
    """A ramp's name from the time it starts: `ramp-20261122-034500`."""
    return f"ramp-{now:%Y%m%d-%H%M%S}"


def execution_arn(state_machine_arn: str, name: str) -> str:
    """The ARN of an execution. Source: Step Functions, ARN formats of standard workflows."""
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"


def parsed(text: str, record: Mapping[str, Any] | None = None) -> Plan | None:
    """The plan that Prepare Ramp recorded, else the one in an execution's input; None: none, or without steps."""
    try:
        plan = Plan.parse(record["document"]["raw_plan"] if record else json.loads(text))
    except (ValueError, PlanInvalid):
        return None
    return plan if plan.steps else None
