"""A state that fails, twice or for ever: what Retry and Catch of the definition make of it.

That every single call may fail is tests/sweep's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ramp.core.flag_document import OFF
from rampctl.rehearsal.machine import Task, TaskError
from rampctl.rehearsal.stage import TASKS

from tests.statemachine.ramp_run import DEFINITION, FLAG, Run, a_plan, answering, asking_plan, failing_at, healthy


@pytest.mark.parametrize(
    "name", ["AwsUnavailable", "TrafficNotShifted", "Lambda.ServiceException", "Lambda.Unknown", "Sandbox.Timedout"]
)
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


@pytest.mark.parametrize("function", ["${ShiftFunctionArn}", "${PromoteFunctionArn}"])
def test_a_healthy_ramp_waits_for_somebody_elses_deployment(function: str) -> None:
    """And goes on where it was; a quarter of an hour outlasts the ten minutes that AppConfig's AllAtOnce bakes."""
    run = Run()
    run.wrap = raising(function, "LeverBusy", times=39)
    assert run.go(a_plan()).status == "SUCCEEDED", run.execution
    state = next(s for s in DEFINITION["States"].values() if s.get("Arguments", {}).get("FunctionName") == function)
    busy = next(retrier for retrier in state["Retry"] if retrier["ErrorEquals"] == ["LeverBusy"])
    longest = [
        min(busy["IntervalSeconds"] * busy["BackoffRate"] ** attempt, busy["MaxDelaySeconds"])
        for attempt in range(busy["MaxAttempts"])
    ]
    assert sum(longest) / 2 > 15 * 60  # full jitter: each is anything from nought to its longest


def test_a_rollback_that_fails_says_so_and_the_net_settles() -> None:
    """Rollback Failed is an ending of its own; EventBridge hands it to huntaze-cleanup."""
    run = Run(observe=failing_at(1))
    run.wrap = raising("${RollBackFunctionArn}", "BrokenError")
    assert run.go(a_plan()).error == "RollbackFailed"
    assert "BrokenError" in run.execution.cause
    assert run.house.world().traffic.read().setting != OFF
    assert run.catch_in_the_net()["outcome"] == "settled"
    run.assert_settled()


def test_a_rollback_whose_remains_cannot_be_removed_is_rolled_back_all_the_same() -> None:
    """Traffic reads back at zero, so nobody is told otherwise; the lock is kept for the net, which removes the rest."""
    run = Run(observe=failing_at(1))
    remove = run.house.deadline.remove

    def denied(ramp: str) -> None:
        raise RuntimeError("denied")

    run.house.deadline.remove = denied  # type: ignore[method-assign]  # for a while
    assert run.go(a_plan()).error == "RolledBack"
    assert "reads back at 0 %" in run.execution.cause
    assert "something is left: denied" in run.execution.cause
    assert run.house.world().traffic.setting() == OFF
    assert run.house.table.lock(FLAG) is not None
    run.house.deadline.remove = remove  # type: ignore[method-assign]  # and back
    run.catch_in_the_net()
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
