"""Many rehearsals at once: the real core without the machine and the tasks around it, a process for each processor.

One look is one bucket, and a check is its verdict without its sentence. A test holds a run of this to the same run of
the machine, where looks are as long as periods.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple, cast

import numpy as np
from ramp.core import gate
from ramp.core.check import Check, Consequence
from ramp.core.flag_document import setting_for
from ramp.core.judge import policy_of, position_of
from ramp.core.plan import Plan
from ramp.core.sequential_checks import judgements, share_verdict
from ramp.core.sequential_gate import GateState, fold
from ramp.core.state import Question, RampState
from ramp.core.verdict import APPROVAL, Action, Answer, Command, Decision, Verb, decide

from rampctl.rehearsal.dealing import Counts, Setting
from rampctl.rehearsal.fakes import START
from rampctl.rehearsal.scene import Scene
from rampctl.rehearsal.simulation import OFF, bucket_of, setting_of

CHUNK = 4


class Ending(NamedTuple):
    """How one rehearsal ended; `failures` are the candidate's of users' requests, `seen` those that users saw.

    `doubts` are the questions that the plan does not ask by itself.
    """

    outcome: str
    seconds: float
    failures: int
    seen: int
    questions: int
    doubts: int


def run(scene: Scene, seeds: Sequence[int], token_seconds: float) -> Iterator[Ending]:
    """The endings, in the order of `seeds`; `token_seconds` is how long the machine waits for one token.

    `scene.plan` asks for the sequential gate.
    """
    workers = max(1, min(len(seeds), len(os.sched_getaffinity(0))))
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(partial(end, scene, token_seconds), seeds, chunksize=CHUNK)


def end(scene: Scene, token_seconds: float, seed: int) -> Ending:
    """One ramp, from the first shadow read to its end."""
    ramp = _Ramp(scene, seed)
    while True:
        ramp.wait(ramp.state.look_seconds)
        decision = ramp.look(None)
        while decision.action is Action.ASK:
            decision = ramp.look(ramp.ask(token_seconds))
        if decision.action in {Action.PROMOTE, Action.ROLL_BACK}:
            return ramp.ending("promoted" if decision.action is Action.PROMOTE else "rolled back")
        if decision.action in {Action.ADVANCE, Action.CALIBRATE}:
            ramp.shift(is_next=decision.action is Action.ADVANCE)


class _Ramp:
    """What the tasks and the table hold of one ramp."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self._scene, self._plan = scene, scene.plan
        self._policy = policy_of(self._plan)
        self._simulation, self._users = scene.simulation(seed), scene.users(seed)
        history = self._simulation.history(START)
        enough = history.requests >= self._plan.gates.min_requests
        self.state = _knowing(self._plan)(
            ramp=scene.name(seed),
            execution_arn="",
            raw_plan=scene.raw_plan,
            alias_version="1",
            started_at=START,
            control_p95_ms=history.p95_ms if enough else None,
        )
        self._gate = GateState.begin(history.buckets)
        self._read, self._served = 0, 0
        self._abort: Command | None = None
        self._asked: dict[str, Question] = {}
        self._setting = OFF
        self.shift(is_next=False)

    @property
    def _now(self) -> float:
        return START + self._simulation.now

    def shift(self, *, is_next: bool) -> None:
        """Shift Traffic."""
        state = (self.state.at_next_step() if is_next else self.state).shifted(self._now)
        self.state, self._served = state, self._served * (not is_next)
        self._setting = self._as_set(state)

    def wait(self, seconds: float) -> None:
        """Let time pass; a guard that goes off pulls the brake."""
        until = self._simulation.now + seconds
        while self._simulation.now < until:
            if alarm := self._simulation.pass_seconds(until - self._simulation.now, self._setting):
                self._abort = Command(Verb.ABORT, self.state.step, f"alarm {alarm}", "3 of 5 minutes")
                self._setting = OFF

    def look(self, answer: Answer | None) -> Decision:
        """Measure."""
        now, plan = self._now, self._plan
        self._fold((now - plan.evidence.delay_seconds) // plan.evidence.period_seconds * plan.evidence.period_seconds)
        rows = judgements(self._gate, position := position_of(plan, self.state.step), self._policy)
        checks = [Check(row.name, row.verdict, row.consequence, "") for row in rows]
        checks.append(Check("share", share_verdict(self._gate, position, self._policy)[0], Consequence.ASK, ""))
        if self._simulation.guarded:
            checks += gate.alarm_checks(self._simulation.guards.states())
        enough = self._served >= plan.gates.min_requests
        looked = self.state.looked(now, self._scene.control.p95_at(self._simulation.now) if enough else None)
        decision = decide(looked, checks, now=now, answer=answer, command=self._abort)
        self.state = decision.state
        return decision

    def ask(self, token_seconds: float) -> Answer | None:
        """Ask For Decision: wait for the answer, but no longer than for one token."""
        question = self.state.question
        if question is None:
            raise RuntimeError("nothing is asked")
        self._asked[question.request_id] = question
        due = question.asked_at + self._scene.answer_seconds - self._now
        answers = self._scene.answer != "none" and due < token_seconds
        self.wait(max(0.0, due) if answers else token_seconds)
        return Answer(self._scene.answer == "approve", "the rehearsal", "told to") if answers else None

    def ending(self, outcome: str) -> Ending:
        """How it ended, now."""
        counted = self._simulation.counted()
        return Ending(
            outcome,
            self._simulation.now,
            counted["candidate_errors"],
            counted["candidate_user_errors"],
            len(self._asked),
            sum(question.causes != (APPROVAL,) for question in self._asked.values()),
        )

    def _fold(self, until: float) -> None:
        """All that has become visible of this step, as one bucket."""
        cells, at = self._simulation.cells, 0.0
        rows: list[Counts] = []
        while self._read < len(cells) and START + cells[self._read].until <= until:
            cell = cells[self._read]
            self._read += 1
            if cell.step == self.state.step:
                at = at if rows else cell.at
                rows.append(cell.row)
        if rows:
            row = np.sum(rows, axis=0)
            seconds = cells[self._read - 1].until - at
            bucket = bucket_of(START + at, seconds, self.state.step, row)
            bucket = bucket._replace(share_ppm=self.state.current.share_ppm)
            self._served += bucket.control_requests
            self._gate = fold(self._gate, (bucket,), self._policy, until=bucket.end)

    def _as_set(self, state: RampState) -> Setting:
        return setting_of(setting_for(state), state.current.share_ppm, self._users)


def _knowing(plan: Plan) -> type[RampState]:
    """States of this one plan: parsing it again at every question would take longer than the ramp."""
    return cast("type[RampState]", type("RampState", (RampState,), {"plan": plan}))
