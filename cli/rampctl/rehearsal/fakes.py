"""The adapters of the control plane in memory, for whole ramps in milliseconds.

Each derives from the adapter it stands for, so that mypy holds its signatures to the real ones, and passes the same
contract (tests/adapters/test_ramp_contracts.py).
"""

import copy
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ramp.adapters.alias_lever import AliasLever, AliasPosition
from ramp.adapters.deadline import Deadline
from ramp.adapters.drift import Drift
from ramp.adapters.executions import Executions
from ramp.adapters.exemplars import Exemplars
from ramp.adapters.flag_lever import OURS, SETTLES, Deployment, FlagLever, nothing
from ramp.adapters.guards import Guard, Guards
from ramp.adapters.metrics import History, Metrics
from ramp.adapters.monitors import Monitors
from ramp.adapters.notices import Notices
from ramp.adapters.stack import Stack
from ramp.adapters.table import MAY_FOLLOW, Lock, RampTable
from ramp.core.evidence import Evidence
from ramp.core.exemplar import Source
from ramp.core.flag_document import OFF, FlagNames, Setting, ramps_beside, read_setting, write_setting
from ramp.core.message import CHANNELS, Kind
from ramp.core.plan import EvidenceSettings
from ramp.core.state import WayBack
from ramp.errors import TrafficNotShifted
from ramp.traffic import Traffic
from ramp.world import Route, World

NAMES = FlagNames("prismaAdapter", "prismaShadow")
GUARDS = ("huntaze-lambda-error-rate-gt-2pct", "huntaze-candidate-error-rate-gt-2pct")
FIRST_DOCUMENT: Mapping[str, Any] = {
    "version": "1",
    "flags": {"prismaAdapter": {"name": "prismaAdapter"}, "prismaShadow": {"name": "prismaShadow"}},
    "values": {"prismaAdapter": {"enabled": False}, "prismaShadow": {"enabled": False}},
}
START = 1_800_000_000.0


@dataclass
class Clock:
    """Epoch seconds that pass when told to."""

    now: float = START

    def __call__(self) -> float:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Hosted:
    """Versions of the document with what was said about them, and the number of the one that is served."""

    versions: dict[int, tuple[str, dict[str, Any]]] = field(
        default_factory=lambda: {1: ("Both flags off", copy.deepcopy({**FIRST_DOCUMENT}))}
    )
    deployed: int = 1
    said: str = ""
    foreign_deployment: int | None = None


class FakeFlagLever(FlagLever):
    """One pair of flags in a document that other pairs may share."""

    def __init__(self, names: FlagNames = NAMES, hosted: Hosted | None = None) -> None:
        self.names, self.hosted = names, hosted or Hosted()

    @property
    def versions(self) -> dict[int, tuple[str, dict[str, Any]]]:
        """What was written and not deleted."""
        return self.hosted.versions

    def read(self) -> Setting:
        values = self.versions[self.hosted.deployed][1]["values"]
        served = {name: value if value["enabled"] else {"enabled": False} for name, value in values.items()}
        return read_setting(copy.deepcopy(served), self.names)

    def of(self, names: FlagNames) -> "FakeFlagLever":
        return FakeFlagLever(names, self.hosted)

    def ramps_beside(self, known: Collection[str]) -> set[str]:
        return ramps_beside(self.versions[self.hosted.deployed][1]["values"], known)

    def in_flight(self) -> Deployment | None:
        number = self.hosted.foreign_deployment
        return None if number is None else Deployment(number, "by hand")

    def stop(self, number: int | None = None) -> bool:
        found = self.hosted.foreign_deployment
        if found is None or number not in {None, found}:
            return False
        self.hosted.foreign_deployment = None
        return True

    def put(self, setting: Setting, description: str, fence: Callable[[], None] = nothing) -> None:
        said = description + SETTLES if setting == OFF else description
        if self.read() == setting and (setting != OFF or self.hosted.said == said):
            return
        fence()
        if self.hosted.foreign_deployment is not None:
            raise TrafficNotShifted(f"AppConfig deployment {self.hosted.foreign_deployment} is in flight")
        document = write_setting(self.versions[self.hosted.deployed][1], self.names, setting)
        number = max(self.versions) + 1
        self.versions[number] = (description, json.loads(json.dumps(document)))
        self.hosted.deployed, self.hosted.said = number, said

    def prune(self, description: str) -> int:
        ours = (n for n, (said, _) in self.versions.items() if said == description or said.startswith(OURS))
        superseded = [n for n in ours if n != self.hosted.deployed]  # here each is deployed as it is written
        for number in superseded:
            del self.versions[number]
        return len(superseded)


