"""The doctor: what ramps may leave behind, what it says and does about it; and the way back after a promotion."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ramp import net, tasks
from ramp.adapters.table import Lock
from ramp.core.flag_document import OFF, FlagNames, Setting
from ramp.core.state import RampState
from ramp.doctor import examine
from ramp.ending import cleaner, let_go
from ramp.errors import TrafficMoved
from ramp.troubles import Troubles
from ramp.world import World
from rampctl.rehearsal.fakes import FakeFlagLever, FakeMetrics, House

from tests.statemachine.ramp_run import ARN, FLAG, MACHINE, RAMP, Run, a_plan, asking_plan, failing_at, healthy
from tests.sweep.memory.appconfig import APPLICATION, ENVIRONMENT, PROFILE, STRATEGY
from tests.sweep.scripts import scripts
from tests.sweep.stage import Stage

UNDO = {"undo_of": RAMP, "by": "ada", "reason": "users complain", "via": "cli"}


def at_canary(plan: Any = None) -> House:
    """A ramp that runs, at its canary, which is asked about."""
    house = House(FakeMetrics(healthy))
    house.executions.statuses[ARN] = "RUNNING"
    event = {"ramp": RAMP, "execution_arn": ARN, "plan": plan or asking_plan()}
    state: dict[str, Any] = tasks.prepare(event, house.world())["ramp"]
    tasks.shift({"ramp": state | {"step": 1}}, house.world())
    return house


def promoted(**changes: Any) -> House:
    """A ramp that has been promoted to its end."""
    run = Run()
    assert run.go(a_plan(**changes)).status == "SUCCEEDED", run.execution
    return run.house


def dead(house: House) -> None:
    house.executions.statuses[ARN] = "TIMED_OUT"


def unknown(house: House) -> None:
    del house.executions.statuses[ARN]
    house.clock.pass_seconds(3_700)


def without_lock(house: House) -> None:
    dead(house)
    house.table.release(FLAG, Lock(RAMP, ARN))


def still_asking(house: House) -> None:
    tasks.roll_back({"ramp": house.table.ramps[RAMP]["document"], "verdict": {}, "trouble": {}}, house.world())
    house.table.ask(RAMP, "1-1", "token", house.clock(), look=(1, 1))


def unmonitored(house: House) -> None:
    tasks.roll_back({"ramp": house.table.ramps[RAMP]["document"], "verdict": {}, "trouble": {}}, house.world())
    house.monitors.left_off = True


def scheduled(house: House) -> None:
    tasks.roll_back({"ramp": house.table.ramps[RAMP]["document"], "verdict": {}, "trouble": {}}, house.world())
    house.deadline.set("ramp-0", house.clock() + 60)


LEFT: dict[str, tuple[Callable[[House], None], str]] = {
    "a dead execution's lock": (dead, "lock: prismaAdapter is held by ramp-1, which nobody runs any more; 10 % of"),
    "an unknown execution's lock past its lease": (unknown, "lock: prismaAdapter is held by ramp-1"),
    "a share without a ramp": (without_lock, "flag: prismaAdapter is on though no ramp runs, set by ramp-1; 10 % of"),
    "a question of a ramp that has ended": (still_asking, "question: ramp-1 is still asking though it runs no more"),
    "monitors that were taken off": (unmonitored, "monitors: AppConfig watches no alarm any more"),
    "a schedule of a ramp that has ended": (
        scheduled,
        "schedule: ramp-0 waits for the deadline of a ramp that runs no",
    ),
}


@pytest.mark.parametrize("case", LEFT)
def test_what_is_left_is_told_before_it_is_mended_and_then_it_is_gone(case: str) -> None:
    """Looking changes nothing; mending leaves nothing to find."""
    leave, says = LEFT[case]
    house = at_canary()
    leave(house)
    before = house.world().traffic.read(), dict(house.table.locks), dict(house.deadline.schedules)
    found = net.cleanup({"examine": True}, house.world())["findings"]
    assert [finding["done"] for finding in found] == [None] * len(found)
    assert [finding for finding in found if finding["what"].startswith(says) and finding["would"]], found
    assert (house.world().traffic.read(), dict(house.table.locks), dict(house.deadline.schedules)) == before
    assert net.cleanup({}, house.world())["outcome"] == "settled"
    assert net.cleanup({"examine": True}, house.world()) == {
        "outcome": "left",
        "reason": "nothing is left behind",
        "findings": [],
    }
    assert house.world().traffic.read().setting == OFF


def test_a_lock_of_an_unknown_execution_is_kept_until_its_lease_has_run_out() -> None:
    """Step Functions may not know it yet."""
    house = at_canary()
    del house.executions.statuses[ARN]
    assert net.cleanup({}, house.world())["findings"] == []
    assert house.table.lock(FLAG) == Lock(RAMP, ARN)


def test_a_running_ramp_keeps_its_lock_though_its_lease_has_run_out() -> None:
    """A second one is refused and told who moves the flag."""
    house = at_canary()
    house.clock.pass_seconds(100_000)
    event = {"ramp": "ramp-2", "execution_arn": f"{MACHINE}:ramp-2", "plan": a_plan()}
    refused = tasks.prepare(event, house.world())["verdict"]
    assert refused["action"] == "REFUSE"
    assert "ramp-1" in refused["reason"]
    assert house.table.lock(FLAG) == Lock(RAMP, ARN)


def test_prepare_settles_what_a_dead_ramp_left_and_starts() -> None:
    """A crashed execution does not keep the flag until somebody mends it."""
    house = at_canary()
    dead(house)
    event = {"ramp": "ramp-2", "execution_arn": f"{MACHINE}:ramp-2", "plan": a_plan()}
    house.executions.statuses[f"{MACHINE}:ramp-2"] = "RUNNING"
    assert tasks.prepare(event, house.world())["verdict"]["action"] == "START"
    assert house.world().traffic.read().setting == OFF
    assert house.table.lock(FLAG) == Lock("ramp-2", f"{MACHINE}:ramp-2")
    assert [entry["status"] for entry in house.table.listed(FLAG)] == ["running", "rolled_back"]


NEXT = {"ramp": "ramp-2", "execution_arn": f"{MACHINE}:ramp-2", "plan": a_plan()}
REPAIR = {"repair": True}


def by(house: House, invocation: str) -> World:
    """The world as one invocation of a function sees it."""
    return replace(house.world(), invocation=invocation)


def cleaned(house: House, invocation: str) -> None:
    """A clean-up has taken the lock of the ramp, which has ended, and done nothing yet."""
    dead(house)
    mine = Lock(RAMP, cleaner(by(house, invocation)))
    assert house.table.acquire(FLAG, mine, house.clock(), 300, dead=Lock(RAMP, ARN)) is None


def test_a_clean_up_that_died_keeps_nobody_out_longer_than_its_lease() -> None:
    """No ramp starts beside it, and no other clean-up goes on where it may be at work."""
    house = at_canary()
    cleaned(house, "a")
    assert tasks.prepare(NEXT, house.world())["verdict"]["action"] == "REFUSE"
    (finding,) = net.cleanup({}, by(house, "b"))["findings"]
    assert (finding["done"], house.table.lock(FLAG)) == (None, Lock(RAMP, cleaner(by(house, "a"))))
    assert "which another huntaze-cleanup is settling or has died of" in finding["what"]
    house.clock.pass_seconds(301)
    assert net.cleanup({}, by(house, "b"))["outcome"] == "settled"
    assert (house.table.lock(FLAG), house.world().traffic.setting()) == (None, OFF)


@pytest.mark.parametrize(("event", "invocation"), [({}, "a"), (REPAIR, "b")])
def test_a_clean_up_that_died_is_continued_by_its_next_delivery_and_by_a_persons_word(
    event: dict[str, Any], invocation: str
) -> None:
    """Lambda delivers an event again under the same request id; neither waits for the lease."""
    house = at_canary()
    cleaned(house, "a")
    assert net.cleanup(event, by(house, invocation))["outcome"] == "settled"
    assert (house.table.lock(FLAG), house.world().traffic.setting()) == (None, OFF)
    assert house.deadline.schedules == {}


def meanwhile(house: House, act: Callable[[], Any]) -> None:
    """Once, just before the flag is next set."""
    put = house.flag.put

    def met(*given: Any) -> None:
        house.flag.put = put  # type: ignore[method-assign]  # once
        act()
        put(*given)

    house.flag.put = met  # type: ignore[method-assign,assignment]  # until then


def starts(house: House) -> None:
    """The next ramp, up to its canary."""
    house.executions.statuses[f"{MACHINE}:ramp-2"] = "RUNNING"
    prepared = tasks.prepare(NEXT, house.world())
    if prepared["verdict"]["action"] == "START":
        tasks.shift({"ramp": prepared["ramp"] | {"step": 1}}, house.world())


def test_a_clean_up_that_meets_another_leaves_it_alone() -> None:
    """Of two at once the second neither settles nor frees the lock, so no ramp starts under the first."""
    house = at_canary()
    dead(house)
    told: list[Any] = []

    def other() -> None:
        told.append(net.cleanup({}, by(house, "b")))
        starts(house)
        told.append(house.table.lock(FLAG))

    meanwhile(house, other)
    assert net.cleanup({}, by(house, "a"))["outcome"] == "settled"
    assert (told[0]["outcome"], told[1]) == ("left", Lock(RAMP, cleaner(by(house, "a"))))
    assert (house.table.lock(FLAG), house.world().traffic.setting()) == (None, OFF)
    assert [subject for subject, _ in house.notices.told if "settled" in subject] == [
        "Ramp ramp-1 settled by huntaze-cleanup"
    ]


@pytest.mark.parametrize("lever", [{}, {"lever": "alias", "candidate_version": "2"}])
def test_a_clean_up_that_comes_late_does_not_switch_off_the_ramp_that_has_started_since(lever: dict[str, str]) -> None:
    """A person has mended meanwhile, and started the next ramp."""
    house = at_canary(asking_plan(**lever))
    dead(house)
    at_the_next: list[Any] = []

    def mended() -> None:
        assert net.cleanup(REPAIR, by(house, "b"))["outcome"] == "settled"
        event = NEXT | {"plan": asking_plan(**lever)}
        house.executions.statuses[f"{MACHINE}:ramp-2"] = "RUNNING"
        state = tasks.prepare(event, house.world())["ramp"]
        tasks.shift({"ramp": state | {"step": 1}}, house.world())
        at_the_next.append((house.flag.read(), house.alias.read()))

    meanwhile(house, mended)
    net.cleanup({}, by(house, "a"))
    assert [(house.flag.read(), house.alias.read())] == at_the_next
    assert house.world().traffic.read().share_ppm == 100_000
    assert house.table.lock(FLAG) == Lock("ramp-2", f"{MACHINE}:ramp-2")
    assert house.table.ramps[RAMP]["status"] == "rolled_back"


def test_a_late_settling_goes_on_where_the_table_does_not_say_whose_the_lock_is() -> None:
    """Traffic first."""
    house = at_canary()
    dead(house)
    lock = house.table.lock

    def broken(flag: str) -> Any:
        raise RuntimeError("denied")

    def denied() -> None:
        house.table.lock = broken  # type: ignore[method-assign]  # for good

    meanwhile(house, denied)
    assert net.cleanup({}, house.world())["outcome"] == "settled"
    assert house.world().traffic.setting() == OFF
    assert lock(FLAG) is None


def test_an_undo_waits_for_no_clean_up() -> None:
    """Users are on a candidate that fails; what is left of the clean-up frees no lock under the undo."""
    house = promoted()
    house.table.acquire(FLAG, mine := Lock(RAMP, cleaner(by(house, "a"))), house.clock(), 300)

    def ends() -> None:
        let_go(house.world(), FLAG, mine)
        starts(house)
        assert house.table.lock(FLAG) == Lock(RAMP, cleaner(by(house, "b")))

    meanwhile(house, ends)
    assert net.cleanup(UNDO, by(house, "b"))["undone"]
    assert (house.table.lock(FLAG), house.world().traffic.setting()) == (None, OFF)


@pytest.mark.parametrize(("taken_by", "undone"), [("huntaze-cleanup:a", True), (f"{MACHINE}:ramp-2", False)])
def test_an_undo_goes_on_where_a_clean_up_has_just_taken_the_lock(taken_by: str, *, undone: bool) -> None:
    """And where a ramp has, which reads a promoted flag and refuses, it says so."""
    house = promoted()
    acquire = house.table.acquire

    def taken(*given: Any, **options: Any) -> Any:
        house.table.acquire = acquire  # type: ignore[method-assign]  # once
        acquire(FLAG, Lock(RAMP, taken_by), house.clock(), 300)
        return acquire(*given, **options)

    house.table.acquire = taken  # type: ignore[method-assign]  # until then
    assert net.cleanup(UNDO, by(house, "b"))["undone"] is undone
    assert (house.world().traffic.setting() == OFF) is undone


def test_what_prepare_has_begun_to_settle_is_settled_by_its_next_attempt_or_by_the_net_once_it_has_ended() -> None:
    """It holds the dead ramp's lock as its own execution."""
    for ends in (False, True):
        house = at_canary()
        dead(house)
        arn = f"{MACHINE}:ramp-2"
        house.executions.statuses[arn] = "RUNNING"
        house.table.acquire(FLAG, Lock(RAMP, arn), house.clock(), 300, dead=Lock(RAMP, ARN))
        assert net.cleanup({}, house.world())["findings"] == []
        if ends:
            house.executions.statuses[arn] = "FAILED"
            assert net.cleanup({}, house.world())["outcome"] == "settled"
            assert house.table.lock(FLAG) is None
        else:
            assert tasks.prepare(NEXT, house.world())["verdict"]["action"] == "START"
            assert house.table.lock(FLAG) == Lock("ramp-2", arn)
        assert house.world().traffic.setting() == OFF


