"""A sweep that cannot fail proves nothing: each bug planted here must break the promise that it breaks in earnest."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from ramp import answers, ending, handlers, tasks
from ramp.adapters.flag_lever import FlagLever, nothing
from ramp.adapters.table import RampTable
from ramp.core.state import RampState
from ramp.core.verdict import Action, decide
from ramp.ledger import lock_of, record
from ramp.traffic import Position, Traffic

from tests.statemachine.ramp_run import DEFINITION
from tests.sweep.faults import KINDS, answered
from tests.sweep.races import overtakings, race
from tests.sweep.scripts import questions, scripts
from tests.sweep.stage import Stage
from tests.sweep.sweeping import Count, Share, played, sweep

FLAG = scripts("flag")


@pytest.fixture(autouse=True)
def nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run without a fault has the bug too, and no other test is to go on from it."""
    monkeypatch.setattr("tests.sweep.sweeping._plain", {})


def broken(script: str, *kinds: str, every: int = 3, **changes: Any) -> str:
    """The broken promises of a sweep by these kinds of faults, as one text."""
    count = Count()
    for kind in kinds:
        sweep(FLAG[script], KINDS[kind], count, Share(every), **changes)
    assert count.faults > 0
    return "\n".join(count.violations)


def test_a_catch_that_is_removed_leaves_traffic_where_it_was() -> None:
    """Without Shift Traffic's Catch an exception strands the ramp half-way."""
    definition: Any = copy.deepcopy({**DEFINITION})
    for state in ("Shift Traffic", "Promote"):
        definition["States"][state]["Catch"] = [
            {"ErrorEquals": ["States.ALL"], "Next": "Rolled Back"},
        ]
    assert "zero_or_at_a_promoted_whole" in broken("promoted, asked", "access denied once", definition=definition)


def test_traffic_settled_after_the_notice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """People hear of a rollback that has not happened, and where traffic cannot be settled it never does."""

    def roll_back(event: Any, world: Any) -> Any:
        state = RampState.from_wire(event["ramp"])
        record(world, state, "rolled_back", "so")
        ending.let_go(world, state.plan.flag, lock_of(state))
        world.notices.tell(f"Ramp {state.ramp} rolled back", "so")
        world.traffic.settle(state.ramp, state.alias_to_restore)
        return {"verdict": {"action": Action.ROLL_BACK, "reason": "so"}}

    monkeypatch.setattr(handlers, "roll_back", handlers.handler(roll_back))
    assert "safe_before_anything_else: told" in "\n".join(played(FLAG["rolled back by evidence"])[1])


def test_a_word_left_after_traffic_lets_a_shift_raise_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The brake settles first: a shift under way sees no word, and goes on."""
    late: list[Any] = []
    settle = Traffic.settle

    def settle_first(self: Traffic, *given: Any) -> Position:
        position = settle(self, *given)
        while late:
            ending.leave_word(*late.pop())
        return position

    monkeypatch.setattr("ramp.net.leave_word", lambda *said: late.append(said))
    monkeypatch.setattr(Traffic, "settle", settle_first)
    assert "nothing_rises_after_a_brake" in "\n".join(
        race(FLAG["promoted, asked"], "shift", Stage.alarm, every=7).violations
    )


def test_a_lock_released_before_traffic_settles_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The net sees no lock, and leaves a comparison that nobody runs any more."""

    def roll_back(world: Any, state: Any, by: str, reason: str) -> Position:
        ending.let_go(world, state.plan.flag, lock_of(state))
        record(world, state, "rolled_back", reason)
        return ending.settle(world, state, state.ramp, by, reason)

    monkeypatch.setattr("ramp.ending.roll_back", roll_back)
    assert "safe_before_anything_else: released" in "\n".join(played(FLAG["rolled back by evidence"])[1])


def test_a_settling_that_is_not_read_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppConfig refuses the deployment, and the lever does not care."""
    put = FlagLever.put

    def careless(self: FlagLever, *given: Any, **options: Any) -> None:
        try:
            put(self, *given, **options)
        except Exception:  # noqa: BLE001  # the bug that is planted
            return

    monkeypatch.setattr(FlagLever, "put", careless)
    assert "zero_or_at_a_promoted_whole" in broken("rolled back by evidence", "throttled")


def test_a_step_that_nobody_passed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure goes on whatever it asked about."""

    def rash(*given: Any, **options: Any) -> Any:
        decision = decide(*given, **options)
        return replace(decision, action=Action.ADVANCE) if decision.action is Action.ASK else decision

    monkeypatch.setattr(tasks, "decide", rash)
    assert "a_pass_or_a_yes_only" in "\n".join(played(FLAG["promoted, asked"])[1])


@pytest.mark.parametrize(
    ("script", "where"), [("stopped in the console", "doctor"), ("stopped unheard, then the doctor", "ending")]
)
def test_a_net_that_needs_more_than_appconfig_is_found(
    script: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads the lock, or takes it, before it looks at the flag's own document, and does nothing without."""
    monkeypatch.setattr(f"ramp.{where}.take_back", lambda *_: None)
    assert "users_are_safe_whatever_else_fails" in broken(script, "access denied from then on", every=1)


def test_a_clean_up_that_does_not_ask_whose_the_lock_is_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes late, and takes back the users of the ramp that has started since."""
    monkeypatch.setattr("ramp.ending.unless_anothers", lambda *_: nothing)
    assert "after it had been taken back" in "\n".join(overtakings(FLAG["stopped in the console"]).violations)


def test_a_rollback_that_calls_its_remains_a_failure_is_found() -> None:
    """Traffic is settled, and people are paged all the same."""
    definition: Any = copy.deepcopy({**DEFINITION})
    catchers = definition["States"]["Roll Back"]["Catch"]
    definition["States"]["Roll Back"]["Catch"] = [c for c in catchers if c["ErrorEquals"] != ["LeftBehind"]]
    found = broken("rolled back by evidence", "access denied from then on", every=1, definition=definition)
    assert "a_failed_rollback_is_paged: Rollback Failed, though scheduler:DeleteSchedule moves no traffic" in found


def test_a_look_that_forgets_a_question_whoever_has_answered_it_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer that came since the look had read the question goes with it."""

    def forget(self: RampTable, ramp: str, *_: Any, **__: Any) -> None:
        self.close_request(ramp)

    monkeypatch.setattr(RampTable, "withdraw", forget)
    count = Count()
    sweep(questions("flag")["its question settles"], answered("reject"), count)
    assert "traffic rose to 1000000 ppm after a no" in "\n".join(count.violations)


def test_a_look_that_forgets_an_answer_before_it_is_done_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails, is tried again, and finds nothing."""
    decided = answers.decided

    def forgetful(handed: Any, state: Any, world: Any, decide: Any) -> Any:
        decision, answer = decided(handed, state, world, decide)
        if decision.state.question is None:
            world.table.close_request(state.ramp)
        return decision, answer

    monkeypatch.setattr(answers, "decided", forgetful)
    found = broken("approved between two tokens", "throttled", every=1)
    assert "('approval',) is asked again after a yes to question 1-2" in found