class FakeMonitors(Monitors):
    """Alarms that are watched, or left off by somebody who died."""

    def __init__(self) -> None:
        self.left_off = False

    @contextmanager
    def off(self) -> Iterator[None]:
        yield

    def are_left_off(self) -> bool:
        return self.left_off

    def put_back(self) -> None:
        self.left_off = False


class FakeAliasLever(AliasLever):
    """One alias of a function with two published versions."""

    def __init__(self) -> None:
        self.position = AliasPosition("1", {}, "revision-1")
        self.published = {"1", "2"}
        self.kept_warm = 0

    def read(self) -> AliasPosition:
        return self.position

    def has_version(self, version: str) -> bool:
        return version in self.published

    def provisioned(self) -> int:
        return self.kept_warm

    def put(self, version: str, weights: dict[str, int], fence: Callable[[], None] = nothing) -> None:
        fence()
        self.position = AliasPosition(version, dict(weights), f"{self.position.revision_id}+")

    def restore(self, back: WayBack, fence: Callable[[], None] = nothing) -> None:
        if not back.candidate or back.candidate in {self.position.version, *self.position.weights}:
            self.put(back.version, {}, fence)


class FakeMetrics(Metrics):
    """`observe` gives the evidence of a step as it is `seconds` after the step began."""

    def __init__(self, observe: Callable[[int, float], Evidence]) -> None:
        self.observe = observe
        self.states = dict.fromkeys(GUARDS, "OK")

    def evidence(self, ramp: str, step: int, since: float, now: float, settings: EvidenceSettings) -> Evidence:
        return self.observe(step, now - since)

    def history(self, now: float) -> History:
        return History()

    def alarms(self) -> dict[str, str]:
        return dict(self.states)


class FakeGuards(Guards):
    """The alarms' states, those of `metrics`; `acts` and `silent` hold for each."""

    def __init__(self, metrics: FakeMetrics) -> None:
        self._states = metrics
        self.acts = True
        self.silent: tuple[str, ...] = ()

    def read(self, now: float) -> tuple[Guard, ...]:
        return tuple(Guard(name, state, self.acts, self.silent) for name, state in self._states.states.items())


class FakeStack(Stack):
    """A deployed stack, and what CodeDeploy was answered by deployment."""

    def __init__(self) -> None:
        self.name = "huntaze-prisma-skeleton"
        self.state = "UPDATE_COMPLETE"
        self.drifted = Drift()
        self.deploying: str | None = None
        self.answered: dict[str, bool] = {}

    def status(self) -> str:
        return self.state

    def drift(self) -> Drift:
        return self.drifted

    def code_deploy(self) -> str | None:
        return self.deploying

    def answer_code_deploy(self, deployment: str, hook: str, *, go: bool) -> None:
        self.answered[deployment] = go