def test_a_refusal_tells_of_what_was_settled_before_it() -> None:
    """A ramp that may not start may have taken users back to control all the same."""
    house = at_canary()
    dead(house)
    house.stack.deploying = "d-1"
    said = tasks.prepare(NEXT, house.world())["verdict"]["reason"]
    assert said.startswith("the ramp cannot start, and nothing was touched but what was left: ramp-1 had ended without")
    assert "reads back at 0 %" in said
    assert "and nothing was touched:" in tasks.prepare(NEXT, house.world())["verdict"]["reason"]


def test_a_promotion_that_died_before_the_list_was_written_is_listed_by_the_net() -> None:
    """With the time at which it was promoted."""
    house = at_canary()
    state = house.table.ramps[RAMP]["document"]
    verdict = {"reason": "all checks pass"}
    listed = copy.deepcopy(house.table.lists)
    tasks.promote({"ramp": state | {"step": 2}, "verdict": verdict}, house.world())
    ended_at = house.table.ramps[RAMP]["ended_at"]
    house.table.lists = listed
    dead(house)
    house.clock.pass_seconds(60)
    assert "was promoted" in net.cleanup({}, house.world())["reason"]
    (entry,) = house.table.listed(FLAG)
    assert (entry["status"], entry["ended_at"], entry["share_ppm"]) == ("promoted", ended_at, 1_000_000)


