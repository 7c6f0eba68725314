"""The state that travels with an execution, from task to task, as plain JSON under `$ramp`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, Self

from ramp.core import cadence
from ramp.core.plan import Plan, Step


@dataclass(frozen=True)
class Question:
    """What people were asked and have not answered yet; times are epoch seconds."""

    request_id: str
    causes: tuple[str, ...]
    text: str
    asked_at: float


class WayBack(NamedTuple):
    """Where the alias goes back to: `version`, if `candidate` is on it; without a candidate in any case.

    An alias without the version that a ramp moved it to has been moved since, by a code deploy: that is left.
    """

    version: str
    candidate: str = ""


@dataclass(frozen=True)
class RampState:
    """One ramp between two tasks.

    `raw_plan` is the document that people wrote, so that the execution's history shows it;
    `control_p95_ms` is the last good reading of control, for steps at which control serves nobody; `acknowledged` names
    the causes that a person accepted in this step; `limited` says that the flag carries limits of slow drawn from
    control's p95; `past_looks` counts the looks of each step before this one; `shadow_flag` is the flag beside the
    plan's, for a stack that moves neither any more; times are epoch seconds.
    """

    ramp: str
    execution_arn: str
    raw_plan: Mapping[str, Any]
    alias_version: str
    started_at: float
    step: int = 0
    look: int = 0
    step_started_at: float = 0.0
    look_seconds: int = cadence.LOOK_SECONDS_MIN
    control_p95_ms: float | None = None
    acknowledged: tuple[str, ...] = ()
    question: Question | None = None
    limited: bool = False
    past_looks: tuple[int, ...] = ()
    shadow_flag: str = ""

    @cached_property
    def plan(self) -> Plan:
        """The plan, not checked again: Prepare Ramp has proven that it parses, and so does the door of every task."""
        return _recorded(json.dumps(self.raw_plan))

    @property
    def current(self) -> Step:
        """The step that the ramp is at."""
        return self.plan.steps[self.step]

    @property
    def alias_to_restore(self) -> WayBack | None:
        """Where the alias goes back to; None when this ramp never touches the alias."""
        return WayBack(self.alias_version, self.plan.candidate_version) if self.plan.lever == "alias" else None

    def at_next_step(self) -> Self:
        """The state for the next Shift Traffic; what people accepted holds for one step only."""
        looks = (*self.past_looks, self.look)
        begun = replace(self, step=self.step + 1, look=0, past_looks=looks)
        return replace(begun, step_started_at=0.0, acknowledged=(), question=None)

    def shifted(self, now: float) -> Self:
        """The state once the step's setting reads back at `now`; the bake begins, or goes on when only limits came."""
        started_at = self.step_started_at or now
        return replace(
            self,
            step_started_at=started_at,
            look_seconds=self._look_seconds(now - started_at),
            limited=self.control_p95_ms is not None,
        )

    def looked(self, now: float, control_p95_ms: float | None) -> Self:
        """The state after a look at `now`."""
        return replace(
            self,
            look=self.look + 1,
            look_seconds=self._look_seconds(now - self.step_started_at),
            control_p95_ms=self.control_p95_ms if control_p95_ms is None else control_p95_ms,
        )

    def slowed(self, now: float) -> Self:
        """The state of a paused ramp: looks grow rarer whatever the plan says, so that no pause fills the history."""
        rare_seconds = cadence.look_seconds(now - self.step_started_at, shortest=0)
        return replace(self, look_seconds=max(self.look_seconds, rare_seconds))

    def _look_seconds(self, baked_seconds: float) -> int:
        fixed = self.plan.look_seconds
        return cadence.look_seconds(baked_seconds) if fixed is None else fixed

    def to_wire(self) -> dict[str, Any]:
        """Plain JSON for the state machine."""
        shallow = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**shallow, "question": asdict(self.question) if self.question else None}

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """The inverse of `to_wire`."""
        question = wire.get("question")
        return cls(
            **{
                **wire,
                "acknowledged": tuple(wire.get("acknowledged", ())),
                "past_looks": tuple(wire.get("past_looks", ())),
                "question": Question(**{**question, "causes": tuple(question["causes"])}) if question else None,
            }
        )


@lru_cache(maxsize=16)
def _recorded(raw_plan: str) -> Plan:
    """A sandbox meets the same few plans at every look."""
    return Plan.recorded(json.loads(raw_plan))