class FakeTable(RampTable):
    """Items by their keys, numbers and all; documents go through JSON as they do in the table."""

    def __init__(self) -> None:
        self.locks: dict[str, Lock] = {}
        self.lists: dict[tuple[str, int, str], dict[str, Any]] = {}
        self.ramps: dict[str, dict[str, Any]] = {}
        self.kept_looks: dict[tuple[str, int, int], dict[str, Any]] = {}
        self.requests: dict[str, dict[str, Any]] = {}
        self.asked: dict[tuple[str, str], dict[str, Any]] = {}
        self.commands: dict[str, dict[str, Any]] = {}
        self.said: dict[tuple[str, int, str], dict[str, Any]] = {}
        self.gates: dict[str, str] = {}
        self.links: dict[str, dict[str, Any]] = {}

    def put_gate(self, ramp: str, kept: Mapping[str, Any], now: float) -> None:
        self.gates[ramp] = json.dumps(kept)

    def gate(self, ramp: str) -> dict[str, Any]:
        kept: dict[str, Any] = json.loads(self.gates.get(ramp, "{}"))
        return kept

    def acquire(self, flag: str, lock: Lock, now: float, lease_seconds: float, dead: Lock | None = None) -> Lock | None:
        held = self.locks.get(flag, lock)
        if held.execution_arn not in {lock.execution_arn, (dead or lock).execution_arn}:
            return held
        self.locks[flag] = replace(lock, expires_at=int(now + lease_seconds))
        return None

    def renew(self, flag: str, lock: Lock, now: float, lease_seconds: float) -> bool:
        if self.locks.get(flag) != lock:
            return False
        self.locks[flag] = replace(lock, expires_at=int(now + lease_seconds))
        return True

    def lock(self, flag: str) -> Lock | None:
        return self.locks.get(flag)

    def release(self, flag: str, lock: Lock) -> None:
        if self.locks.get(flag) == lock:
            del self.locks[flag]

    def enlist(self, flag: str, ramp: str, status: str, started_at: float, now: float, **fields: Any) -> bool:
        if _has_ended(self.lists.get((flag, int(started_at), ramp)), status):
            return False
        times = {"started_at": int(started_at), "updated_at": int(now)}
        self.lists[flag, int(started_at), ramp] = {"ramp": ramp, "status": status, **times, **fields}
        return True

    def listed(self, flag: str, limit: int | None = None) -> list[dict[str, Any]]:
        newest = sorted((key for key in self.lists if key[0] == flag), reverse=True)
        return [copy.deepcopy(self.lists[key]) for key in newest[:limit]]

    def put_ramp(self, ramp: str, status: str, now: float, document: Mapping[str, Any], **fields: Any) -> bool:
        if _has_ended(self.ramps.get(ramp), status):
            return False
        self.ramps[ramp] = {"status": status, "updated_at": int(now), "document": _plain(document), **fields}
        return True

    def ramp(self, ramp: str) -> dict[str, Any] | None:
        return copy.deepcopy(self.ramps.get(ramp))

    def put_look(self, ramp: str, step: int, look: int, now: float, document: Mapping[str, Any]) -> None:
        self.kept_looks[ramp, step, look] = {"at": int(now), "document": _plain(document)}

    def amend_look(self, ramp: str, step: int, look: int, document: Mapping[str, Any]) -> None:
        self.kept_looks[ramp, step, look]["document"] = _plain(document)

    def looks(self, ramp: str) -> Iterator[dict[str, Any]]:
        return (item for key, item in sorted(self.kept_looks.items()) if key[0] == ramp)

    def look(self, ramp: str, step: int, look: int) -> dict[str, Any] | None:
        return copy.deepcopy(self.kept_looks.get((ramp, step, look), {}).get("document"))

    def looks_at(self, ramp: str, places: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
        return [copy.deepcopy(self.kept_looks[ramp, *place]) for place in places if (ramp, *place) in self.kept_looks]

    def ask(self, ramp: str, request_id: str, token: str, now: float, *, look: tuple[int, int], **fields: Any) -> bool:
        standing = self.requests.get(ramp, {})
        in_time = self._is_no_later(ramp, look)
        if standing.get("request_id") == request_id and in_time:
            standing.update(token=token, look=look)
            return True
        question = {"request_id": request_id, "asked_at": int(now), **fields}
        self.asked[ramp, request_id] = question
        if in_time:
            self.requests[ramp] = {**question, "token": token, "look": look}
        return in_time

    def withdraw(self, ramp: str, request_id: str, now: float, *, look: tuple[int, int]) -> dict[str, Any] | None:
        standing = self.requests.get(ramp, {})
        if standing.get("request_id") != request_id:
            return None
        if "answer" in standing:
            return copy.deepcopy(standing)
        if self._is_no_later(ramp, look):
            self.requests[ramp] = {"look": look}
        return None

    def _is_no_later(self, ramp: str, look: tuple[int, int]) -> bool:
        return bool(self.requests.get(ramp, {}).get("look", look) <= look)

    def request(self, ramp: str) -> dict[str, Any] | None:
        found = copy.deepcopy(self.requests.get(ramp))
        return found if found and "request_id" in found else None

    def answer(self, ramp: str, request_id: str, answer: str, by: str, reason: str, now: float) -> bool:
        standing = self.requests.get(ramp, {})
        if standing.get("request_id") != request_id or "answer" in standing:
            return False
        standing.update(answer=answer, by=by, reason=reason, answered_at=int(now))
        return True

    def close_request(self, ramp: str) -> None:
        self.requests.pop(ramp, None)

    def put_command(self, ramp: str, verb: str, step: int, by: str, reason: str, now: float) -> bool:
        if self.commands.get(ramp, {}).get("verb") == "abort":
            return False
        self.commands[ramp] = {"verb": verb, "step": step, "by": by, "reason": reason, "at": int(now)}
        return True

    def command(self, ramp: str) -> dict[str, Any] | None:
        return copy.deepcopy(self.commands.get(ramp))

    def note(self, ramp: str, request_id: str, field: str, now: float) -> None:
        standing = self.requests.get(ramp, {})
        if standing.get("request_id") == request_id:
            standing[field] = int(now)

    def put_link(self, link_id: str, ramp: str, request_id: str, now: float, expires_at: float) -> None:
        times = {"created_at": int(now), "expires_at": int(expires_at)}
        self.links[link_id] = {"ramp": ramp, "request_id": request_id, **times}

    def link(self, link_id: str) -> dict[str, Any] | None:
        return copy.deepcopy(self.links.get(link_id))

    def put_word(self, ramp: str, verb: str, now: float, **fields: Any) -> None:
        self.said[ramp, round(now * 1000), verb] = {"verb": verb, "at": int(now), **fields}

    words = RampTable.words  # out of what `people` gives

    def people(self, ramp: str) -> Iterator[dict[str, Any]]:
        yield from (copy.deepcopy(item) for key, item in self.asked.items() if key[0] == ramp)
        yield from (copy.deepcopy(item) for key, item in sorted(self.said.items()) if key[0] == ramp)


class FakeNotices(Notices):
    """What people were told: subject and message; nothing while it takes none."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.kinds: list[tuple[Kind, tuple[str, ...]]] = []
        self.takes = True

    def tell(self, subject: str, message: str, kind: Kind = Kind.SAFETY, channels: Sequence[str] = CHANNELS) -> bool:
        if self.takes:
            self.told.append((subject, message))
            self.kinds.append((kind, tuple(channels)))
        return self.takes


class FakeExemplars(Exemplars):
    """Finds exemplars among `written`: when, whose, and the line."""

    def __init__(self, table: RampTable, now: Callable[[], float]) -> None:
        self._table, self._now = table, now
        self.written: list[tuple[float, Source, str]] = []

    def lines(self, source: Source, words: tuple[str, ...], since: float) -> list[str]:
        found = [line for at, of, line in self.written if of is source and at >= since]
        return [line for line in found if all(word in line for word in words)]


class FakeDeadline(Deadline):
    """Schedules by ramp, in epoch seconds."""

    def __init__(self) -> None:
        self.schedules: dict[str, float] = {}

    def set(self, ramp: str, at: float) -> None:
        self.schedules.setdefault(ramp, at)

    def remove(self, ramp: str) -> None:
        self.schedules.pop(ramp, None)

    def names(self) -> list[str]:
        return list(self.schedules)

    @staticmethod
    def name(ramp: str) -> str:
        return ramp


class FakeExecutions(Executions):
    """Executions by status, and what became of each task token: `waiting` first, then its outcome, once."""

    def __init__(self) -> None:
        self.statuses: dict[str, str] = {}
        self.waiting: set[str] = set()
        self.outcomes: dict[str, tuple[str, Any]] = {}

    def status(self, execution_arn: str) -> str | None:
        return self.statuses.get(execution_arn)

    def answer(self, token: str, output: Mapping[str, Any]) -> bool:
        return self._end(token, ("success", _plain(output)))

    def fail(self, token: str, error: str, cause: str) -> bool:
        return self._end(token, ("failure", {"Error": error, "Cause": cause}))

    def _end(self, token: str, outcome: tuple[str, Any]) -> bool:
        if token not in self.waiting:
            return False
        self.waiting.remove(token)
        self.outcomes[token] = outcome
        return True


@dataclass
class House:
    """Every fake of one world, by name, and the world made of them."""

    metrics: FakeMetrics
    more: tuple[FlagNames, ...] = ()
    clock: Clock = field(default_factory=Clock)
    flag: FakeFlagLever = field(default_factory=FakeFlagLever)
    alias: FakeAliasLever = field(default_factory=FakeAliasLever)
    monitors: FakeMonitors = field(default_factory=FakeMonitors)
    table: FakeTable = field(default_factory=FakeTable)
    notices: FakeNotices = field(default_factory=FakeNotices)
    deadline: FakeDeadline = field(default_factory=FakeDeadline)
    executions: FakeExecutions = field(default_factory=FakeExecutions)
    stack: FakeStack = field(default_factory=FakeStack)

    def __post_init__(self) -> None:
        self.guards = FakeGuards(self.metrics)
        self.exemplars = FakeExemplars(self.table, self.clock)

    def world(self, guard: Callable[[Any], Any] = lambda adapter: adapter) -> World:
        """The world the tasks see; `guard` may wrap each adapter, to make it fail."""
        others = [FakeFlagLever(names, self.flag.hosted) for names in self.more]
        alias, monitors = guard(self.alias), guard(self.monitors)
        return World(
            flags=NAMES,
            traffic=Traffic(guard(self.flag), alias, monitors),
            others=tuple(Route(other.names, Traffic(guard(other), alias, monitors)) for other in others),
            metrics=guard(self.metrics),
            table=guard(self.table),
            notices=guard(self.notices),
            deadline=guard(self.deadline),
            executions=guard(self.executions),
            guards=guard(self.guards),
            stack=guard(self.stack),
            exemplars=guard(self.exemplars),
            now=self.clock,
        )


def _has_ended(found: Mapping[str, Any] | None, status: str) -> bool:
    return found is not None and found["status"] not in MAY_FOLLOW.get(status, {found["status"]})


def _plain(document: Any) -> Any:
    return json.loads(json.dumps(document))