@pytest.mark.parametrize(("description", "is_left"), [("ramp ramp-0", False), ("ramp ramp-0 off", True), ("", True)])
def test_a_deployment_that_a_dead_task_left_in_flight_is_stopped(description: str, *, is_left: bool) -> None:
    """One that puts a flag off, or is somebody else's, goes on."""
    stage = Stage(scripts("flag")["promoted, asked"])
    appconfig: Any = stage.aws.client("appconfig")
    appconfig.start_deployment(
        ApplicationId=APPLICATION,
        EnvironmentId=ENVIRONMENT,
        ConfigurationProfileId=PROFILE,
        DeploymentStrategyId="AppConfig.AllAtOnce",
        ConfigurationVersion="1",
        Description=description,
    )
    told = stage.deliver("cleanup", {})
    assert (stage.aws.appconfig.in_flight is not None) is is_left
    assert [finding["done"] for finding in told["findings"]] == ([] if is_left else ["deployment 2 is stopped"])


def test_a_deployment_that_a_person_has_started_since_is_not_taken_for_the_one_that_was_found() -> None:
    """The dead task's has ended by itself meanwhile."""
    stage = Stage(scripts("flag")["promoted, asked"])
    appconfig: Any = stage.aws.client("appconfig")
    where: dict[str, Any] = {
        "ApplicationId": APPLICATION,
        "EnvironmentId": ENVIRONMENT,
        "ConfigurationProfileId": PROFILE,
        "ConfigurationVersion": "1",
    }
    appconfig.start_deployment(**where, DeploymentStrategyId=STRATEGY, Description="ramp ramp-0")
    (finding,) = examine(stage.world, Troubles())
    stage.clock.pass_seconds(60)
    appconfig.start_deployment(**where, DeploymentStrategyId="AppConfig.AllAtOnce", Description="by hand")
    assert finding.mend() is None
    assert stage.aws.appconfig.in_flight is not None
    assert stage.aws.appconfig.in_flight.description == "by hand"


