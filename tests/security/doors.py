"""Every door through which something foreign comes in: what a sound value looks like, and what must hold for any other.

A door's `push` takes a value, sound or not, and fails by AssertionError when something leaves that nobody handles,
traffic was raised, or a refusal names no field. It returns `taken` or `refused`.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ramp import handlers, net, tasks
from ramp.adapters.flag_lever import FlagLever
from ramp.adapters.metrics import COUNTS, Metrics
from ramp.core.flag_document import OFF
from ramp.core.plan import Plan, PlanInvalid
from ramp.core.state import RampState
from ramp.errors import AwsUnavailable, InputRefused, RampError
from rampctl.rehearsal.fakes import GUARDS, NAMES, FakeMetrics, House
from read_path.candidate import look_up
from read_path.compare import Comparator, compare
from read_path.core import rules
from read_path.core.answer import Answer, AnswerError, from_payload
from read_path.core.breaker import Breaker
from read_path.core.noise import Noise
from read_path.core.routing import FlagError, Flags, parse
from read_path.core.user import User
from read_path.flags import FlagReader
from read_path.serve import Invocation, Service, serve
from read_path.settings import RouterSettings, TelemetrySettings
from read_path.sources import mock
from read_path.sources.postgres import checked
from read_path.sources.secret import SecretError, conninfo_of
from read_path.telemetry import Telemetry
from read_path.tracing import Tracing

from tests.statemachine.ramp_run import ARN, RAMP, asking_plan, healthy

ROOT = Path(__file__).parents[2]
NAMES_A_FIELD = re.compile(r"\S.*?: \w")
SHORT = 32_768  # characters of a refusal at most. Source: Step Functions, the cause of an error.


class Nowhere(io.StringIO):
    """Log lines of a hundred thousand cases would fill the memory."""

    def write(self, text: str) -> int:
        return len(text)


TELEMETRY = Telemetry(TelemetrySettings("fuzz", "Huntaze/ReadPath", "INFO", ""), Tracing("", lambda: ""), Nowhere())
USER = {
    "id": "user-1",
    "email": "a@example.com",
    "name": "A",
    "plan": "free",
    "created_at": "2026-01-01T00:00:00+00:00",
}


@dataclass(frozen=True)
class Door:
    """`seeds` are sound values to begin with."""

    name: str
    seeds: tuple[Any, ...]
    push: Callable[[Any], str]


def named(error: BaseException | str) -> str:
    """Each sentence of a refusal names its field, and none is as long as what came in."""
    text = str(error)
    for sentence in text.split("\n"):
        assert NAMES_A_FIELD.match(sentence), f"names no field: {text[:300]!r}"
    assert len(text) <= SHORT, f"a refusal of {len(text)} characters"
    return "refused"


# --- The read path ---


def read_event(event: Any) -> str:
    """A user is answered, or told 400 or 401; whatever they send, the candidate is not asked while flags are off."""

    def candidate(user_id: str, deadline_ms: int) -> Answer:
        raise AssertionError("traffic was raised")

    service = Service(
        flags=Flags,
        control=mock.read,
        candidate=candidate,
        dispatch=lambda event: None,
        telemetry=TELEMETRY,
        clock=lambda: 0.0,
        breaker=Breaker(),
    )
    answer = serve(event, Invocation("request-1", "$LATEST"), service)
    assert answer["statusCode"] in {200, 400, 401, 404}, answer
    body = json.loads(answer["body"])
    assert len(answer["body"]) < SHORT
    if answer["statusCode"] != 400:
        return "taken"
    return named(body["error"])


def flag_document(document: Any) -> str:
    """A document that is not sound changes nothing: everybody stays where the last good one put them."""
    try:
        parse(document, "prismaAdapter", "prismaShadow")
    except FlagError as error:
        return named("; ".join(error.faults))
    return "taken"


def flag_bytes(content: Any) -> str:
    """The same, as bytes off the wire."""
    raw = content if isinstance(content, bytes) else json.dumps(content, default=repr).encode("utf-8", "surrogatepass")
    settings = RouterSettings("a", "e", "p", "prismaAdapter", "prismaShadow", 15, None, "c", "s", "")
    transport: Any = SimpleNamespace(fetch=lambda: raw)
    reader = FlagReader(transport, settings, lambda: 0.0, TELEMETRY)
    flags = reader.current()
    if flags == Flags():
        return "refused"
    assert flags.adapter is None or 0 <= flags.adapter.share_ppm <= 1_000_000
    return "taken"


def comparison_event(event: Any) -> str:
    """The comparator never raises, for an event is delivered again when it does."""
    comparator = Comparator(
        control=mock.read,
        candidate=lambda user_id, budget_ms: mock.read(user_id),
        telemetry=TELEMETRY,
        clock=lambda: 0.0,
        hash_key=b"k",
        noise=Noise(rules.parse("")),
    )
    outcome = compare(event, comparator)["outcome"]
    assert outcome in {"ok", "diff", "failed", "timed_out", "refused"}
    return "refused" if outcome == "refused" else "taken"


def candidate_answer(payload: Any) -> str:
    """What the candidate function returned, as the router reads it."""
    try:
        from_payload(payload)
    except AnswerError as error:
        return named(error)
    return "taken"


def database_row(row: Any) -> str:
    """Whatever a row holds, the candidate answers 200 or a 500 that tells nothing."""

    def read(user_id: str) -> User | None:
        fields = dict(row) if isinstance(row, Mapping) else {}
        created = fields.get("created_at")
        if isinstance(created, str) and created == USER["created_at"]:
            fields["created_at"] = datetime.fromisoformat(created)
        wanted = ("id", "email", "name", "plan", "created_at")
        values: Any = {name: fields.get(name) for name in wanted}
        return checked(User(**values))  # as class_row fills it from any column

    answer = look_up({"userId": "user-1"}, "request-1", read, TELEMETRY)
    assert answer.status in {200, 500}
    if answer.status == 500:
        assert json.loads(answer.body) == {"error": "internal error"}
        return "refused"
    json.loads(answer.body.encode())
    return "taken"


def secret(content: Any) -> str:
    """The database secret; no refusal shows a value of it."""
    text = content if isinstance(content, str) else json.dumps(content, default=repr)
    try:
        conninfo_of(text)
    except SecretError as error:
        return named(str(error).replace("hunter2", "\n"))
    return "taken"


# --- The control plane ---


def plan(document: Any) -> str:
    """A plan is refused with every fault named, or taken; parsing it moves nothing."""
    try:
        Plan.parse(document)
    except PlanInvalid as invalid:
        return named("\n".join(invalid.faults))
    return "taken"


def a_house() -> House:
    """A world with a ramp running at its canary step."""
    house = House(FakeMetrics(healthy))
    house.executions.statuses[ARN] = "RUNNING"
    world = house.world()
    state = RampState.from_wire(
        tasks.prepare({"plan": asking_plan(), "ramp": RAMP, "execution_arn": ARN}, world)["ramp"]
    )
    tasks.shift({"ramp": state.at_next_step().to_wire()}, world)
    return house


def _task(task: Callable[[Any, Any], Any], raises_to: int) -> Callable[[Any], str]:
    """Through the handler that Lambda calls, into a ramp that has 10 % of users on the candidate."""

    def push(event: Any) -> str:
        house = a_house()
        house.table.requests[RAMP] = {"request_id": "r", "token": "t", "asked_at": 0}
        world = house.world()
        try:
            handlers.handled(task, event, world)
        except (InputRefused, AwsUnavailable) as error:
            outcome = named(error)
        except RampError:
            outcome = "refused"  # a ramp that is not the one which runs
        else:
            outcome = "taken"
        share_ppm = world.traffic.read().share_ppm
        assert share_ppm <= raises_to, f"traffic was raised to {share_ppm} ppm"
        return outcome

    return push


def cloudwatch(answer: Any) -> str:
    """Evidence read off an answer: complete and finite, or refused; never better than what was counted."""

    class Paginator:
        def paginate(self, **asked: Any) -> Iterator[Any]:
            yield from (
                answer["pages"] if isinstance(answer, Mapping) and isinstance(answer.get("pages"), list) else [answer]
            )

    client: Any = SimpleNamespace(
        get_paginator=lambda name: Paginator(),
        describe_alarms=lambda **asked: answer.get("alarms") if isinstance(answer, Mapping) else answer,
    )
    settings = Plan.parse(asking_plan()).evidence
    try:
        evidence = Metrics(client, GUARDS).evidence(RAMP, 1, 0.0, 7_200.0, settings)
    except RampError as error:
        return named(error)
    for arm in (evidence.control, evidence.candidate, evidence.shadow):
        for value in vars(arm).values():
            assert value is None or (math.isfinite(value) and value >= 0), arm
    assert set(evidence.alarms) == set(GUARDS)
    return "taken"


def served_flags(document: Any) -> str:
    """What AppConfig serves, as the control plane reads it back."""
    raw = (
        document if isinstance(document, bytes) else json.dumps(document, default=repr).encode("utf-8", "surrogatepass")
    )
    client: Any = SimpleNamespace(
        start_configuration_session=lambda **asked: {"InitialConfigurationToken": "t"},
        get_latest_configuration=lambda **asked: {"Configuration": io.BytesIO(raw)},
    )
    location: Any = SimpleNamespace(application="a", environment="e", profile="p", strategy="s")
    lever = FlagLever(client, client, location, NAMES, lambda seconds: None)
    try:
        setting = lever.read()
        share_ppm = setting.share_ppm
    except RampError as error:
        return named(error)
    assert 0 <= share_ppm <= 1_000_000
    return "taken" if setting != OFF else "refused"


# --- All of them ---


def _files(pattern: str) -> tuple[Any, ...]:
    return tuple(json.loads(path.read_text()) for path in sorted(ROOT.glob(pattern)))


def _flags() -> dict[str, Any]:
    key = {"enabled": True, "ramp": "ramp-7f3a", "step": 2, "control_slow_ms": 11.3, "candidate_slow_ms": 61.3}
    adapter = {"share_ppm": 50_000, "salt": "ramp-7f3a", "deadline_ms": 500, "fallback": True, "deny_users": ["user-9"]}
    return {
        "prismaAdapter": {**key, **adapter},
        "prismaShadow": {**key, "sample_ppm": 1_000_000, "budget_ms": 500},
    }


def _states() -> tuple[dict[str, Any], dict[str, Any]]:
    world = a_house().world()
    found = world.table.ramp(RAMP)
    assert found is not None
    canary = found["document"]
    asked = {"request_id": "r", "causes": ["approval"], "text": "go on?", "asked_at": 0.0}
    return canary, {**canary, "question": asked}


def _alarm() -> dict[str, Any]:
    message = {"AlarmName": GUARDS[0], "NewStateReason": "1", "StateChangeTime": "2026-11-22T07:00:00.000+0000"}
    return {"Records": [{"Sns": {"Message": json.dumps(message)}}]}


def _pages() -> dict[str, Any]:
    stamps = [datetime.fromtimestamp(second, UTC) for second in (60, 120, 180)]
    asked = sum(map(len, COUNTS.values())) + 2 * len(COUNTS)  # every count, and of every arm a p95 and its samples
    results = [{"Id": f"q{at}", "Timestamps": list(stamps), "Values": [5.0, 7.0, 9.0]} for at in range(asked)]
    alarms = {"MetricAlarms": [{"AlarmName": name, "StateValue": "OK"} for name in GUARDS]}
    return {"pages": [{"MetricDataResults": results}], "alarms": alarms}


def doors() -> tuple[Door, ...]:
    """Every one, with its seeds."""
    canary, asking = _states()
    event = {"kind": "shadow", "ramp": "ramp-1", "step": 2, "user_id": "user-1", "request_id": "r", "budget_ms": 500}
    pair = {"control": mock.read("user-1").to_wire(), "candidate": mock.read("user-2").to_wire()}
    verdict, whole, stays = {"action": "PROMOTE", "reason": "x"}, 1_000_000, 100_000
    ended = {"source": "aws.states", "detail-type": "x", "detail": {"status": "FAILED", "executionArn": ARN}}
    starting = {"plan": asking_plan(), "ramp": RAMP, "execution_arn": ARN}
    fields = {"host": "h", "port": 5432, "database": "d", "username": "u", "password": "hunter2"}
    ada = {"by": "ada", "reason": "x", "via": "cli"}
    answered = {"ramp": canary, "decision": {"answer": "approve", "by": "ada", "reason": "x"}}
    failed = {"ramp": canary, "verdict": verdict, "trouble": {"Error": "x", "Cause": "{}"}}
    return (
        Door("plan", (*_files("events/plans/*.json"), asking_plan()), plan),
        Door("read event", _files("events/read/*.json"), read_event),
        Door("flag document", (_flags(),), flag_document),
        Door("flag bytes", (_flags(),), flag_bytes),
        Door("comparison event", ({**event, **pair}, {**event, **pair, "kind": "canary"}), comparison_event),
        Door("candidate answer", (mock.read("user-1").to_proxy(),), candidate_answer),
        Door("database row", (USER,), database_row),
        Door("database secret", ({"DATABASE_URL": "postgresql://u:hunter2@h/d"}, fields), secret),
        Door("alarm over SNS", (_alarm(), {**ada, "ramp": RAMP}), _task(net.brake, stays)),
        Door(
            "ending over EventBridge",
            (ended, {"deadline_of": RAMP}, {"undo_of": RAMP, **ada}),
            _task(net.cleanup, stays),
        ),
        Door("start of a ramp", (starting,), _task(tasks.prepare, stays)),
        Door("state for Shift Traffic", ({"ramp": canary},), _task(tasks.shift, whole)),
        Door("state for Measure", (answered,), _task(tasks.measure, stays)),
        Door("state for Ask", ({"ramp": asking, "verdict": verdict, "token": "t"},), _task(tasks.ask, stays)),
        Door("state for Roll Back", (failed,), _task(tasks.roll_back, stays)),
        Door("answer of CloudWatch", (_pages(),), cloudwatch),
        Door("flags read back", (_flags(),), served_flags),
    )
