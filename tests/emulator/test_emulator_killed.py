"""The emulator is killed in each state of a ramp and brought back: users are answered, and a dead ramp is mended.

All that AWS keeps is as it was, to the call; executions are dead, and EventBridge never had word of their end, which is
worse than anything AWS does to a ramp.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_stack import stack
from local_stack.stack import Stack
from local_stack.traffic import Traffic
from rampctl import mending, ramps

from tests.emulator.conftest import application_in
from tests.emulator.outage import outage
from tests.emulator.test_safety_faults import PLAN, STATES, Ramp

pytestmark = pytest.mark.long
HALF_PPM = 500_000
WITH_USERS = ("Bake", "Ask For Decision")
CONNECTING_SECONDS = 0.5  # a request that found no emulator knows it by then
ORPHANED_SECONDS = 2.0


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stack of its own: nobody else wants one that was killed."""
    return application_in(tmp_path_factory.mktemp("killed"))


@pytest.fixture(scope="module")
def local_stack(repository: Path) -> Iterator[Stack]:
    """The whole local stack."""
    yield stack.up(repository, print)
    stack.down(repository, print)


@pytest.fixture
def ramp(local_stack: Stack, repository: Path) -> Ramp:
    """A ramp that is not started yet."""
    return Ramp(local_stack, repository, f"killed-{uuid.uuid4().hex[:8]}")


def doctor(ramp: Ramp) -> str:
    """What `ramp doctor --repair` says."""
    said: list[str] = []
    mending.doctor(ramp.session, said.append, repair=True, as_json=False)
    return "\n".join(said)


def status_of(ramp: Ramp) -> list[str]:
    """What the list of ramps says: one final record of each that was prepared."""
    listed = ramp.session.table.listed(ramp.session.settings.adapter_flag)
    return [str(entry["status"]) for entry in listed if entry["ramp"] == ramp.name]


def the_daily_rule_comes_by(ramp: Ramp) -> None:
    """As the rule `huntaze-flag-cleanup` invokes the net."""
    answer = ramp.stack.client("lambda").invoke(FunctionName="huntaze-cleanup", Payload=json.dumps({}))
    assert "FunctionError" not in answer, answer["Payload"].read()


@pytest.mark.parametrize("name", STATES)
def test_the_doctor_mends_what_a_killed_emulator_left(ramp: Ramp, name: str) -> None:
    """Whatever the task had done by then."""
    ramp.start()
    ramp.reaches(name)
    with outage(ramp.folder):
        pass
    assert ramp.name not in ramps.running(ramp.session)
    mended = doctor(ramp)
    if name in WITH_USERS:
        assert f"held by {ramp.name}, which nobody runs any more; 50 % of traffic is on the candidate" in mended
    ramp.ends_safe()
    assert doctor(ramp) == "nothing is left behind"
    assert status_of(ramp) in ([], ["rolled_back"], ["promoted"])


@pytest.mark.parametrize("name", WITH_USERS)
def test_half_the_users_stay_on_the_candidate_until_the_daily_rule_comes_by(ramp: Ramp, name: str) -> None:
    """Nobody else hears of the ramp's end. Users are answered before and after; in between there is no Lambda."""
    with Traffic(ramp.stack.endpoint_url, 8.0) as traffic:
        ramp.start()
        ramp.reaches(name)
        assert traffic.snapshot().failures == 0
        with outage(ramp.folder):
            pass
        time.sleep(CONNECTING_SECONDS)
        away = traffic.snapshot()
        assert ramp.session.levers.read().share_ppm == HALF_PPM
        assert ramp.session.table.lock(ramp.session.settings.adapter_flag) is not None
        time.sleep(ORPHANED_SECONDS)
        the_daily_rule_comes_by(ramp)
        ramp.ends_safe()
        after = traffic.snapshot()
    print(f"{away.failures} requests found no emulator; {after.requests - away.requests} came later")
    assert after.requests > away.requests
    assert after.failures == away.failures, after.last_failure


def test_the_next_ramp_settles_the_dead_one_and_is_promoted(ramp: Ramp, repository: Path) -> None:
    """Nobody has to call the doctor first, and what came back runs whole ramps."""
    ramp.start()
    ramp.reaches("Ask For Decision")
    with outage(ramp.folder):
        pass
    following = Ramp(ramp.stack, repository, f"{ramp.name}-next")
    following._evidence()  # and no `start`, which would clear the way first
    started = ramp.session.states.start_execution(
        stateMachineArn=ramp.session.state_machine_arn, name=following.name, input=json.dumps(PLAN)
    )
    following.arn = started["executionArn"]
    following.ends_safe()
    assert [status_of(each) for each in (ramp, following)] == [["rolled_back"], ["promoted"]]
