"""The stage: one rehearsal with the real state machine, the real tasks and the real brake, over adapters in memory."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from ramp import net, tasks
from ramp.adapters.metrics import History
from ramp.core.bucket import Bucket
from ramp.core.evidence import ArmCounts, Evidence
from ramp.core.plan import EvidenceSettings
from ramp.world import World

from rampctl.ramps import Ramp
from rampctl.rehearsal.dealing import COUNTED, Counts, Setting
from rampctl.rehearsal.fakes import START, Clock, FakeMetrics, House
from rampctl.rehearsal.machine import Execution, Machine, Task, TaskError
from rampctl.rehearsal.scene import Scene
from rampctl.rehearsal.simulation import Simulation, bucket_of, setting_of
from rampctl.rehearsal.users import Users

ARN = "arn:aws:states:us-east-1:000000000000:execution:huntaze-ramp:"
TASKS: Mapping[str, Callable[[Mapping[str, Any], World], dict[str, Any]]] = {
    "${PrepareFunctionArn}": tasks.prepare,
    "${ShiftFunctionArn}": tasks.shift,
    "${MeasureFunctionArn}": tasks.measure,
    "${AskFunctionArn}": tasks.ask,
    "${PromoteFunctionArn}": tasks.promote,
    "${CleanUpFunctionArn}": tasks.clean_up,
    "${RollBackFunctionArn}": tasks.roll_back,
}
ARM_FIELDS = {field.name for field in fields(ArmCounts)} - {"p95_ms"}


class SimulatedMetrics(FakeMetrics):
    """What CloudWatch would show of the simulation: complete periods only, after the plan's delay."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(lambda step, seconds: Evidence())
        self._simulation = simulation
        self._step, self._read = 0, 0  # cells before this one have been read
        self._rows: dict[float, Counts] = {}
        self._buckets: dict[float, Bucket] = {}

    def evidence(self, ramp: str, step: int, since: float, now: float, settings: EvidenceSettings) -> Evidence:
        period = settings.period_seconds
        until = (now - settings.delay_seconds) // period * period
        self._catch_up(step, until, period)
        total = np.sum([*self._rows.values()], axis=0).tolist() if self._rows else [0] * len(COUNTED)
        counted = dict(zip(COUNTED, total, strict=True))
        return Evidence(
            **{arm: self._arm(arm, counted) for arm in ("control", "candidate", "shadow")},
            alarms=self.alarms(),
            until=until,
            buckets=tuple(self._buckets.values()),
        )

    def _catch_up(self, step: int, until: float, period: float) -> None:
        """Add up what has become visible since the last look; a step's counts are asked for by its looks alone."""
        if step != self._step:
            self._step, self._rows, self._buckets = step, {}, {}
        cells = self._simulation.cells
        while self._read < len(cells) and START + cells[self._read].until <= until:
            cell = cells[self._read]
            self._read += 1
            if cell.step == step:
                start = START + cell.at // period * period
                self._rows[start] = self._rows[start] + cell.row if start in self._rows else cell.row
                self._buckets[start] = bucket_of(start, period, step, self._rows[start])

    def history(self, now: float) -> History:
        return self._simulation.history(now)

    def alarms(self) -> dict[str, str]:
        return dict(self._simulation.guards.states()) if self._simulation.guarded else dict(self.states)

    def _arm(self, arm: str, total: Mapping[str, int]) -> ArmCounts:
        counts = {name.removeprefix(f"{arm}_"): count for name, count in total.items() if name.startswith(f"{arm}_")}
        control, candidate = self._simulation.arms
        behaves = control if arm == "control" else candidate
        p95_ms = behaves.p95_at(self._simulation.now) if counts["requests"] else None
        if arm == "candidate":
            counts["fallbacks"] = counts["errors"] - counts["user_errors"]
        if arm != "shadow":
            counts["misrouted"] = 0  # the simulated router makes no mistakes
        return ArmCounts(**{name: count for name, count in counts.items() if name in ARM_FIELDS}, p95_ms=p95_ms)