def test_weights_that_nobody_is_known_to_have_set_are_left_to_a_persons_word() -> None:
    """A code deploy may be under way."""
    house = House(FakeMetrics(healthy))
    house.alias.put("1", {"2": 100_000})
    (finding,) = net.cleanup({}, house.world())["findings"]
    assert (finding["done"], house.alias.read().is_whole) == (None, False)
    assert "a code deploy may be under way" in finding["what"]
    assert net.cleanup(REPAIR, house.world())["findings"][0]["done"]
    assert house.alias.read().is_whole
    assert house.table.lock(FLAG) is None


def test_weights_beside_a_promotion_are_mended_without_taking_it_back() -> None:
    """Users are on the candidate by the flag, whichever version serves."""
    house = promoted()
    house.alias.put("1", {"2": 100_000})
    before = house.world().traffic.setting()
    assert net.cleanup(REPAIR, house.world())["findings"][0]["done"]
    assert house.alias.read().is_whole
    assert house.world().traffic.setting() == before


def test_weights_of_a_ramp_of_ours_are_mended_without_asking() -> None:
    """It is in the list, and these are its versions."""
    run = Run(observe=failing_at(1))
    run.go(a_plan(lever="alias", candidate_version="2"))
    run.house.alias.put("1", {"2": 100_000})
    assert net.cleanup({}, run.house.world())["outcome"] == "settled"
    assert (run.house.alias.read().version, run.house.alias.read().weights) == ("1", {})


