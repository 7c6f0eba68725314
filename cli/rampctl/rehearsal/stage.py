"""The stage: one rehearsal with the real state machine, the real tasks and the real brake, over adapters in memory."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ramp import net, tasks
from ramp.world import World

from rampctl.ramps import Ramp
from rampctl.rehearsal.dealing import Setting
from rampctl.rehearsal.fakes import START, Clock, House
from rampctl.rehearsal.machine import Execution, Machine, Task, TaskError
from rampctl.rehearsal.metrics import SimulatedMetrics
from rampctl.rehearsal.scene import Scene
from rampctl.rehearsal.simulation import Simulation, setting_of
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


@dataclass
class SimulatedClock(Clock):
    """A clock whose passing deals requests, and pulls the brake when a guard goes off."""

    house: House | None = None
    simulation: Simulation | None = None
    users: Users | None = None
    moves: list[tuple[float, Setting]] = field(default_factory=list)
    tell: Callable[[float, Setting], None] = lambda seconds, setting: None

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
            self.tell(simulation.now, setting)
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


def play(
    scene: Scene,
    definition: Mapping[str, Any],
    seed: int,
    tell: Callable[[float, Setting], None] = lambda seconds, setting: None,
) -> Played:
    """Rehearse one ramp. `definition` is `statemachine/ramp.asl.json`; `tell` hears how far it is."""
    name, simulation = scene.name(seed), scene.simulation(seed)
    clock = SimulatedClock(simulation=simulation, users=scene.users(seed), tell=tell)
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
