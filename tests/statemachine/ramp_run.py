"""A whole ramp in this process: the project's own ASL and tasks over adapters in memory, people and net included."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ramp import net
from ramp.core.evidence import ArmCounts, Evidence
from ramp.core.flag_document import OFF
from ramp.world import World
from rampctl.rehearsal.fakes import GUARDS, NAMES, FakeMetrics, House
from rampctl.rehearsal.machine import Execution, Machine, Task
from rampctl.rehearsal.stage import TASKS

ROOT = Path(__file__).parents[2]
DEFINITION: Mapping[str, Any] = json.loads((ROOT / "statemachine" / "ramp.asl.json").read_text())
MACHINE = "arn:aws:states:us-east-1:000000000000:execution:huntaze-ramp"
FLAG, RAMP, ARN = NAMES.adapter, "ramp-1", f"{MACHINE}:ramp-1"
TASK_SECONDS = 1.0
STEPS = (
    {"percent": 0, "bake_seconds": 120},
    {"percent": 10, "bake_seconds": 120},
    {"percent": 100, "bake_seconds": 120},
)
Observe = Callable[[int, float], Evidence]
People = Callable[[House, World], None]
"""Called for each token that is waited on; may answer, brake, or stay silent."""


def a_plan(**changes: Any) -> dict[str, Any]:
    """A sound plan of three steps: shadow, 10 %, everybody."""
    return {
        "gate": "fixed",
        "steps": [dict(step) for step in STEPS],
        "approvals": {"timeout_seconds": 2700},
        **changes,
    }


def asking_plan(**changes: Any) -> dict[str, Any]:
    """The same, with a question after the canary."""
    steps = [dict(step) for step in STEPS]
    steps[1]["approval"] = True
    return a_plan(steps=steps, **changes)


def healthy(step: int, seconds: float) -> Evidence:
    """Enough good evidence at any of the three steps: 2,000 requests, the share as configured."""
    served = (0, 200, 2000)[step]
    shadow = 0 if step == len(STEPS) - 1 else 2000 - served
    return Evidence(
        control=ArmCounts(requests=2000 - served, p95_ms=20.0),
        candidate=ArmCounts(requests=served, comparisons=served, p95_ms=40.0),
        shadow=ArmCounts(requests=shadow, comparisons=shadow, p95_ms=40.0),
        alarms=dict.fromkeys(GUARDS, "OK"),
        until=seconds,
    )


def _one_in_ten_fails(arm: ArmCounts) -> ArmCounts:
    return replace(arm, errors=arm.requests // 10, discordant_errors=arm.requests // 10)


def failing_at(step: int) -> Observe:
    """Healthy but for a candidate that fails one read in ten at `step`."""

    def observe(at: int, seconds: float) -> Evidence:
        evidence = healthy(at, seconds)
        if at != step:
            return evidence
        if not evidence.candidate.requests:
            return replace(evidence, shadow=_one_in_ten_fails(evidence.shadow))
        return replace(evidence, candidate=_one_in_ten_fails(evidence.candidate))

    return observe


def silent(house: House, world: World) -> None:
    """Nobody answers."""


def answering(word: str) -> People:
    """Somebody answers as the CLI does: the table keeps it, then the token is ended."""

    def answer(house: House, world: World) -> None:
        request = world.table.request(RAMP)
        assert request is not None
        by, reason = "ada", "I looked at it"
        if world.table.answer(RAMP, request["request_id"], word, by, reason, world.now()):
            world.executions.answer(request["token"], {"answer": word, "by": by, "reason": reason})

    return answer


@dataclass
class Run:
    """One execution and the house it ran in; `world` is what its tasks saw."""

    observe: Observe = healthy
    people: People = silent
    guard: Callable[[Any], Any] = lambda adapter: adapter
    wrap: Callable[[str, Task], Task] = lambda function, task: task
    house: House = field(init=False)
    execution: Execution = field(init=False)

    def __post_init__(self) -> None:
        self.house = House(FakeMetrics(self.observe))

    def go(self, plan: Any, ramp: str = RAMP) -> Execution:
        """Run the machine to its end, then what EventBridge does when an execution fails."""
        house, world = self.house, self.house.world(self.guard)
        machine = Machine(
            DEFINITION,
            {function: self.wrap(function, self._task(task, world)) for function, task in TASKS.items()},
            house.clock.pass_seconds,
            self._await_token,
            house.executions.waiting.add,
        )
        arn = f"{MACHINE}:{ramp}"
        house.executions.statuses[arn] = "RUNNING"
        self.execution = machine.run(ramp, arn, json.loads(json.dumps(plan)))
        house.executions.statuses[arn] = self.execution.status
        return self.execution

    def catch_in_the_net(self) -> dict[str, Any]:
        """What `huntaze-cleanup` does with the event of an execution that failed."""
        return net.cleanup({"detail": {"status": "FAILED", "executionArn": ARN}}, self.house.world())

    def assert_settled(self) -> None:
        """Traffic at a promoted 100 % or at 0, never a split; lock free, schedule gone, nobody asked."""
        house, position = self.house, self.house.world().traffic.read()
        promoted = house.table.ramps.get(RAMP, {}).get("status") == "promoted"
        assert position.alias.is_whole
        assert position.setting.shadow is None
        assert position.setting.is_whole is promoted
        assert promoted or (position.setting == OFF and position.alias.version == "1")
        assert house.table.lock(FLAG) is None
        assert house.deadline.schedules == {}
        assert house.table.request(RAMP) is None

    def looks(self) -> list[dict[str, Any]]:
        """The documents of every look."""
        return [look["document"] for look in self.house.table.looks(RAMP)]

    def _task(self, task: Callable[[Mapping[str, Any], World], dict[str, Any]], world: World) -> Task:
        def invoke(payload: Any) -> Any:
            self.house.clock.pass_seconds(TASK_SECONDS)
            return task(payload, world)

        return invoke

    def _await_token(self, token: str, timeout_seconds: float) -> tuple[str, Any] | None:
        executions = self.house.executions
        if token not in executions.outcomes:
            self.people(self.house, self.house.world())
        executions.waiting.discard(token)
        return executions.outcomes.get(token)