def test_a_settling_that_fails_is_told_and_written_down() -> None:
    """Somebody must look now; the next clean-up settles."""
    house = at_canary()
    dead(house)
    put = house.flag.put

    def broken(*_: Any) -> None:
        raise RuntimeError("AppConfig is down")

    house.flag.put = broken  # type: ignore[method-assign,assignment]  # for a while
    with pytest.raises(RuntimeError, match="AppConfig is down"):
        net.cleanup({}, house.world())
    assert house.notices.told[-1][0] == "huntaze-cleanup failed"
    assert house.table.ramps[RAMP]["status"] == "rollback_failed"
    house.flag.put = put  # type: ignore[method-assign]  # and back
    assert net.cleanup({}, house.world())["outcome"] == "settled"
    assert house.table.ramps[RAMP]["status"] == "rolled_back"


@pytest.mark.parametrize("lever", [{}, {"lever": "alias", "candidate_version": "2"}])
def test_a_promotion_can_be_undone(lever: dict[str, str]) -> None:
    """Everybody back on control, told, written down and kept as a word; a second time says that it is so."""
    house = promoted(**lever)
    house.clock.pass_seconds(3_600)
    answer = net.cleanup(UNDO, house.world())
    assert answer["undone"], answer
    assert "reads back at 0 %" in answer["reason"]
    position = house.world().traffic.read()
    assert (position.setting, position.alias.version, position.alias.weights) == (OFF, "1", {})
    assert house.table.ramps[RAMP]["status"] == "undone"
    assert [(word["verb"], word["by"]) for word in house.table.words(RAMP)] == [("undo", "ada")]
    assert "users complain" in house.notices.told[-1][1]
    assert house.table.lock(FLAG) is None
    assert net.cleanup({"examine": True}, house.world())["findings"] == []
    told = len(house.notices.told)
    again = {"undone": True, "reason": "ramp-1 is undone already: users complain"}
    assert net.cleanup(UNDO, house.world()) == again
    assert len(house.notices.told) == told


@pytest.mark.parametrize("fails", ["prune", "remove", "release", "enlist"])
def test_an_undo_that_leaves_something_behind_is_an_undo(fails: str) -> None:
    """Traffic reads back at zero: who did it is kept and told, with what is left, and a second time removes that."""
    house = promoted()
    adapter = {"prune": house.flag, "remove": house.deadline}.get(fails, house.table)
    works = getattr(adapter, fails)

    def throttled(*_: Any, **__: Any) -> None:
        raise RuntimeError("throttled")

    setattr(adapter, fails, throttled)
    answer = net.cleanup(UNDO, by(house, "a"))
    assert answer["undone"]
    assert "ada undid the promotion of ramp-1: users complain. Traffic to the candidate reads back" in answer["reason"]
    assert "something is left: throttled" in answer["reason"]
    assert house.world().traffic.setting() == OFF
    assert [(word["verb"], word["by"]) for word in house.table.words(RAMP)] == [("undo", "ada")]
    assert house.notices.told[-1] == ("Ramp ramp-1 undone", answer["reason"])
    setattr(adapter, fails, works)
    assert net.cleanup(UNDO, by(house, "b"))["undone"]
    assert house.table.ramps[RAMP]["status"] == "undone"
    assert house.table.lock(FLAG) is None