@dataclass
class SimulatedClock(Clock):
    """A clock whose passing deals requests, and pulls the brake when a guard goes off."""

    house: House | None = None
    simulation: Simulation | None = None
    users: Users | None = None
    moves: list[tuple[float, Setting]] = field(default_factory=list)

    def pass_seconds(self, seconds: float) -> None:
        house, simulation, users = self.house, self.simulation, self.users
        if house is None or simulation is None or users is None:
            raise RuntimeError("the clock has not been set up")
        until = simulation.now + seconds
        while simulation.now < until:
            position = house.world().traffic.read()
            setting = setting_of(position.setting, position.share_ppm, users)
            if not self.moves or self.moves[-1][1] != setting:
                self.moves.append((simulation.now, setting))
            alarm = simulation.pass_seconds(until - simulation.now, setting)
            self.now = START + simulation.now
            if alarm:
                told = {"AlarmName": alarm, "NewStateReason": "more than 2 % failed in 3 of 5 minutes"}
                net.brake({"Records": [{"Sns": {"Message": json.dumps(told)}}]}, house.world())


@dataclass(frozen=True)
class Played:
    """A rehearsal that has ended: the ramp as any command reads it, and what no command of a real ramp can know."""

    ramp: Ramp
    simulation: Simulation
    moves: tuple[tuple[float, Setting], ...]
    looks: tuple[Mapping[str, Any], ...]
    asked: tuple[Mapping[str, Any], ...]
    path: tuple[str, ...]
    began: float = START

    @property
    def seconds(self) -> float:
        """How long it took, in virtual time."""
        return self.simulation.now


def play(scene: Scene, definition: Mapping[str, Any], seed: int) -> Played:
    """Rehearse one ramp. `definition` is `statemachine/ramp.asl.json`."""
    name, simulation = scene.name(seed), scene.simulation(seed)
    clock = SimulatedClock(simulation=simulation, users=scene.users(seed))
    house = House(SimulatedMetrics(simulation), clock=clock)
    clock.house = house
    people = _People(scene, house, name)
    world = house.world()
    machine = Machine(
        definition,
        {function: _bound(task, world) for function, task in TASKS.items()},
        clock.pass_seconds,
        people.await_token,
        house.executions.waiting.add,
    )
    house.executions.statuses[ARN + name] = "RUNNING"
    with _quiet():
        execution = machine.run(name, ARN + name, json.loads(json.dumps(scene.raw_plan)))
    return _played(scene, house, execution, name, people.asked)


class _People:
    """Answers each question once, as the scene says, the way the CLI does it."""

    def __init__(self, scene: Scene, house: House, ramp: str) -> None:
        self._scene, self._house, self._ramp = scene, house, ramp
        self.asked: list[Mapping[str, Any]] = []

    def await_token(self, token: str, timeout_seconds: float) -> tuple[str, Any] | None:
        """Let the time pass until the answer, an abort, or the token's end."""
        house, scene = self._house, self._scene
        world = house.world()
        request = world.table.request(self._ramp) or {}
        if not self.asked or self.asked[-1]["request_id"] != request["request_id"]:
            self.asked.append(request)
        due = request["asked_at"] + scene.answer_seconds - house.clock()
        answers = scene.answer != "none" and due < timeout_seconds
        if token not in house.executions.outcomes:
            house.clock.pass_seconds(max(0.0, due) if answers else timeout_seconds)
        if token not in house.executions.outcomes and answers:
            by, reason = "the rehearsal", f"told to {scene.answer}"
            world.table.answer(self._ramp, request["request_id"], scene.answer, by, reason, world.now())
            world.executions.answer(token, {"answer": scene.answer, "by": by, "reason": reason})
        house.executions.waiting.discard(token)
        if token not in house.executions.outcomes:
            raise TaskError("States.Timeout", "")
        return house.executions.outcomes[token]


def _played(scene: Scene, house: House, execution: Execution, name: str, asked: list[Mapping[str, Any]]) -> Played:
    clock = house.clock
    if not isinstance(clock, SimulatedClock) or clock.simulation is None:
        raise TypeError("the house has another clock")
    looks = tuple({"at": look["at"] - START, **look["document"]} for look in house.table.looks(name))
    ramp = Ramp(
        name=name,
        status=execution.status,
        plan=scene.plan,
        error=execution.error,
        cause=execution.cause,
        record=house.table.ramp(name),
        looks=looks,
    )
    return Played(ramp, clock.simulation, tuple(clock.moves), looks, tuple(asked), tuple(execution.path))


def _bound(task: Callable[[Mapping[str, Any], World], dict[str, Any]], world: World) -> Task:
    return lambda payload: task(payload, world)


@contextmanager
def _quiet() -> Iterator[None]:
    """The tasks log each look for CloudWatch; here the timeline tells it."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
