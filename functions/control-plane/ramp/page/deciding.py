"""The decision: the evidence judged anew, by the code that judges it at every look, before a person's yes counts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, Protocol

from ramp import words
from ramp.adapters.metrics import Metrics
from ramp.adapters.table import RampTable
from ramp.core.check import Check, Verdict
from ramp.core.judge import judge
from ramp.core.verdict import Action, Answer, Command, Decision, decide
from ramp.page.desk import Desk
from ramp.page.records import Records

Via = Literal["page", "link"]
SEEN_LENGTH = 16
# Requests served, and the slow ones among them, grow every minute however sound the candidate is: verdicts alone count.
COME_WITH_TRAFFIC = frozenset({"share", "latency", "shadow latency"})


@dataclass(frozen=True)
class Appraisal:
    """What a yes would lead to if it were said now; `seen` names what a person sees, so that a change is noticed."""

    checks: tuple[Check, ...]
    decision: Decision
    causes: tuple[str, ...]

    @property
    def seen(self) -> str:
        """A digest of every verdict, and of what failed or differed; see `COME_WITH_TRAFFIC`."""
        shown = [
            (check.name, check.verdict, None if check.name in COME_WITH_TRAFFIC else check.numbers.events)
            for check in self.checks
        ]
        return sha256(json.dumps(shown).encode()).hexdigest()[:SEEN_LENGTH]

    @property
    def refusal(self) -> str | None:
        """Why a yes cannot be taken: something is wrong now that was not asked about; None when it can."""
        action, question = self.decision.action, self.decision.state.question
        if action is Action.ROLL_BACK:
            return self.decision.reason
        if action is Action.ASK and question is not None:
            worse = [cause for cause in question.causes if cause.endswith(Verdict.FAIL) and cause not in self.causes]
            return self.decision.reason if worse else None
        return None

    @property
    def if_yes(self) -> str:
        """What follows a yes, for people."""
        state, steps = self.decision.state, self.decision.state.plan.steps
        match self.decision.action:
            case Action.ADVANCE:
                return f"the next step is {steps[state.step + 1].title} of users"
            case Action.PROMOTE:
                return "the candidate is promoted and keeps every user"
            case Action.ROLL_BACK:
                return "none that counts, since the ramp rolls back"
            case Action.ASK:
                return "the ramp asks about what is still open"
            case _:
                return "the ramp goes on watching this step"

    def shown(self) -> list[Mapping[str, Any]]:
        """The checks as a look's record has them."""
        return [check.to_wire() for check in self.checks]


class Sources(Protocol):
    """Where the evidence and what the gate has kept of it are read: the page's desk, or the world of the command."""

    @property
    def metrics(self) -> Metrics:
        """What CloudWatch counted."""

    @property
    def table(self) -> RampTable:
        """The ramp table."""


def appraise(desk: Sources, records: Records, now: float) -> Appraisal:
    """Judge the evidence as of `now`, and what an approval would lead to."""
    state = records.state
    evidence = desk.metrics.evidence(state.ramp, state.step, state.step_started_at, now, state.plan.evidence)
    found = judge(state, evidence, desk.table.gate(state.ramp), now)
    command = Command.parse(records.command) if records.command else None
    decision = decide(state, found.checks, now=now, answer=Answer(True, "you", "as shown"), command=command)
    causes: Sequence[str] = state.question.causes if state.question else ()
    return Appraisal(found.checks, decision, tuple(causes))


def answer(desk: Desk, records: Records, request_id: str, word: str, by: str, reason: str, *, via: Via) -> bool:
    """Hand a person's word over; returns whether the ramp has it already, or honours it at its next look.

    A no on the page pulls the brake. What links lead to may not, and there the ramp rolls back by itself.

    Raises:
        WordRefusedError: the question was answered by somebody else, or is not asked any more.
    """
    return words.answer(
        desk.table,
        desk.executions,
        records.state.ramp,
        word,
        by=by,
        reason=reason,
        via=via,
        now=desk.now(),
        request_id=request_id,
        brake=desk.brake if via == "page" else None,
    )