def test_an_undo_whose_word_is_not_kept_says_so() -> None:
    """It is undone all the same."""
    house = promoted()

    def throttled(*_: Any, **__: Any) -> None:
        raise RuntimeError("throttled")

    house.table.put_word = throttled  # type: ignore[method-assign]  # as DynamoDB does
    answer = net.cleanup(UNDO, house.world())
    assert answer["undone"]
    assert "the word of it is not kept: throttled" in answer["reason"]


ALIAS: dict[str, str] = {"lever": "alias", "candidate_version": "2"}


def deployed(house: House) -> None:
    """Code, after the promotion: version 3 serves, whichever lever brought users to the candidate."""
    house.alias.position = replace(house.alias.position, version="3")


def test_a_later_version_serves_the_candidate_and_the_net_leaves_it_alone() -> None:
    """A promotion is the end: the alias is a code deploy's again."""
    house = promoted(**ALIAS)
    deployed(house)
    setting = house.world().traffic.setting()
    assert (setting.share_ppm, (setting.adapter or {}).get("candidate_version")) == (1_000_000, None)
    assert net.cleanup({}, house.world())["reason"] == "nothing is left behind"
    assert house.alias.read().version == "3"
    assert house.table.ramps[RAMP]["status"] == "promoted"


def test_an_undo_leaves_an_alias_that_was_moved_since_and_says_so() -> None:
    """Everybody is on control by the flag alone."""
    house = promoted(**ALIAS)
    deployed(house)
    answer = net.cleanup(UNDO, house.world())
    assert answer["undone"], answer
    assert "whole on version 3, where a later deploy put it" in answer["reason"]
    assert (house.world().traffic.setting(), house.alias.read().version) == (OFF, "3")


def test_a_code_deploy_under_a_dead_ramp_is_not_rolled_back_with_it() -> None:
    """The alias is not where the ramp put it."""
    house = at_canary(asking_plan(**ALIAS))
    deployed(house)
    house.alias.position = replace(house.alias.position, weights={})
    dead(house)
    assert net.cleanup({}, house.world())["outcome"] == "settled"
    assert (house.world().traffic.setting(), house.alias.read().version) == (OFF, "3")


def overdue(house: House) -> None:
    house.clock.pass_seconds(86_401)


def forgotten(house: House) -> None:
    del house.table.ramps[RAMP]


def followed(house: House) -> None:
    house.executions.statuses["arn:2"] = "RUNNING"
    house.table.acquire(FLAG, Lock("ramp-2", "arn:2"), house.clock(), 60)


def set_by_hand(house: House) -> None:
    house.flag.put(Setting({"ramp": "by-hand", "step": 0, "share_ppm": 10_000}, None), "by hand")


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (overdue, "was promoted 86402 s ago, and its plan allows 86400 s"),
        (forgotten, "has no record"),
        (followed, "ramp-2 runs on prismaAdapter, abort that"),
        (set_by_hand, "prismaAdapter was set by by-hand since"),
    ],
)
def test_what_cannot_be_undone_says_why_and_changes_nothing(trouble: Callable[[House], None], says: str) -> None:
    """And what to do instead."""
    house = promoted()
    trouble(house)
    before = house.world().traffic.read()
    answer = net.cleanup(UNDO, house.world())
    assert not answer["undone"]
    assert says in answer["reason"]
    assert house.world().traffic.read() == before


def test_an_undo_that_died_half_way_is_finished_by_the_next() -> None:
    """The flag is off already, the record says promoted still."""
    house = promoted()
    house.world().traffic.settle(RAMP, None)
    assert net.cleanup(UNDO, house.world())["undone"]
    assert house.table.ramps[RAMP]["status"] == "undone"


def test_a_ramp_after_a_promotion_is_told_how_to_take_it_back() -> None:
    """The flag is on, and it is nobody's fault."""
    house = promoted()
    event = {"ramp": "ramp-2", "execution_arn": "arn:2", "plan": a_plan()}
    reason = tasks.prepare(event, house.world())["verdict"]["reason"]
    assert "got 100 % by ramp-1" in reason
    assert "ramp undo ramp-1 puts it off" in reason


