"""Two at once: at each call of a task somebody else makes so many calls, the task ends, and then they go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.sweep.faults import Fault, Kind
from tests.sweep.memory.aws import Call, Effect
from tests.sweep.stage import Script, Stage
from tests.sweep.sweeping import Count, struck, without_a_fault
from tests.sweep.walker import FAR, Walker

Act = Callable[[Stage], None]


@dataclass(frozen=True)
class Meeting:
    """What befalls the call: `act` gets as far as `calls` calls, and to its end when the task is over."""

    act: Act
    calls: int

    def __call__(self, stage: Stage, call: Call, effect: Effect) -> Any:
        walker = Walker(stage, lambda: self.act(stage))
        walker.walk(self.calls)
        stage.after_this.append(walker.walk_to_the_end)
        return effect()


def overtaken(stage: Stage, call: Call, effect: Effect) -> Any:
    """A person mends what a slow clean-up is at and starts the next ramp, which gets as far as its canary meanwhile."""

    def act() -> None:
        stage.doctor()
        stage.start_another()

    walker = Walker(stage, act)

    def is_at_its_canary() -> bool:
        return stage.adapter.get("ramp") not in {None, stage.ramp}

    while not (walker.ended or is_at_its_canary()):
        walker.walk(FAR)
    stage.after_this.append(walker.walk_to_the_end)
    return effect()


def overtakings(script: Script) -> Count:
    """One ramp for each call of its clean-up."""
    plain = without_a_fault(script)
    count = Count()
    for at in [number for number, (name, _, _) in enumerate(plain.calls, start=1) if name == "cleanup"]:
        stage, found = struck(plain, Fault(Kind("overtaken", overtaken), at))
        count.add(f"{script.name}, cleanup overtaken at call {at} {plain.calls[at - 1][1]}", stage, found)
    return count


def race(script: Script, function: str, act: Act, every: int = 1) -> Count:
    """One ramp for each call of `function` and each call of `act`, or for one in `every` of these pairs."""
    plain = without_a_fault(script)
    at = [number for number, (name, _, _) in enumerate(plain.calls, start=1) if name == function]
    count = Count()
    pairs = [(first, calls) for first in at for calls in range(calls_of(plain, at[-1], act) + 1)]
    for first, calls in pairs[::every]:
        stage, found = struck(plain, Fault(Kind("meeting", Meeting(act, calls)), first))
        count.add(f"{script.name}, {function} at call {first} meets {calls} calls", stage, found)
    return count


def calls_of(plain: Stage, at: int, act: Act) -> int:
    """How many calls `act` makes when nobody else does."""
    made = 0

    def counted(stage: Stage, call: Call, effect: Effect) -> Any:
        before = len(stage.calls)
        act(stage)
        nonlocal made
        made = len(stage.calls) - before
        return effect()

    struck(plain, Fault(Kind("count", counted), at))
    return made
