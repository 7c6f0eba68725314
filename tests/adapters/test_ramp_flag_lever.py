"""The flag lever against deployments that others make; the emulator runs them, moto does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ramp.adapters.flag_lever import Deployment, FlagLever, FlagLocation
from ramp.core.flag_document import OFF, FlagNames
from ramp.errors import TrafficNotShifted
from ramp.traffic import Traffic
from rampctl.rehearsal.fakes import FIRST_DOCUMENT, NAMES, Clock, FakeAliasLever, FakeMonitors

from tests.adapters.appconfig import CANARY, deploy, flags_in, strategy
from tests.sweep.memory.appconfig import APPLICATION, ENVIRONMENT, PROFILE, STRATEGY
from tests.sweep.memory.aws import Aws

Emulated = Callable[[str], Any]


def lever(emulated: Emulated, location: FlagLocation) -> FlagLever:
    """The lever; it need not wait for the emulator."""
    return FlagLever(emulated("appconfig"), emulated("appconfigdata"), location, NAMES, lambda _: None)


def test_a_deployment_in_flight_is_seen_refused_and_stopped(emulated: Emulated) -> None:
    """Putting is no race with it; stopping leaves what was served before it."""
    location = flags_in(emulated)
    flag, appconfig = lever(emulated, location), emulated("appconfig")
    number = deploy(appconfig, location, {**FIRST_DOCUMENT}, strategy(appconfig, minutes=10))
    assert flag.in_flight() == Deployment(number, "")
    with pytest.raises(TrafficNotShifted, match=f"deployment {number} is in flight"):
        flag.put(CANARY, "ramp ramp-1")
    assert flag.stop()
    assert flag.in_flight() is None
    flag.put(CANARY, "ramp ramp-1")
    assert flag.read() == CANARY


def test_a_deployment_that_bakes_is_stopped_like_one_that_deploys(emulated: Emulated) -> None:
    """AppConfig's predefined AllAtOnce bakes for ten minutes: users would wait as long for the way back."""
    location = flags_in(emulated)
    flag, appconfig = lever(emulated, location), emulated("appconfig")
    number = deploy(appconfig, location, {**FIRST_DOCUMENT}, strategy(appconfig, minutes=0, bake_minutes=10))
    assert flag.in_flight() == Deployment(number, "")
    assert flag.stop()
    assert flag.in_flight() is None
    flag.put(CANARY, "ramp ramp-1")
    assert flag.read() == CANARY


def test_everybody_is_back_in_seconds_while_a_colleagues_deployment_bakes() -> None:
    """It toggled another flag of the same document, by the strategy that the console offers first."""
    clock = Clock(0.0)
    aws = Aws(clock, clock.pass_seconds)
    appconfig, where = aws.client("appconfig"), FlagLocation(APPLICATION, ENVIRONMENT, PROFILE, STRATEGY)
    flag = FlagLever(appconfig, aws.client("appconfigdata"), where, NAMES, aws.sleep)  # type: ignore[arg-type]  # shaped like them
    flag.put(CANARY, "ramp ramp-1")
    appconfig.start_deployment(
        ApplicationId=APPLICATION,
        EnvironmentId=ENVIRONMENT,
        ConfigurationProfileId=PROFILE,
        DeploymentStrategyId="AppConfig.AllAtOnce",
        ConfigurationVersion=str(aws.appconfig.served_version),
    )
    clock.pass_seconds(60)
    began_at = clock()
    assert Traffic(flag, FakeAliasLever(), FakeMonitors()).settle("ramp-1", None).setting == OFF
    assert clock() - began_at < 5


def in_memory() -> tuple[FlagLever, Aws]:
    """The lever on an AppConfig in this process, where time is at hand."""
    clock = Clock(0.0)
    aws = Aws(clock, clock.pass_seconds)
    where = FlagLocation(APPLICATION, ENVIRONMENT, PROFILE, STRATEGY)
    clients: Any = aws
    return FlagLever(clients.client("appconfig"), clients.client("appconfigdata"), where, NAMES, aws.sleep), aws


def test_the_next_ramp_deletes_what_the_last_one_had_to_leave_and_nothing_that_is_to_be_deployed() -> None:
    """The version that served when a ramp ended is superseded by the next ramp alone; AppConfig keeps only so many."""
    flag, aws = in_memory()
    appconfig = aws.appconfig
    for ramp in ("ramp ramp-1", "ramp ramp-2"):
        flag.put(CANARY, ramp)
        flag.put(OFF, ramp)
        appconfig.create_hosted_configuration_version(APPLICATION, PROFILE, b"{}", "application/json", "ramp ramp-3")
        flag.prune(ramp)
    assert [v.description for v in appconfig.versions.values()] == [
        "Both flags off",
        "ramp ramp-3",
        "ramp ramp-2",
        "ramp ramp-3",
    ]