def test_prepare_delivered_twice_is_one_entry_of_the_list() -> None:
    """Minutes apart."""
    house = House(FakeMetrics(healthy))
    house.executions.statuses[ARN] = "RUNNING"
    for _ in range(2):
        tasks.prepare({"ramp": RAMP, "execution_arn": ARN, "plan": a_plan()}, house.world())
        house.clock.pass_seconds(90)
    assert len(house.table.listed(FLAG)) == 1


def test_a_task_that_goes_on_after_its_execution_was_stopped_moves_nothing() -> None:
    """StopExecution stops no function: the net settles, and what comes late finds the lock gone."""
    house = at_canary()
    state = RampState.from_wire(house.table.ramps[RAMP]["document"])
    house.executions.statuses[ARN] = "ABORTED"
    net.cleanup({}, house.world())
    late = replace(state, step=2).to_wire()
    for task in (tasks.shift, tasks.measure, tasks.promote, tasks.ask):
        with pytest.raises(Exception, match=r"is not held by ramp-1 any more"):
            task({"ramp": late, "verdict": {"reason": "so"}, "token": "t"}, house.world())
    assert house.world().traffic.read().setting == OFF
    assert house.table.ramps[RAMP]["status"] == "rolled_back"


MORE = "ordersAdapter"


def two_flags() -> House:
    """A stack that moves two flags; a ramp runs on each, at its canary."""
    house = House(FakeMetrics(healthy), more=(FlagNames(MORE, "ordersShadow"),))
    for ramp, flag in ((RAMP, FLAG), ("ramp-2", MORE)):
        arn = f"{MACHINE}:{ramp}"
        house.executions.statuses[arn] = "RUNNING"
        event = {"ramp": ramp, "execution_arn": arn, "plan": asking_plan(flag=flag)}
        prepared = tasks.prepare(event, house.world())
        assert prepared["verdict"]["action"] == "START", prepared
        tasks.shift({"ramp": prepared["ramp"] | {"step": 1}}, house.world())
    return house


def shares(house: House) -> list[int]:
    """Of each flag, in parts per million."""
    return [each.traffic.read().setting.share_ppm for each in house.world().each()]


def test_two_flags_ramp_side_by_side_in_one_document() -> None:
    """Neither touches the other's values, and each rolls back alone."""
    house = two_flags()
    assert shares(house) == [100_000, 100_000]
    state = house.table.ramps["ramp-2"]["document"]
    tasks.roll_back({"ramp": state, "verdict": {}, "trouble": {}}, house.world())
    assert shares(house) == [100_000, 0]
    assert (house.table.lock(FLAG), house.table.lock(MORE)) == (Lock(RAMP, ARN), None)


def test_an_alarm_brakes_every_ramp_and_a_person_the_one_that_is_named() -> None:
    """Nobody knows which of them the alarm is about."""
    house = two_flags()
    assert net.brake({"by": "ada", "reason": "x", "ramp": "ramp-2"}, house.world())["braked"]
    assert shares(house) == [100_000, 0]
    house = two_flags()
    assert net.brake({"by": "alarm", "reason": "x"}, house.world())["braked"]
    assert shares(house) == [0, 0]


def an_alarm(house: House) -> None:
    net.brake({"by": "alarm", "reason": "x"}, house.world())


def the_daily_rule(house: House) -> None:
    house.executions.statuses = dict.fromkeys(house.executions.statuses, "FAILED")
    net.cleanup({}, house.world())


@pytest.mark.parametrize("settle", [an_alarm, the_daily_rule])
def test_one_flags_trouble_is_not_anothers(settle: Callable[[House], None]) -> None:
    """Neither for the brake nor for the net: what fails is told when everything else is done."""
    house = two_flags()

    def refused(*_: Any) -> None:
        raise RuntimeError("denied")

    house.flag.put = refused  # type: ignore[method-assign,assignment]  # the first flag's alone
    with pytest.raises(RuntimeError, match="denied"):
        settle(house)
    assert shares(house) == [100_000, 0]


def test_the_doctor_looks_at_every_flag_and_leaves_the_ramp_that_runs() -> None:
    """The dead one's share goes, the other's stays, and so does its schedule."""
    house = two_flags()
    house.executions.statuses[f"{MACHINE}:ramp-2"] = "FAILED"
    assert net.cleanup({}, house.world())["outcome"] == "settled"
    assert shares(house) == [100_000, 0]
    assert list(house.deadline.schedules) == [RAMP]


