"""What `ramp preflight` and `ramp verify` print and exit with, and what counts as a malformed flag."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from ramp.adapters.alias_lever import AliasPosition
from ramp.adapters.drift import Drift
from ramp.adapters.guards import Guard
from ramp.core.flag_document import FlagNames, setting_for, write_setting
from ramp.core.state import RampState
from rampctl import comparing, inspection, looks, preflight, verifying
from rampctl.exits import Exit
from rampctl.inspection import Check, UnsoundError
from rich.console import Console

from tests.statemachine.ramp_run import ARN, RAMP, a_plan

NOBODY: Any = None  # no look of these tests asks a session


def good(_: Any) -> str:
    return "it is there"


def bad(_: Any) -> str:
    raise UnsoundError("it is not there")


def denied(_: Any) -> str:
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetThing")


CHECKS = (
    Check("first", "because", "mend first", good),
    Check("second", "since", "mend second", bad),
    Check("third", "as", "mend third", denied),
)


def test_every_check_is_made_and_a_refusal_of_aws_is_a_finding() -> None:
    """One that fails keeps none of the others from being made."""
    found = inspection.inspect(NOBODY, CHECKS)
    assert [finding.passed for finding in found] == [True, False, False]
    assert "AccessDenied" in found[2].found
    assert [finding.mends for finding in found] == ["", "mend second", "mend third"]


def test_people_read_what_failed_why_it_matters_and_what_mends_it(capsys: pytest.CaptureFixture[str]) -> None:
    code = inspection.tell(inspection.inspect(NOBODY, CHECKS[:2]), Console(width=100), as_json=False)
    said = capsys.readouterr().out
    assert code is Exit.UNKNOWN
    assert "second: since\n  mend second" in said
    assert "mend first" not in said
    assert said.rstrip().endswith("1 of 2 checks passed")


def test_scripts_read_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    code = inspection.tell(inspection.inspect(NOBODY, CHECKS[:1]), Console(), as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (code, told["passed"], told["findings"][0]["found"]) == (0, True, "it is there")


def test_there_are_fifteen_checks_before_a_ramp_and_twelve_after_a_deployment() -> None:
    """Requirements, section 5; each with a name of its own, a reason and a command."""
    for checks, count in ((preflight.CHECKS, 15), (verifying.CHECKS, 12)):
        assert len({check.name for check in checks}) == count == len(checks)
        assert all(check.why and check.mends for check in checks)


class Deployed:
    """A session whose read function has these versions, each with its variables; users are on the first."""

    settings = SimpleNamespace(read_function="read", read_alias="live")
    levers = SimpleNamespace(read=lambda: SimpleNamespace(alias=AliasPosition("1", {}, "")))

    def __init__(self, **variables: dict[str, str]) -> None:
        versions = [
            {"Version": name.replace("latest", "$LATEST").removeprefix("v"), "Environment": {"Variables": values}}
            for name, values in variables.items()
        ]
        pages = SimpleNamespace(paginate=lambda **_: [{"Versions": versions[:1]}, {"Versions": versions[1:]}])
        self.functions = SimpleNamespace(get_paginator=lambda _: pages)


def test_what_was_deployed_and_never_published_reaches_no_user_and_is_named() -> None:
    """They read through the alias, whose version keeps the settings that it was published with."""
    session: Any = Deployed(v1={"USER_IDS": "clear", "X": "1"}, latest={"USER_IDS": "hashed", "X": "1"})
    with pytest.raises(UnsoundError, match=r"read:live is on version 1, .* reaches no user: USER_IDS; publish it"):
        looks.alias(session)


@pytest.mark.parametrize("newer", [{}, {"v2": {"USER_IDS": "hashed"}}], ids=["published", "for the alias lever"])
def test_a_version_that_waits_for_a_ramp_by_the_alias_is_sound(newer: dict[str, Any]) -> None:
    """As is the one that users are on, when nothing was deployed since."""
    session: Any = Deployed(**{"v1": {"USER_IDS": "clear"}, **newer, "latest": newer.get("v2", {"USER_IDS": "clear"})})
    assert looks.alias(session) == "read:live is whole on version 1"


class Database:
    """A session whose candidate answers one user with this status, and its census with these values."""

    settings = SimpleNamespace(read_function="read")

    def __init__(self, status: int, census: object) -> None:
        def invoke(FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803  # boto3's own names
            assert FunctionName == "candidate"
            body = json.dumps({"id": "user-1"})
            told = census if json.loads(Payload).get("census") else {"statusCode": status, "body": body}
            return {"Payload": io.BytesIO(json.dumps(told).encode())}

        variables = {"CANDIDATE_FUNCTION": "candidate", "SHADOW_FUNCTION": "comparator"}
        configuration = {"Environment": {"Variables": variables}}
        self.functions = SimpleNamespace(invoke=invoke, get_function_configuration=lambda **_: configuration)


def test_a_database_with_the_schema_and_the_users_is_sound() -> None:
    session: Any = Database(200, {"users": 50, "schema": comparing.SCHEMA})
    assert looks.candidate(session) == f"candidate answers 200 for user-1; 50 users, schema {comparing.SCHEMA}"


@pytest.mark.parametrize(
    ("status", "census", "said", "mends"),
    [
        (
            404,
            {"users": 0, "schema": comparing.SCHEMA},
            "404 for user-1, whom control has; it has 0 users",
            "ramp compare",
        ),
        (200, {"users": 50, "schema": None}, "has the schema None, expected 001_users", ""),
        (200, {"users": 50, "schema": "000_before"}, "has the schema 000_before, expected 001_users", ""),
        (200, {"message": "no census here"}, "has the schema None", ""),
    ],
    ids=["empty table", "never migrated", "another schema", "no census"],
)
def test_a_database_that_answers_is_not_yet_one_to_ramp_to(status: int, census: object, said: str, mends: str) -> None:
    """An empty table answers everybody with 404, and would have passed for migrated."""
    session: Any = Database(status, census)
    with pytest.raises(UnsoundError, match=said) as unsound:
        looks.candidate(session)
    assert unsound.value.mends == mends


class Guarded:
    """A session whose guards are in these states, and differ so from the template."""

    settings = SimpleNamespace(alarms=("one", "two"), stack="stack")

    def __init__(self, states: tuple[str, str], drift: Drift | None = None) -> None:
        guards = tuple(Guard(name, state) for name, state in zip(self.settings.alarms, states, strict=True))
        self.world = SimpleNamespace(
            guards=SimpleNamespace(read=lambda _: guards), stack=SimpleNamespace(drift=lambda: drift or Drift())
        )

    def client(self, _: str) -> Any:
        parameters = [{"ParameterKey": name, "ParameterValue": "?"} for name in ("NotifyEmail", "MoreFlags")]
        return SimpleNamespace(describe_stacks=lambda **_: {"Stacks": [{"Parameters": parameters}]})


def test_an_alarm_without_data_is_not_told_as_ok() -> None:
    """It acts as soon as it has some, so it is sound; but nobody has seen it work."""
    session: Any = Guarded(("OK", "INSUFFICIENT_DATA"))
    assert looks.guards(session) == "one OK; two without data; armed, and as deployed"


def test_guards_that_nobody_has_compared_with_the_template_are_not_as_deployed() -> None:
    session: Any = Guarded(("OK", "OK"), Drift(unknown="another detection runs"))
    with pytest.raises(UnsoundError, match="cannot be told: another detection runs") as unsound:
        looks.guards(session)
    assert unsound.value.mends == looks.DETECT


def test_what_was_changed_by_hand_is_put_back_by_no_deploy_of_the_same_template() -> None:
    """CloudFormation compares templates; a change set that reverts drift compares with what is there."""
    session: Any = Guarded(("OK", "OK"), Drift({"ErrorRateAlarm": "MODIFIED in /Threshold"}))
    (finding,) = inspection.inspect(session, (Check("alarms", "why", "another command", looks.guards),))
    assert finding.found == "not as deployed: ErrorRateAlarm MODIFIED in /Threshold"
    assert "REVERT_DRIFT" in finding.mends
    assert finding.mends.endswith(
        " --parameters ParameterKey=NotifyEmail,UsePreviousValue=true ParameterKey=MoreFlags,UsePreviousValue=true"
    )


@pytest.mark.parametrize("status", ["UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED"])
def test_a_stack_that_a_ramp_refuses_fails_beforehand(status: str) -> None:
    """Prepare Ramp says the same by `stack.UNSETTLED`."""
    world = SimpleNamespace(
        traffic=SimpleNamespace(in_flight=lambda: None),
        stack=SimpleNamespace(code_deploy=lambda: None, status=lambda: status, name="stack"),
    )
    session: Any = SimpleNamespace(world=world)
    with pytest.raises(UnsoundError, match=f"stack stack: {status}") as unsound:
        preflight.nothing_in_flight(session)
    assert unsound.value.mends in preflight.MENDS


def test_every_function_of_the_stack_is_asked_for_its_state() -> None:
    """Also those that move traffic: a ramp whose task is not ready dies on its way."""
    pages = [
        {"StackResourceSummaries": [{"ResourceType": "AWS::Lambda::Function", "PhysicalResourceId": "read"}]},
        {"StackResourceSummaries": [{"ResourceType": "AWS::Lambda::Function", "PhysicalResourceId": "shift"}]},
    ]
    listing = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: pages))
    states = {"read": "Active", "shift": "Inactive"}
    session: Any = SimpleNamespace(
        settings=SimpleNamespace(stack="stack"),
        client=lambda _: listing,
        functions=SimpleNamespace(get_function_configuration=lambda **asked: {"State": states[asked["FunctionName"]]}),
    )
    with pytest.raises(UnsoundError, match=r"^shift is Inactive"):
        looks.functions(session)
    states["shift"] = "Active"
    assert looks.functions(session) == "all 2 are active"


@pytest.mark.parametrize(("shown", "found"), [("off", "canary, path"), ("hashed", "canary, path, userId")])
def test_traces_without_users_pass_where_users_are_left_out_of_them(
    shown: str, found: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the parameter UserIds=off no trace ever carries userId."""
    segments = tmp_path / "segments"
    segments.write_text(json.dumps({"annotations": dict.fromkeys(found.split(", "), True)}))
    monkeypatch.setattr(looks, "control", good)
    monkeypatch.setattr(verifying, "TRACE_SECONDS", 0.0)
    configuration = {"Environment": {"Variables": {"USER_IDS": shown}}}
    session: Any = SimpleNamespace(
        settings=SimpleNamespace(read_function="read"),
        functions=SimpleNamespace(get_function_configuration=lambda **_: configuration),
        segments=segments,
    )
    assert verifying.annotations(session) == f"traces carry {found}"