def test_a_rollback_goes_before_another_flags_step_which_comes_after_it() -> None:
    """One environment deploys one thing at a time: the step in flight is stopped, tried again, and loses nothing."""
    first, aws = in_memory()
    clients: Any = aws
    where = FlagLocation(APPLICATION, ENVIRONMENT, PROFILE, STRATEGY)
    names = FlagNames("ordersAdapter", "ordersShadow")
    second = FlagLever(clients.client("appconfig"), clients.client("appconfigdata"), where, names, aws.sleep)
    first.put(CANARY, "ramp ramp-1")
    met: list[str] = []

    def meet(call: Any, effect: Any) -> Any:
        answer = effect()
        if call.operation == "StartDeployment" and call.given["Description"] == "ramp ramp-2" and not met:
            met.append(call.operation)
            assert Traffic(first, FakeAliasLever(), FakeMonitors()).settle("ramp-1", None).setting == OFF
            met.append(second.read().ramp)
        return answer

    aws.around = meet
    with pytest.raises(TrafficNotShifted, match="is ROLLED_BACK, expected COMPLETE"):
        second.put(CANARY, "ramp ramp-2")
    second.put(CANARY, "ramp ramp-2")
    assert (met, first.read(), second.read()) == (["StartDeployment", "unknown"], OFF, CANARY)


def test_other_teams_flags_stay_as_they_are(emulated: Emulated) -> None:
    """The document is theirs too: schema, values, and flags that are off."""
    location = flags_in(emulated)
    theirs = {
        "version": "1",
        "flags": {**FIRST_DOCUMENT["flags"], "banner": {"name": "banner", "attributes": {"text": {"constraints": {}}}}},
        "values": {**FIRST_DOCUMENT["values"], "banner": {"enabled": True, "text": "hello"}},
    }
    deploy(emulated("appconfig"), location, theirs)
    flag = lever(emulated, location)
    flag.put(CANARY, "ramp ramp-1")
    flag.put(OFF, "ramp ramp-1")
    document = served(emulated, location)
    assert document["banner"] == {"enabled": True, "text": "hello"}
    assert document["prismaAdapter"]["enabled"] is False


def served(emulated: Emulated, location: FlagLocation) -> dict[str, Any]:
    """What AppConfig gives the read path."""
    data = emulated("appconfigdata")
    token = data.start_configuration_session(
        ApplicationIdentifier=location.application,
        EnvironmentIdentifier=location.environment,
        ConfigurationProfileIdentifier=location.profile,
    )["InitialConfigurationToken"]
    answer = data.get_latest_configuration(ConfigurationToken=token)
    content: dict[str, Any] = json.loads(answer["Configuration"].read())
    return content


def test_another_profiles_deployment_is_not_taken_for_ours(emulated: Emulated) -> None:
    """The newest deployment of the environment may be of another profile; ours is built on ours."""
    location, appconfig = flags_in(emulated), emulated("appconfig")
    other = appconfig.create_configuration_profile(
        ApplicationId=location.application, Name="other", LocationUri="hosted", Type="AWS.AppConfig.FeatureFlags"
    )["Id"]
    foreign = FlagLocation(location.application, location.environment, other, location.strategy)
    deploy(appconfig, foreign, {"version": "1", "flags": {"x": {"name": "x"}}, "values": {"x": {"enabled": False}}})
    flag = lever(emulated, location)
    flag.put(CANARY, "ramp ramp-1")
    assert flag.read() == CANARY
    assert set(served(emulated, location)) == {"prismaAdapter", "prismaShadow"}


def test_a_deployment_that_settles_is_waited_for_and_never_stopped(emulated: Emulated) -> None:
    """Two that settle at once would stop each other for ever; a ramp's shift in flight is stopped."""
    location, appconfig = flags_in(emulated), emulated("appconfig")
    slow = strategy(appconfig, minutes=10)
    for description, state in (("ramp ramp-2 off", "DEPLOYING"), ("ramp ramp-2", "ROLLED_BACK")):
        number = deploy(appconfig, location, {**FIRST_DOCUMENT}, slow, description)
        flag = lever(emulated, location)
        assert flag.stop()
        found = appconfig.get_deployment(
            ApplicationId=location.application, EnvironmentId=location.environment, DeploymentNumber=number
        )
        assert found["State"] == state
        if state == "DEPLOYING":
            appconfig.stop_deployment(
                ApplicationId=location.application, EnvironmentId=location.environment, DeploymentNumber=number
            )


def test_what_the_lever_deploys_says_whose_it_is_and_whether_it_settles(emulated: Emulated) -> None:
    """The marks by which another ramp, or the brake, knows what it may stop."""
    location, appconfig = flags_in(emulated), emulated("appconfig")
    flag = lever(emulated, location)
    for setting, description in ((CANARY, "ramp ramp-1"), (OFF, "ramp ramp-1 off")):
        flag.put(setting, "ramp ramp-1")
        newest = appconfig.list_deployments(ApplicationId=location.application, EnvironmentId=location.environment)
        found = appconfig.get_deployment(
            ApplicationId=location.application,
            EnvironmentId=location.environment,
            DeploymentNumber=newest["Items"][0]["DeploymentNumber"],
        )
        assert found["Description"] == description
    assert flag.prune("ramp ramp-1") == 1