def dropped() -> tuple[House, dict[str, Any]]:
    """The second flag is taken out of the stack while a ramp runs on it; the state of that ramp."""
    house = two_flags()
    house.more = ()
    return house, house.table.ramps["ramp-2"]["document"]


def share_of_dropped(house: House) -> int:
    """Of the flag that is not in the stack any more, in parts per million."""
    return FakeFlagLever(FlagNames(MORE, "ordersShadow"), house.flag.hosted).read().share_ppm


def test_a_ramp_whose_flag_was_taken_out_of_the_stack_goes_up_no_more_and_rolls_back() -> None:
    """Its next look says why, and Roll Back still knows both flags."""
    house, state = dropped()
    for task in (tasks.shift, tasks.measure, tasks.promote, tasks.ask):
        with pytest.raises(TrafficMoved, match="flag: is none that this stack moves any more, got 'ordersAdapter'"):
            task({"ramp": state, "verdict": {"reason": "so"}, "token": "t"}, house.world())
    assert share_of_dropped(house) == 100_000
    said = tasks.roll_back({"ramp": state, "verdict": {}, "trouble": {}}, house.world())["verdict"]["reason"]
    assert "reads back at 0 %" in said
    assert (share_of_dropped(house), shares(house), house.table.lock(MORE)) == (0, [100_000], None)


def test_nothing_starts_on_a_flag_that_was_taken_out_of_the_stack() -> None:
    """Neither while its last ramp is on, nor afterwards."""
    house, state = dropped()
    for _ in range(2):
        event = {"ramp": "ramp-3", "execution_arn": "arn:3", "plan": a_plan(flag=MORE)}
        said = tasks.prepare(event, house.world())["verdict"]
        assert said["action"] == "REFUSE"
        assert said["reason"] == "flag: is none that this stack moves, got 'ordersAdapter', expected prismaAdapter"
        tasks.roll_back({"ramp": state, "verdict": {}, "trouble": {}}, house.world())


@pytest.mark.parametrize("settle", [an_alarm, the_daily_rule])
def test_brake_and_net_know_a_flag_that_was_taken_out_of_the_stack(settle: Callable[[House], None]) -> None:
    """It is on in the document, by a ramp that the table knows."""
    house, _ = dropped()
    settle(house)
    assert (share_of_dropped(house), shares(house)) == (0, [0])


def test_the_net_leaves_a_ramp_that_runs_on_a_flag_that_was_taken_out_of_the_stack() -> None:
    """Its next look rolls it back; until then its schedule stays as well."""
    house, _ = dropped()
    assert net.cleanup({}, house.world())["findings"] == []
    assert (share_of_dropped(house), sorted(house.deadline.schedules)) == (100_000, [RAMP, "ramp-2"])


def test_what_another_stack_has_on_in_the_same_document_is_left() -> None:
    """Our table knows no ramp of that name."""
    house, _ = dropped()
    del house.table.ramps["ramp-2"]
    the_daily_rule(house)
    assert (share_of_dropped(house), shares(house)) == (100_000, [0])


def test_a_promotion_of_a_flag_that_was_taken_out_of_the_stack_can_be_undone() -> None:
    """The record knows both flags."""
    house, state = dropped()
    house.more = (FlagNames(MORE, "ordersShadow"),)
    tasks.promote({"ramp": state | {"step": 2}, "verdict": {"reason": "so"}}, house.world())
    house.more = ()
    tasks.clean_up({"ramp": state | {"step": 2}, "verdict": {"reason": "so"}}, house.world())
    assert (house.table.lock(MORE), share_of_dropped(house)) == (None, 1_000_000)
    assert net.cleanup({}, house.world())["findings"] == []
    assert net.cleanup(UNDO | {"undo_of": "ramp-2"}, house.world())["undone"]
    assert share_of_dropped(house) == 0


def test_the_alias_is_the_first_flags() -> None:
    """Weights of one function say nothing about another."""
    house = two_flags()
    plan = a_plan(flag=MORE, lever="alias", candidate_version="2")
    said = tasks.prepare({"ramp": "ramp-3", "execution_arn": "arn:3", "plan": plan}, house.world())["verdict"]
    assert "lever: alias moves another flag's function" in said["reason"]
