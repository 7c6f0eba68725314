"""What operators say to a running ramp: each verb by itself, and in the middle of whole ramps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from ramp import net, words
from ramp.adapters.brake import Brake
from ramp.core.check import Check, Consequence, Verdict
from ramp.core.evidence import Evidence
from ramp.core.flag_document import OFF
from ramp.core.state import RampState
from ramp.core.verdict import Action, Command, Verb, decide
from ramp.words import WordRefusedError
from rampctl import answers
from rampctl.exits import USAGE, CommandError
from rampctl.rehearsal.fakes import GUARDS, House
from rampctl.rehearsal.machine import Task

from tests.statemachine.ramp_run import FLAG, RAMP, Run, a_plan, asking_plan, failing_at, healthy, silent

PASS = Check("errors", Verdict.PASS, Consequence.ROLL_BACK, "0 of 900 failed")
UNKNOWN = Check("errors", Verdict.INCONCLUSIVE, Consequence.ROLL_BACK, "0 of 3 failed")
DOUBT = Check("mismatches", Verdict.FAIL, Consequence.ASK, "8 of 25 differ")
HARM = Check("errors", Verdict.FAIL, Consequence.ROLL_BACK, "9 of 25 failed")
BAKE = 600


def at(step: int, *, approval: bool = False, **plan: Any) -> RampState:
    """A ramp at `step` of shadow, canary and everybody, whose bake of ten minutes began at nought."""
    steps = [{"percent": percent, "bake_seconds": BAKE, "approval": approval} for percent in (0, 5, 100)]
    return RampState("r", "arn", {"gate": "fixed", "steps": steps, **plan}, "1", 0.0, step=step)


def word(verb: Verb, step: int = 1) -> Command:
    """Said by ada while the ramp was at `step`."""
    return Command(verb, step, "ada", "so I decided")


@pytest.mark.parametrize(("step", "goes"), [(1, Action.ADVANCE), (2, Action.PROMOTE)])
def test_a_paused_ramp_goes_nowhere_until_it_is_resumed(step: int, goes: Action) -> None:
    """Neither up nor to a promotion; what would have happened stands in the reason."""
    paused = decide(at(step), [PASS], now=BAKE, command=word(Verb.PAUSE, step))
    assert paused.action is Action.EXTEND
    assert paused.reason.startswith("ada paused the ramp: so I decided; ")
    assert "passed" in paused.reason
    for command in (None, word(Verb.RESUME, step)):
        assert decide(paused.state, [PASS], now=BAKE, command=command).action is goes


@pytest.mark.parametrize(("check", "action"), [(HARM, Action.ROLL_BACK), (DOUBT, Action.ASK)])
def test_a_pause_holds_up_neither_rollbacks_nor_questions(check: Check, action: Action) -> None:
    """Evidence goes on being judged."""
    assert decide(at(1), [check], now=BAKE, command=word(Verb.PAUSE)).action is action


def test_a_pause_is_of_the_ramp_and_not_of_a_step() -> None:
    """Said while the shift to the next step was under way, it holds there."""
    assert decide(at(2), [PASS], now=BAKE, command=word(Verb.PAUSE, 1)).action is Action.EXTEND


def test_a_long_pause_is_looked_at_rarely_so_that_it_fits_the_history() -> None:
    """A plan that looks every ten seconds would fill 25,000 events in eight hours; once resumed it looks as it did."""
    state = at(1, look_seconds=10).looked(0, None)
    paused = [decide(state, [PASS], now=now, command=word(Verb.PAUSE)).state.look_seconds for now in (600, 6e3, 6e5)]
    assert paused == [60, 600, 900]
    assert state.looked(700, None).look_seconds == 10


@pytest.mark.parametrize("check", [PASS, UNKNOWN])
@pytest.mark.parametrize("approval", [False, True])
def test_an_advance_skips_the_bake_and_what_is_unknown_and_counts_as_go(check: Check, *, approval: bool) -> None:
    """A person's yes for that very step, told with name and reason."""
    state = at(1, approval=approval)
    assert decide(state, [check], now=1.0).action is Action.EXTEND
    advanced = decide(state, [check], now=1.0, command=word(Verb.ADVANCE))
    assert advanced.action is Action.ADVANCE
    assert advanced.reason.startswith("ada advanced the ramp: so I decided; 5 %: ")


@pytest.mark.parametrize("step", [0, 2])
def test_an_advance_holds_for_the_step_it_was_said_at(step: int) -> None:
    """Neither for the one before nor for the one after."""
    assert decide(at(step), [PASS], now=1.0, command=word(Verb.ADVANCE, 1)).action is Action.EXTEND


@pytest.mark.parametrize(("check", "action"), [(HARM, Action.ROLL_BACK), (DOUBT, Action.ASK)])
def test_an_advance_is_no_yes_to_what_is_wrong(check: Check, action: Action) -> None:
    """Proven harm rolls back, and a proven doubt is asked about by name, at once."""
    assert decide(at(1), [check, UNKNOWN], now=1.0, command=word(Verb.ADVANCE)).action is action


