"""A ramp that breaks anywhere still ends safe: every call to the world fails once, or from then on, in turn.

The calls of one healthy ramp are counted first; then the ramp runs again for each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from ramp.core.flag_document import OFF
from ramp.errors import AwsUnavailable
from rampctl.rehearsal.machine import Task, TaskError
from rampctl.rehearsal.stage import TASKS

from tests.statemachine.ramp_run import Run, a_plan, answering, asking_plan, failing_at, healthy

LONE_STEP = [{"percent": 10, "bake_seconds": 60, "approval": True}, {"percent": 100, "bake_seconds": 60}]


class BrokenError(Exception):
    """A fault that no retry names."""


@dataclass
class Saboteur:
    """Counts the calls to adapters and raises at one of them: before it has its effect, or after."""

    at: int
    error: type[Exception]
    after: bool = False
    calls: int = 0

    def guard(self, adapter: Any) -> Any:
        saboteur = self

        class Guarded:
            def __getattr__(self, name: str) -> Callable[..., Any]:
                def call(*args: Any, **kwargs: Any) -> Any:
                    saboteur.calls += 1
                    strikes = saboteur.calls == saboteur.at
                    if strikes and not saboteur.after:
                        raise saboteur.error(f"call {saboteur.at}, {name}")
                    result = getattr(adapter, name)(*args, **kwargs)
                    if strikes:
                        raise saboteur.error(f"after call {saboteur.at}, {name}")
                    return result

                return call

        return Guarded()


SCENES: dict[str, Callable[[Saboteur], Run]] = {
    "promoted": lambda saboteur: Run(observe=_two_steps, people=answering("approve"), guard=saboteur.guard),
    "rolled back": lambda saboteur: Run(observe=_two_steps, people=answering("reject"), guard=saboteur.guard),
}


def _two_steps(step: int, seconds: float) -> Any:
    return healthy(step + 1, seconds)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("lever", ["flag", "alias"])
@pytest.mark.parametrize("after", [False, True], ids=["before its effect", "after its effect"])
@pytest.mark.parametrize("error", [AwsUnavailable, BrokenError])
def test_a_ramp_settles_whichever_call_fails(scene: str, lever: str, error: type[Exception], *, after: bool) -> None:
    """Traffic is settled by the machine itself or, where the machine could not, by the net that EventBridge calls."""
    plan = a_plan(steps=LONE_STEP, lever=lever, candidate_version="2" if lever == "alias" else "")
    plan["approvals"] = {"timeout_seconds": 900}
    whole = Saboteur(0, error)
    SCENES[scene](whole).go(plan)
    assert whole.calls > 30
    for at in range(1, whole.calls + 1):
        run = SCENES[scene](Saboteur(at, error, after=after))
        execution = run.go(plan)
        if execution.status == "FAILED":
            run.catch_in_the_net()
        run.assert_settled()


@pytest.mark.parametrize("name", ["AwsUnavailable", "TrafficNotShifted", "Lambda.ServiceException"])
@pytest.mark.parametrize("function", TASKS)
def test_a_passing_trouble_is_retried_in_every_state(function: str, name: str) -> None:
    """Twice in a row, and the ramp goes its way."""
    run = Run(observe=failing_at(2) if function == "${RollBackFunctionArn}" else healthy, people=answering("approve"))
    run.wrap = raising(function, name, times=2)
    run.go(asking_plan())
    assert run.execution.error == ("RolledBack" if function == "${RollBackFunctionArn}" else ""), run.execution
    run.assert_settled()


@pytest.mark.parametrize("name", ["BrokenError", "States.Timeout", "TrafficMoved", "Lambda.Unknown"])
@pytest.mark.parametrize("function", [function for function in TASKS if "RollBack" not in function])
def test_a_trouble_that_stays_ends_at_zero_or_at_the_whole(function: str, name: str) -> None:
    """Each state but Roll Back fails for ever; the reason names what went wrong."""
    run = Run(people=answering("approve"))
    run.wrap = raising(function, name)
    run.go(asking_plan())
    expected = {"${PrepareFunctionArn}": "RampRefused", "${CleanUpFunctionArn}": "CleanUpFailed"}
    assert run.execution.error == expected.get(function, "RolledBack"), run.execution
    if run.execution.error != "RolledBack":
        run.catch_in_the_net()
    run.assert_settled()


def test_a_rollback_that_fails_says_so_and_the_net_settles() -> None:
    """Rollback Failed is an ending of its own; EventBridge hands it to huntaze-cleanup."""
    run = Run(observe=failing_at(1))
    run.wrap = raising("${RollBackFunctionArn}", "BrokenError")
    assert run.go(a_plan()).error == "RollbackFailed"
    assert "BrokenError" in run.execution.cause
    assert run.house.world().traffic.read().setting != OFF
    assert run.catch_in_the_net()["outcome"] == "settled"
    run.assert_settled()


def raising(function: str, name: str, times: int = 1_000_000) -> Callable[[str, Task], Task]:
    """Wraps the task of `function` so that it fails with `name`, `times` times."""
    left = times

    def wrap(named: str, task: Task) -> Task:
        def invoke(payload: Any) -> Any:
            nonlocal left
            if left > 0:
                left -= 1
                raise TaskError(name, "on purpose")
            return task(payload)

        return invoke if named == function else task

    return wrap
