"""One run for each call and each kind of fault, and what came of all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from tests.sweep.faults import Fault, Kind
from tests.sweep.invariants import (
    ALWAYS,
    AT_AN_ENDING,
    ONCE_THE_NET_WAS_TOLD,
    traffic_is_at_zero_or_at_a_promoted_whole,
    users_are_safe_whatever_else_fails,
    violations,
)
from tests.sweep.stage import Script, Stage

SETTLED_BY_ITSELF = {"", "RolledBack"}
NOT_SETTLED_BY_ITSELF = {"RollbackFailed"}


@dataclass(frozen=True)
class Share:
    """One in `every`, from `offset` on."""

    every: int
    offset: int = 0


WHOLE = Share(1)
_plain: dict[tuple[str, str], Stage] = {}  # of each script without a fault, which never differ


@dataclass
class Count:
    """Faults tried, endings by kind, and every broken promise with how to get there again."""

    faults: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def add(self, name: str, stage: Stage, found: list[str]) -> None:
        """One more run."""
        self.faults += 1
        execution = stage.executions[stage.ramp]
        self.endings[execution.error or execution.status] += 1
        self.violations += [f"{name}: {how}" for how in found]


def played(script: Script, fault: Fault | None = None, **changes: Any) -> tuple[Stage, list[str]]:
    """Play a script to its end and beyond: the net, twice; a day later the daily rule. Returns what was broken when."""
    stage = Stage(script, fault, **changes)
    execution = stage.run()
    stays = fault is not None and fault.kind.stays
    found = violations(stage, (*ALWAYS, *_due_at_once(execution.status, execution.error, stays=stays)))
    stage.tell_the_net(stage.ramp)
    script.afterwards(stage)
    waits = stage.unfinished or stage.left_behind or stays
    found += violations(stage, (*ONCE_THE_NET_WAS_TOLD, *([] if waits else AT_AN_ENDING)))
    if fault is not None:
        fault.over = True
    stage.clock.pass_seconds(3600)
    stage.tell_the_net(stage.ramp, again=True)
    stage.a_day_passes()
    return stage, found + [f"a day later, {how}" for how in violations(stage, (*ALWAYS, *AT_AN_ENDING))]


def _due_at_once(status: str, error: str, *, stays: bool) -> tuple[Any, ...]:
    """What an ending promises before the net has come by; what a rollback leaves where a call fails for good is its."""
    if status == "ABORTED" or error in NOT_SETTLED_BY_ITSELF:
        return ()
    if stays and error == "RolledBack":
        return (users_are_safe_whatever_else_fails,)
    return AT_AN_ENDING if error in SETTLED_BY_ITSELF else (traffic_is_at_zero_or_at_a_promoted_whole,)


def without_a_fault(script: Script, **changes: Any) -> Stage:
    """The script played to its end as it is meant to go."""
    if changes:
        return played(script, **changes)[0]
    key = script.name, script.plan["lever"]
    if key not in _plain:
        _plain[key] = played(script)[0]
    return _plain[key]


def faults_of(plain: Stage, kind: Kind) -> list[Fault]:
    """Every fault of this kind in this script: one for each call that it suits, of the run without one."""
    first = plain.acted_at or [function for function, _, _ in plain.calls].index(plain.script.swept_from)
    return [
        Fault(kind, at)
        for at, (_, call, answer) in enumerate(plain.calls, start=1)
        if at > first and kind.suits(call, answer)
    ]


def struck(plain: Stage, fault: Fault, **changes: Any) -> tuple[Stage, list[str]]:
    """Play a script with a fault; what comes before the state in which it strikes is taken from the run without."""
    begin = next(saved for saved in reversed(plain.saved) if saved.calls < fault.at)
    return played(plain.script, replace(fault, count=begin.calls), begin=begin, **changes)


def sweep(script: Script, kind: Kind, count: Count, share: Share = WHOLE, **changes: Any) -> None:
    """Play the script once for each fault, or for a `share` of them."""
    plain = without_a_fault(script, **changes)
    for fault in faults_of(plain, kind)[share.offset :: share.every]:
        stage, found = struck(plain, fault, **changes)
        count.add(f"{script.name}, {kind.name}, call {fault.at} {stage.fault and stage.fault.struck}", stage, found)
