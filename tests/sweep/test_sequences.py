"""Random sequences of everything that can happen to a ramp, between any two calls that it makes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from ramp.core.evidence import ArmCounts, Evidence
from ramp.core.verdict import Verb
from rampctl.rehearsal.fakes import GUARDS

from tests.statemachine.ramp_run import failing_at, healthy
from tests.sweep.faults import KINDS, Fault
from tests.sweep.invariants import ALWAYS, AT_AN_ENDING, ONCE_THE_NET_WAS_TOLD, violations
from tests.sweep.scripts import a_plan
from tests.sweep.stage import Script, Stage
from tests.sweep.walker import FAR, Walker

PASSING = [kind for name, kind in KINDS.items() if not kind.stays and "meanwhile" not in name and "stopped" not in name]
MOST_TURNS = 40


def evidence_of(kinds: tuple[str, ...]) -> Any:
    """Evidence by step: sound, failing, or none at all."""

    def observe(step: int, seconds: float) -> Evidence:
        match kinds[step]:
            case "sound":
                return healthy(step, seconds)
            case "failing":
                return failing_at(step)(step, seconds)
        return Evidence(ArmCounts(), ArmCounts(), ArmCounts(), dict.fromkeys(GUARDS, "OK"), seconds)

    return observe


class Sequences(RuleBasedStateMachine):
    """One ramp, and everybody who may do something to it."""

    walker: Walker
    stage: Stage

    @initialize(
        lever=st.sampled_from(["flag", "alias"]),
        asks=st.booleans(),
        evidence=st.tuples(*[st.sampled_from(["sound", "sound", "sound", "failing", "none"])] * 3),
        on_timeout=st.sampled_from(["roll_back", "hold"]),
    )
    def start(self, lever: str, asks: bool, evidence: tuple[str, ...], on_timeout: str) -> None:
        plan = a_plan(lever, asks=asks)
        plan["approvals"]["on_timeout"] = on_timeout
        unsound = frozenset(step for step, kind in enumerate(evidence) if kind != "sound")
        self.stage = Stage(Script("random", plan, evidence_of(evidence), unsound=unsound))
        self.stage.aws.validates = False
        self.walker = Walker(self.stage, self.stage.run)

    @rule(calls=st.integers(1, 40))
    def it_makes_some_calls(self, calls: int) -> None:
        self.walker.walk(calls)

    @rule()
    def it_goes_on_to_the_next_bake_or_question(self) -> None:
        self.walker.walk(FAR)

    @rule()
    def an_alarm_goes_off(self) -> None:
        self.stage.alarm()

    @rule()
    def a_person_aborts(self) -> None:
        self.stage.abort()

    @rule(word=st.sampled_from(["approve", "reject"]), via=st.sampled_from(["cli", "link"]))
    def a_person_answers(self, word: str, via: str) -> None:
        self.stage.answer(word, via)

    @rule(verb=st.sampled_from([Verb.PAUSE, Verb.RESUME, Verb.ADVANCE]))
    def a_person_says(self, verb: Verb) -> None:
        self.stage.say(verb)

    @rule()
    def somebody_starts_another(self) -> None:
        self.stage.start_another()

    @rule()
    def the_daily_rule_comes_by(self) -> None:
        self.stage.deliver("cleanup", {})

    @rule()
    def an_old_deadline_comes_late(self) -> None:
        self.stage.deliver("cleanup", {"deadline_of": "ramp-0"})

    @rule(times=st.integers(1, 2))
    def a_person_undoes(self, times: int) -> None:
        """Before a promotion too, after it, and twice."""
        for _ in range(times):
            self.stage.undo()

    @rule(repair=st.booleans())
    def a_person_calls_the_doctor(self, repair: bool) -> None:
        self.stage.doctor(repair=repair)

    @rule()
    def somebody_stops_the_execution(self) -> None:
        self.stage.stop()

    @precondition(lambda self: self.walker.ended)
    @rule()
    def the_end_is_told_again(self) -> None:
        self.stage.tell_the_net(self.stage.ramp, again=True)

    @rule(seconds=st.sampled_from([1.0, 60.0, 3600.0, 86_400.0]))
    def time_passes(self, seconds: float) -> None:
        self.stage.pass_seconds(seconds)

    @precondition(lambda self: self.stage.fault is None)
    @rule(kind=st.sampled_from(PASSING), after=st.integers(1, 30))
    def a_call_will_fail(self, kind: Any, after: int) -> None:
        self.stage.fault = Fault(kind, after)

    @invariant()
    def promises_hold(self) -> None:
        if found := violations(self.stage, ALWAYS):
            raise AssertionError("\n".join(found))

    def teardown(self) -> None:
        """Whatever happened, it ends, and ends safe."""
        if not hasattr(self, "walker"):
            return
        try:
            self._end()
        finally:
            self.walker.drop()

    def _end(self) -> None:
        for _ in range(MOST_TURNS):
            if self.walker.ended:
                break
            self.stage.say(Verb.RESUME)
            self.walker.walk(FAR)
        else:
            self.stage.stop()  # held for ever by a question that nobody answers, as the plan says
            self.walker.walk(FAR)
        self.stage.fault = None
        self.stage.tell_the_net(self.stage.ramp)
        self.stage.pass_seconds(3600)
        waits = self.stage.unfinished or self.stage.left_behind  # what a person began and left is the daily rule's
        due = () if waits else AT_AN_ENDING
        if found := violations(self.stage, (*ALWAYS, *ONCE_THE_NET_WAS_TOLD, *due)):
            raise AssertionError("\n".join(found))
        self.stage.a_day_passes()
        if found := violations(self.stage, (*ALWAYS, *AT_AN_ENDING, *ONCE_THE_NET_WAS_TOLD)):
            raise AssertionError("a day later:\n" + "\n".join(found))


TestSequences = pytest.mark.filterwarnings("ignore")(Sequences.TestCase)
TestSequences.settings = settings(
    max_examples=40,
    phases=[Phase.explicit, Phase.generate],
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
