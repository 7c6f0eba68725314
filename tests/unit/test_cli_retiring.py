"""`ramp retire` leaves AppConfig so that CloudFormation can delete its profile, and nothing sooner than it may."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ramp.adapters.flag_lever import FlagLever, FlagLocation
from ramp.adapters.table import Lock
from rampctl import retiring
from rampctl.exits import DONE, FOUND, CommandError, Exit
from rampctl.rehearsal.fakes import NAMES, Clock

from tests.adapters.appconfig import CANARY, SHADOW
from tests.sweep.memory.appconfig import APPLICATION, ENVIRONMENT, PROFILE, STRATEGY
from tests.sweep.memory.aws import Aws
from tests.template.document import RESOURCES


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    """AppConfig after a ramp: the stack's own version, and what two steps wrote."""
    clock = Clock(0.0)
    monkeypatch.setattr("rampctl.retiring.time.sleep", clock.pass_seconds)
    aws = Aws(clock, clock.pass_seconds)
    where = FlagLocation(APPLICATION, ENVIRONMENT, PROFILE, STRATEGY)
    lever = FlagLever(aws.client("appconfig"), aws.client("appconfigdata"), where, NAMES, aws.sleep)  # type: ignore[arg-type]  # shaped like them
    for setting in (SHADOW, CANARY):
        lever.put(setting, "ramp spring")
    return aws


def session(aws: Aws, lock: Lock | None = None) -> Any:
    """What the command asks: AppConfig, its ids, and who holds the flag's lock."""
    settings = SimpleNamespace(application=APPLICATION, environment=ENVIRONMENT, profile=PROFILE, strategy=STRATEGY)
    flag = SimpleNamespace(table=SimpleNamespace(lock=lambda _: lock), flags=NAMES)
    return SimpleNamespace(settings=settings, client=aws.client, world=SimpleNamespace(each=lambda: [flag]))


def retired(found: Any, *, sure: bool) -> tuple[Exit, str]:
    said: list[str] = []
    return retiring.retire(found, said.append, sure=sure), "\n".join(said)


def test_no_version_is_left_but_the_stacks_own_and_that_is_the_deployed_one(aws: Aws) -> None:
    """AppConfig deletes no profile with versions, and CloudFormation deletes its own."""
    assert retired(session(aws), sure=True) == (DONE, "both flags are off, and 2 versions are deleted; now: sam delete")
    assert set(aws.appconfig.versions) == {1} == {aws.appconfig.served_version}
    assert retired(session(aws), sure=True) == (DONE, "AppConfig has no version but the stack's own")


def test_it_says_what_it_would_do_and_does_nothing_until_it_is_sure(aws: Aws) -> None:
    code, said = retired(session(aws), sure=False)
    assert code is FOUND
    assert "delete the 2 versions that the stack did not make" in said
    assert set(aws.appconfig.versions) == {1, 2, 3}


def test_nothing_is_retired_under_a_ramp(aws: Aws) -> None:
    with pytest.raises(CommandError, match="spring: runs, or holds a lock"):
        retired(session(aws, Lock("spring", "arn")), sure=True)
    assert set(aws.appconfig.versions) == {1, 2, 3}


def test_without_the_stacks_own_version_nothing_is_deleted(aws: Aws) -> None:
    """There would be nothing to deploy in the place of what is deleted."""
    del aws.appconfig.versions[1]
    with pytest.raises(CommandError, match="has no version 'Both flags off'"):
        retired(session(aws), sure=True)
    assert set(aws.appconfig.versions) == {2, 3}


def test_the_stacks_own_version_is_the_one_that_the_template_describes() -> None:
    assert RESOURCES["FlagsAtFirst"]["Properties"]["Description"] == retiring.STACKS_OWN
