"""Many rehearsals at once: the same ramps to the last count, without the machine and the looks that change nothing.

Prepare Ramp and the decisions are the real ones. Evidence is folded a stretch at a time (stretch.py), and while a step
bakes the checks are asked only where one of them might fail. A test holds runs of this to the same runs of the machine.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from math import log
from typing import Any, NamedTuple, cast

import numpy as np
from ramp import tasks
from ramp.core import gate
from ramp.core.check import Check, Consequence, Missing, Numbers
from ramp.core.flag_document import setting_for
from ramp.core.judge import policy_of, position_of
from ramp.core.judgement import Judgement
from ramp.core.plan import Plan
from ramp.core.sequential_checks import judgements, share_verdict
from ramp.core.sequential_gate import GateState
from ramp.core.state import Question, RampState
from ramp.core.verdict import APPROVAL, Action, Answer, Command, Verb, decide

from rampctl.rehearsal.fakes import GUARDS, START, House
from rampctl.rehearsal.metrics import SimulatedMetrics
from rampctl.rehearsal.scene import Scene
from rampctl.rehearsal.simulation import OFF, Simulation, setting_of
from rampctl.rehearsal.stage import ARN, play
from rampctl.rehearsal.stretch import Stretch

ASK = "Ask For Decision"
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


def run(scene: Scene, seeds: Sequence[int], definition: Mapping[str, Any], jobs: int | None = None) -> Iterator[Ending]:
    """The endings, in the order of `seeds`; `definition` is `statemachine/ramp.asl.json`.

    Stretches are the sequential gate's: ramps of the fixed one are played look by look: slower by a few times.
    `jobs` None is one for each processor.
    """
    workers = max(1, min(len(seeds), jobs or len(os.sched_getaffinity(0))))
    token_seconds = float(definition["States"][ASK]["TimeoutSeconds"])
    is_fixed = scene.plan.gate == "fixed"
    ramp = partial(end_of_play, scene, definition) if is_fixed else partial(end, scene, token_seconds)
    if workers == 1:
        yield from map(ramp, seeds)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(ramp, seeds, chunksize=CHUNK)


def end_of_play(scene: Scene, definition: Mapping[str, Any], seed: int) -> Ending:
    """One ramp of either gate, as the machine plays it."""
    played = play(scene, definition, seed)
    counted = played.simulation.counted()
    doubts = sum(asked["causes"] != [APPROVAL] for asked in played.asked)
    failures = counted["candidate_errors"], counted["candidate_user_errors"]
    return Ending(played.ramp.outcome, played.seconds, *failures, len(played.asked), doubts)


def end(scene: Scene, token_seconds: float, seed: int) -> Ending:
    """One ramp of the sequential gate, from Prepare Ramp to its end; `token_seconds` is how long one token stands."""
    simulation = scene.simulation(seed)
    house = House(SimulatedMetrics(simulation))
    name = scene.name(seed)
    event = {"ramp": name, "execution_arn": ARN + name, "plan": scene.raw_plan}
    prepared = tasks.prepare(event, house.world())
    if prepared["verdict"]["action"] == Action.REFUSE:
        return Ending("refused", 0.0, 0, 0, 0, 0)
    plan = Plan.parse(prepared["ramp"]["raw_plan"])
    state = _knowing(plan).from_wire(prepared["ramp"])
    ramp = _Ramp(scene, seed, simulation, state, GateState.from_wire(house.table.gate(name)))
    while True:
        ramp.wait(ramp.state.look_seconds)
        action = ramp.look(None)
        while action is Action.ASK:
            action = ramp.look(ramp.ask(token_seconds))
        if action in {Action.PROMOTE, Action.ROLL_BACK}:
            return ramp.ending("promoted" if action is Action.PROMOTE else "rolled back")
        if action in {Action.ADVANCE, Action.CALIBRATE}:
            ramp.shift(is_next=action is Action.ADVANCE)


class _Ramp:
    """What the tasks and the table hold of one ramp that has been prepared."""

    def __init__(self, scene: Scene, seed: int, simulation: Simulation, state: RampState, known: GateState) -> None:
        self._scene, self._simulation, self._users = scene, simulation, scene.users(seed)
        self.state, self._evidence = state, _Evidence(simulation, state.plan, known)
        self._abort: Command | None = None
        self._asked: dict[str, tuple[Question, float]] = {}  # and when people heard of it
        self._setting = OFF
        self.shift(is_next=False)

    @property
    def _now(self) -> float:
        return START + self._simulation.now

    def shift(self, *, is_next: bool) -> None:
        """Shift Traffic."""
        self.state = (self.state.at_next_step() if is_next else self.state).shifted(self._now)
        self._evidence.shifted(self.state.step)
        self._setting = setting_of(setting_for(self.state), self.state.current.share_ppm, self._users)

    def wait(self, seconds: float) -> None:
        """Let time pass; a guard that goes off pulls the brake."""
        until = self._simulation.now + seconds
        while self._simulation.now < until:
            if alarm := self._simulation.pass_seconds(until - self._simulation.now, self._setting):
                self._abort = Command(Verb.ABORT, self.state.step, f"alarm {alarm}", "3 of 5 minutes")
                self._setting = OFF

    def look(self, answer: Answer | None) -> Action:
        """Measure."""
        now, plan = self._now, self.state.plan
        self._evidence.read(self._simulation.now)
        enough = self._evidence.served >= plan.gates.min_requests
        looked = self.state.looked(now, self._scene.control.p95_at(self._simulation.now) if enough else None)
        if self._is_quiet(looked, answer, now):
            self.state = looked
            return Action.EXTEND
        known, position = self._evidence.known(), position_of(plan, looked.step)
        rows = judgements(known, position, self._evidence.policy)
        checks = [Check(row.name, row.verdict, row.consequence, "", _numbers(row)) for row in rows]
        verdict, _, silent_seconds = share_verdict(known, position, self._evidence.policy, self._evidence.until)
        total = Numbers(trials=known.step.control + known.step.candidate, silent_seconds=silent_seconds)
        checks.append(Check("share", verdict, Consequence.ASK, "", total))
        checks += gate.alarm_checks(dict.fromkeys(GUARDS, "OK"))  # one that is not has aborted the ramp
        step = known.step
        requests = step.control + step.candidate if step.step == looked.step else 0
        checks += gate.misrouted_checks(0, requests)
        decision = decide(looked, checks, now=now, answer=answer, command=self._abort)
        self.state = decision.state
        return decision.action

    def ask(self, token_seconds: float) -> Answer | None:
        """Ask For Decision: wait for the answer, but no longer than for one token."""
        question = self.state.question
        if question is None:
            raise RuntimeError("nothing is asked")
        _, asked_at = self._asked.setdefault(question.request_id, (question, self._now))
        due = asked_at + self._scene.answer_seconds - self._now
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
            sum(question.causes != (APPROVAL,) for question, _ in self._asked.values()),
        )

    def _is_quiet(self, looked: RampState, answer: Answer | None, now: float) -> bool:
        """Whether the step bakes on whatever the checks say: none can have failed, and nobody has said anything."""
        if answer is not None or self._abort is not None or looked.question is not None:
            return False
        calibrates = looked.control_p95_ms is not None and not looked.limited
        bakes = now - looked.step_started_at < looked.current.bake_seconds
        return bakes and not calibrates and not self._evidence.is_suspicious


class _Evidence:
    """What the looks of one ramp have read: periods of the present step, and what the gate makes of them."""

    def __init__(self, simulation: Simulation, plan: Plan, known: GateState) -> None:
        self.policy = policy_of(plan)
        self._simulation, self._plan, self._known = simulation, plan, known
        self._step, self._after, self._dealt_until, self._served = 0, 0.0, 0.0, 0
        self.until = START
        self._stretch: Stretch | None = None
        self._count = 0  # periods of the stretch that have been read
        budgets = (value for name, value in self.policy._asdict().items() if name.startswith("alpha_"))
        self._suspicious, self._was_suspicious = -log(max(budgets)), False
        self._highest = np.empty(0)

    def shifted(self, step: int) -> None:
        """A setting has been made: what was dealt ahead will not come to pass."""
        self._keep()
        if step != self._step:
            self._step, self._served = step, 0

    def read(self, now: float) -> None:
        """All that is visible at `now`, in seconds since the ramp began."""
        settings = self._plan.evidence
        until = (now - settings.delay_seconds) // settings.period_seconds * settings.period_seconds
        self.until = START + until
        if until > self._dealt_until:
            self._keep()
            self._look_ahead(settings.period_seconds)
        if self._stretch:
            self._count = int(np.searchsorted(self._stretch.ends, START + until, "right"))

    @property
    def served(self) -> int:
        """Requests that control has served at this step."""
        return self._served + (self._stretch.control_requests(self._count) if self._stretch else 0)

    @property
    def is_suspicious(self) -> bool:
        """Whether any check may have failed, at this look or before."""
        return self._was_suspicious or (bool(self._count) and bool(self._highest[self._count - 1] >= self._suspicious))

    def known(self) -> GateState:
        """The gate after all that has been read."""
        return self._stretch.state(self._count) if self._stretch else self._known

    def _keep(self) -> None:
        """Keep what has been read, and forget the rest."""
        self._served, self._known, self._was_suspicious = self.served, self.known(), self.is_suspicious
        if self._stretch and self._count:
            self._after = float(self._stretch.ends[self._count - 1]) - START
        self._stretch, self._count, self._dealt_until = None, 0, -1.0

    def _look_ahead(self, period: float) -> None:
        starts, rows = self._simulation.periods(self._step, period, self._after)
        self._dealt_until = self._simulation.chunks[-1].end // period * period
        if len(starts):
            share_ppm = self._plan.steps[self._step].share_ppm
            self._stretch = Stretch(self._known, START + starts, period, self._step, share_ppm, rows, self.policy)
            self._highest = self._stretch.highest()


def _numbers(row: Judgement) -> Numbers:
    """Those that decide."""
    return Numbers(trials=row.tally.trials, missing=Missing.NOT_SEEN if row.unseen else None)


def _knowing(plan: Plan) -> type[RampState]:
    """States of this one plan: parsing it again at every question would take longer than the ramp."""
    return cast("type[RampState]", type("RampState", (RampState,), {"plan": plan}))