SOUND = {"enabled": True, "ramp": RAMP, "step": 1, "share_ppm": 1, "salt": "s", "deadline_ms": 500, "fallback": True}
OFF: dict[str, Any] = {"enabled": False}


def serving(content: Any) -> Any:
    """A session of a stack with two routes, whose AppConfig serves `content`: bytes, or what is put into JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    client = SimpleNamespace(
        start_configuration_session=lambda **_: {"InitialConfigurationToken": "token"},
        get_latest_configuration=lambda **_: {"Configuration": io.BytesIO(body)},
    )
    flags = (("prismaAdapter", "prismaShadow"), ("second", "secondShadow"))
    settings = SimpleNamespace(application="a", environment="e", profile="p", flags=flags)
    return SimpleNamespace(settings=settings, client=lambda _: client)


def test_what_the_control_plane_writes_is_no_malformed_flag() -> None:
    """At a step of a plan, both flags; a flag that no ramp has moved yet is off."""
    state = RampState(ramp=RAMP, execution_arn=ARN, raw_plan=a_plan(), alias_version="1", started_at=0)
    document = write_setting({}, FlagNames("prismaAdapter", "prismaShadow"), setting_for(state.at_next_step()))
    found = looks.flag(serving(document["values"]))
    assert found == "prismaAdapter is on, prismaShadow is on, second is off, secondShadow is off"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"{", "the flag document is no JSON"),
        ([], "the flag document is no JSON object"),
        ({"prismaAdapter": {"enabled": True}}, "prismaAdapter.ramp: is missing"),
        ({"prismaAdapter": {"enabled": "yes"}}, "prismaAdapter.enabled: is unusable, got str"),
        ({"prismaAdapter": {**SOUND, "fallback": None}}, "prismaAdapter.fallback: is unusable, got nothing"),
        ({"prismaAdapter": {**SOUND, "share_ppm": 0.5}}, "prismaAdapter.share_ppm: is unusable, got 0.5"),
        ({"prismaAdapter": {**SOUND, "ramp": "of two words"}}, "prismaAdapter.ramp: is unusable, got str"),
        ({"prismaShadow": {"enabled": True, "ramp": RAMP, "step": 1}}, "prismaShadow.sample_ppm: is missing"),
        (
            {"second": {**SOUND, "deadline_ms": 5}},
            "second.deadline_ms: is unusable, got 5, expected an integer of 10-10,000",
        ),
    ],
)
def test_a_document_that_routers_refuse_is_told_with_its_path(document: Any, said: str) -> None:
    """Of every flag that ramps of the stack may move."""
    with pytest.raises(UnsoundError) as refused:
        looks.flag(serving(document))
    assert said in str(refused.value)


def test_a_deployment_that_leaves_any_flag_on_is_told() -> None:
    """Of the second route, too."""
    assert looks.flag_off(serving({"prismaAdapter": OFF})) == "prismaAdapter is off, second is off"
    with pytest.raises(UnsoundError, match="second is on"):
        looks.flag_off(serving({"prismaAdapter": OFF, "second": SOUND}))