def test_an_abort_outranks_good_evidence() -> None:
    """In the words of whoever said it."""
    decision = decide(at(1), [PASS], now=BAKE, command=word(Verb.ABORT))
    assert (decision.action, decision.reason) == (Action.ROLL_BACK, "ada aborted the ramp: so I decided")


def saying(when: int, *verbs: str) -> Callable[[Run], Callable[[str, Task], Task]]:
    """Before the `when`-th look somebody says `verbs`, one a look."""

    def for_run(run: Run) -> Callable[[str, Task], Task]:
        left, looks = list(verbs), 0

        def wrap(named: str, task: Task) -> Task:
            def invoke(payload: Any) -> Any:
                nonlocal looks
                looks += 1
                if left and looks >= when:
                    said(run.house, left.pop(0))
                return task(payload)

            return invoke if "Measure" in named else task

        return wrap

    return for_run


def said(house: House, verb: str, step: int | None = None) -> str:
    """What the command and the page do with a verb."""
    told = {"by": "ada", "reason": "so I decided", "via": "cli", "now": house.clock(), "step": step}
    return words.say(house.table, house.executions, RAMP, Verb(verb), **told)  # type: ignore[arg-type]  # by name


def went(wrap: Callable[[Run], Callable[[str, Task], Task]], plan: Any, **run: Any) -> Run:
    """A ramp with these words said to it."""
    going = Run(**run)
    going.wrap = wrap(going)
    going.go(plan)
    return going


def test_a_paused_ramp_survives_looks_and_goes_on_when_it_is_resumed() -> None:
    """Nothing of the pause is left in the end but the words."""
    run = went(saying(1, "pause", "pause", "pause", "pause", "pause", "pause", "resume"), a_plan())
    assert run.execution.status == "SUCCEEDED", run.execution
    run.assert_settled()
    assert [look["step"] for look in run.looks()].count(0) == 7
    assert [item["verb"] for item in run.house.table.words(RAMP)] == ["pause"] * 6 + ["resume"]
    assert {(item["by"], item["via"], item["step"]) for item in run.house.table.words(RAMP)} == {("ada", "cli", 0)}


def test_harm_in_a_pause_rolls_back() -> None:
    """The pause holds up only what goes up."""
    run = went(saying(3, "pause"), a_plan(), observe=failing_at(1))
    assert run.execution.error == "RolledBack"
    run.assert_settled()


def test_a_ramp_advanced_at_every_look_is_promoted_without_any_evidence() -> None:
    """One look a step; each word for its step."""
    nothing = Evidence(alarms=dict.fromkeys(GUARDS, "OK"))
    run = went(saying(1, *["advance"] * 3), asking_plan(), observe=lambda step, seconds: nothing)
    assert run.execution.status == "SUCCEEDED", run.execution
    assert [look["action"] for look in run.looks()] == ["ADVANCE", "ADVANCE", "PROMOTE"]
    assert [item["step"] for item in run.house.table.words(RAMP)] == [0, 1, 2]
    run.assert_settled()


def test_one_advance_goes_one_step() -> None:
    """The next step bakes as planned."""
    run = went(saying(1, "advance"), a_plan())
    assert [look["step"] for look in run.looks()] == [0, 1, 1, 1, 2, 2, 2] or run.execution.status == "SUCCEEDED"
    assert [look["step"] for look in run.looks()].count(0) == 1
    assert [look["step"] for look in run.looks()].count(1) > 1


def test_an_advance_while_people_are_asked_does_not_wait_for_the_token() -> None:
    """It makes the ramp look at once, and is go for the approval."""

    def advance(house: House, world: Any) -> None:
        assert "the rest of the bake is skipped" in said(house, "advance")

    run = Run(people=advance)
    assert run.go(asking_plan()).status == "SUCCEEDED", run.execution
    assert run.execution.path.count("Ask For Decision") == 1
    assert (
        "ada advanced the ramp"
        in next(look for look in run.looks() if look["step"] == 1 and look["look"] > 2)["reason"]
    )
    run.assert_settled()


def test_an_advance_past_a_proven_doubt_is_asked_about_and_a_yes_goes_on() -> None:
    """Both words are kept."""
    asked = 0

    def observe(step: int, seconds: float) -> Evidence:
        evidence = healthy(step, seconds)
        return replace(evidence, candidate=replace(evidence.candidate, mismatches=100)) if step == 1 else evidence

    def people(house: House, world: Any) -> None:
        nonlocal asked
        asked += 1
        told = {"by": "ada", "reason": "a known field", "via": "page", "now": house.clock()}
        assert words.answer(house.table, house.executions, RAMP, "approve", **told)  # type: ignore[arg-type]  # by name

    run = went(saying(4, "advance"), a_plan(), observe=observe, people=people)
    assert run.execution.status == "SUCCEEDED", run.execution
    assert asked == 1
    assert [item["verb"] for item in run.house.table.words(RAMP)] == ["advance", "approve"]


@pytest.fixture
def standing() -> House:
    """A ramp at its canary, asked about; nobody has answered."""
    seen: list[House] = []

    def stop(house: House, world: Any) -> None:
        seen.append(house)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Run(people=stop).go(asking_plan())
    return seen[0]


