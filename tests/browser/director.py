"""A ramp that goes on when a test says so: the real state machine, tasks, gate and brake over a simulated world."""

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ramp import net
from ramp.adapters.brake import Brake
from ramp.adapters.comparisons import Comparisons
from ramp.page.desk import Desk
from rampctl.rehearsal.fakes import NAMES, House
from rampctl.rehearsal.machine import Machine, TaskError
from rampctl.rehearsal.metrics import SimulatedMetrics
from rampctl.rehearsal.scene import Scene
from rampctl.rehearsal.stage import ARN, TASKS, SimulatedClock

ROOT = Path(__file__).parents[2]
DEFINITION: Mapping[str, Any] = json.loads((ROOT / "statemachine" / "ramp.asl.json").read_text())
PATIENCE_SECONDS = 60.0

Here = Callable[[House], bool]


class Director:
    """Runs one ramp in a thread, up to wherever it is told to."""

    def __init__(self, scene: Scene, name: str, seed: int = 1) -> None:
        simulation = scene.simulation(seed)
        self.name = name
        self.clock = SimulatedClock(simulation=simulation, users=scene.users(seed))
        self.house = House(SimulatedMetrics(simulation), clock=self.clock)
        self.clock.house = self.house
        self.world = self.house.world()
        self.ended = False
        self._goal: Here | None = None
        self._turn = threading.Condition()
        self._machine = Machine(
            DEFINITION,
            {function: _bound(task, self.world) for function, task in TASKS.items()},
            self._pass_seconds,
            self._await_token,
            self.house.executions.waiting.add,
        )
        self._thread = threading.Thread(target=self._run, args=(scene.raw_plan,), daemon=True)
        self._thread.start()

    def until(self, here: Here) -> None:
        """Let the ramp go on until `here`, or until it has ended."""
        with self._turn:
            self._goal = here
            self._turn.notify_all()
            assert self._turn.wait_for(lambda: self._goal is None or self.ended, PATIENCE_SECONDS), "did not come there"

    def to_its_end(self) -> None:
        """Let it end."""
        self.until(lambda house: False)

    def to_question(self) -> None:
        """Let it go on until people are asked."""
        self.until(
            lambda house: "request_id" in (house.table.request(self.name) or {"answer": ""}) and self.is_waited_for()
        )

    def is_waited_for(self) -> bool:
        """Whether a task token is out."""
        return bool(self.house.executions.waiting)

    @property
    def status(self) -> str:
        """The record's."""
        return str((self.house.table.ramp(self.name) or {})["status"])

    def _run(self, raw_plan: Any) -> None:
        self.house.executions.statuses[ARN + self.name] = "RUNNING"
        self._checkpoint()
        try:
            self._machine.run(self.name, ARN + self.name, json.loads(json.dumps(raw_plan)))
        finally:
            self.house.executions.statuses[ARN + self.name] = "SUCCEEDED"
            with self._turn:
                self.ended = True
                self._turn.notify_all()

    def _checkpoint(self) -> None:
        with self._turn:
            if self._goal is not None and self._goal(self.house):
                self._goal = None
                self._turn.notify_all()
            self._turn.wait_for(lambda: self._goal is not None)

    def _pass_seconds(self, seconds: float) -> None:
        self._checkpoint()
        self.clock.pass_seconds(seconds)

    def _await_token(self, token: str, timeout_seconds: float) -> tuple[str, Any] | None:
        outcomes = self.house.executions.outcomes
        if token not in outcomes:
            self._checkpoint()
        if token not in outcomes:
            self.clock.pass_seconds(timeout_seconds)
            self.house.executions.waiting.discard(token)
        if token not in outcomes:
            raise TaskError("States.Timeout", "")
        return outcomes[token]


class FakeBrake(Brake):
    """The real brake, in this process."""

    def __init__(self, director: Director) -> None:
        self._brake = self._cleanup = "in this process"
        self._director = director

    def _call(self, function: str, event: dict[str, Any]) -> Any:
        return (net.cleanup if "undo_of" in event else net.brake)(event, self._director.world)


class FakeComparisons(Comparisons):
    """Lines as the comparator logs them, of answers that differ in a field or two."""

    def __init__(self, ramp: str) -> None:
        paths = [("body.updatedAt",)] * 31 + [("body.email", "body.updatedAt")] * 12 + [("body.tags.0",)] * 3
        told = {"message": "[SHADOW-DIFF]", "ramp": ramp}
        self.lines = [json.dumps({**told, "differences": [{"path": path} for path in found]}) for found in paths]

    def differing(self, ramp: str, since: float) -> tuple[list[str], bool]:
        return self.lines, True


def desk_of(director: Director) -> Desk:
    """What the page works with, over the simulated world."""
    house = director.house
    return Desk(
        flags=(NAMES.adapter,),
        table=house.table,
        metrics=house.metrics,
        executions=house.executions,
        brake=FakeBrake(director),
        comparisons=FakeComparisons(director.name),
        now=house.clock,
        random_id=iter_ids(),
    )


def iter_ids() -> Callable[[], str]:
    """Ids in order: a test wants the same page twice."""
    count = iter(range(10**6))
    return lambda: f"random-{next(count)}"


def _bound(task: Any, world: Any) -> Any:
    return lambda payload: task(payload, world)