def test_a_word_for_another_step_than_the_ramps_is_refused(standing: House) -> None:
    """Somebody pressed a button on an old page."""
    with pytest.raises(WordRefusedError, match="ramp-1: is at 10 %, not at shadow"):
        said(standing, "advance", step=0)
    assert standing.table.command(RAMP) is None
    assert list(standing.table.words(RAMP)) == []


def test_a_script_advances_the_step_that_it_names(standing: House) -> None:
    """Counted from one, as the command shows them; the ramp is at its second."""
    session: Any = SimpleNamespace(table=standing.table, executions=standing.executions)
    for number in (1, 3, 9):
        with pytest.raises(CommandError, match="ramp-1: is at 10 %, ") as refused:
            answers.say(session, RAMP, "advance", "ada", "so", number)
        assert refused.value.code == USAGE
    assert "advance at 10 %, said by ada" in answers.say(session, RAMP, "advance", "ada", "so", 2)


def test_a_pause_is_taken_whatever_step_was_seen(standing: House) -> None:
    """It is of the ramp, and holds it up wherever it has come to."""
    assert "nothing goes on" in said(standing, "pause", step=0)
    with pytest.raises(WordRefusedError, match="expected one of 3 steps"):
        said(standing, "advance", step=7)


def test_only_a_paused_ramp_can_be_resumed(standing: House) -> None:
    """And only once."""
    with pytest.raises(WordRefusedError, match="is not paused"):
        said(standing, "resume")
    said(standing, "pause")
    said(standing, "resume")
    with pytest.raises(WordRefusedError, match="is not paused"):
        said(standing, "resume")


@pytest.mark.parametrize("verb", ["pause", "resume", "advance"])
def test_no_word_undoes_an_abort(standing: House, verb: str) -> None:
    """The first abort stands, in its own words."""
    net.brake({"by": "eve", "reason": "enough"}, standing.world())
    with pytest.raises(WordRefusedError, match="was aborted by eve: enough"):
        said(standing, verb)
    assert (standing.table.command(RAMP) or {})["verb"] == "abort"


def test_words_to_a_ramp_that_does_not_run_are_refused() -> None:
    """Ended, or never begun."""
    house = went(saying(99), a_plan(), people=silent).house
    with pytest.raises(WordRefusedError, match="ramp-1: runs no more, it is promoted"):
        said(house, "pause")
    with pytest.raises(WordRefusedError, match="ramp-0: is no ramp"):
        words.say(house.table, house.executions, "ramp-0", Verb.PAUSE, by="a", reason="b", via="cli", now=1.0)
    assert house.table.lock(FLAG) is None


class Pulled(Brake):
    """The real brake, in this process; `fails` as Lambda does when it may not be called."""

    def __init__(self, house: House, *, fails: bool = False) -> None:
        self._brake, self.house, self.fails = "huntaze-ramp-brake", house, fails

    def _call(self, function: str, event: dict[str, Any]) -> Any:
        if self.fails:
            raise RuntimeError("denied")
        return net.brake(event, self.house.world())


def replied(house: House, word: str, by: str = "ada", *, fails: bool = False) -> bool:
    """What the command and the page do with an answer."""
    brake, now = Pulled(house, fails=fails), house.clock()
    told = {"by": by, "reason": "so I decided", "via": "cli"}
    return words.answer(house.table, house.executions, RAMP, word, **told, now=now, brake=brake)


def test_a_no_pulls_the_brake_and_ends_the_question(standing: House) -> None:
    """Traffic is at zero before the ramp has heard of it; the word says how long that took."""
    assert replied(standing, "reject")
    assert standing.world().traffic.setting() == OFF
    (outcome,) = standing.executions.outcomes.values()
    asked = standing.table.requests[RAMP]["question"]
    assert asked
    assert outcome == ("failure", {"Error": "Aborted", "Cause": f"ada said no: so I decided ({asked})"})
    (said_no,) = standing.table.said.values()
    assert (said_no["verb"], said_no["request_id"]) == ("reject", standing.table.requests[RAMP]["request_id"])
    assert {"began_at_ms", "safe_at_ms"} <= set(said_no)


def test_a_no_that_comes_second_strikes_nothing(standing: House) -> None:
    """Another answer counts already: it is told whose, and traffic stays."""
    assert replied(standing, "approve", by="eve")
    before = standing.world().traffic.setting()
    with pytest.raises(WordRefusedError, match="was answered already: approve by eve"):
        replied(standing, "reject")
    assert standing.world().traffic.setting() == before != OFF
    assert standing.table.command(RAMP) is None


def test_a_no_reaches_the_ramp_though_the_brake_cannot_be_pulled(standing: House) -> None:
    """By the token, as a yes does; then the ramp rolls back by itself."""
    assert replied(standing, "reject", fails=True)
    (outcome,) = standing.executions.outcomes.values()
    assert outcome[0] == "success"
    assert [item["verb"] for item in standing.table.said.values()] == ["reject"]
