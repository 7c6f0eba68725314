"""The door between Lambda and the tasks: which troubles are retried, and what the world is made of."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError
from ramp import handlers
from ramp.errors import AwsUnavailable
from ramp.settings import Settings
from ramp.world import World
from rampctl.rehearsal.fakes import FakeMetrics, House

from tests.statemachine.ramp_run import healthy

CONTEXT: Any = SimpleNamespace(
    function_name="huntaze-ramp-shift",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:huntaze-ramp-shift",
    aws_request_id="request-1",
)
VARIABLES = (
    "APPCONFIG_APPLICATION",
    "APPCONFIG_ENVIRONMENT",
    "APPCONFIG_PROFILE",
    "APPCONFIG_STRATEGY",
    "ADAPTER_FLAG",
    "SHADOW_FLAG",
    "READ_FUNCTION",
    "READ_ALIAS",
    "RAMP_TABLE",
    "NOTICE_TOPIC",
    "ALARM_NAMES",
    "DEADLINE_GROUP",
    "DEADLINE_ROLE_ARN",
    "CLEANUP_FUNCTION_ARN",
    "LINK_URL",
    "MORE_FLAGS",
    "STACK_NAME",
    "CODE_DEPLOY_APPLICATION",
    "CODE_DEPLOY_GROUP",
    "ROUTER_LOGS",
    "COMPARATOR_LOGS",
)


@pytest.fixture(autouse=True)
def no_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tasks of these tests look at no world."""
    monkeypatch.setattr(handlers, "world", House(FakeMetrics(healthy)).world)


def through_the_door(error: Exception) -> Exception:
    """What leaves a handler whose task raises `error`."""

    def task(event: Mapping[str, Any], world: World) -> dict[str, Any]:
        raise error

    with pytest.raises(Exception) as left:  # noqa: PT011  # which one is the question
        handlers.handler(task)({}, CONTEXT)
    return left.value


def refusal(code: str, status: int = 400) -> ClientError:
    """AWS's answer with this code, and this status."""
    answer: Any = {"Error": {"Code": code, "Message": "so"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "StartDeployment")


@pytest.mark.parametrize(
    "error",
    [
        refusal("ThrottlingException"),
        refusal("TooManyRequestsException"),
        refusal("InternalServiceError", 500),  # CloudWatch's
        refusal("InternalServerException", 500),  # AppConfig's
        refusal("ServiceUnavailable", 503),
        refusal("Throttled", 429),  # SNS's
        ConnectTimeoutError(endpoint_url="https://appconfig"),
        EndpointConnectionError(endpoint_url="https://appconfig"),
    ],
    ids=str,
)
def test_passing_troubles_of_aws_leave_under_the_name_that_is_retried(error: Exception) -> None:
    """AwsUnavailable is in every Retry of the state machine."""
    left = through_the_door(error)
    assert isinstance(left, AwsUnavailable)
    assert left.__cause__ is error


@pytest.mark.parametrize("error", [refusal("AccessDeniedException"), KeyError("ramp")], ids=str)
def test_other_troubles_leave_as_they_are(error: Exception) -> None:
    """Trying again would not help."""
    assert through_the_door(error) is error


def test_what_a_task_gives_is_what_the_state_machine_gets() -> None:
    """The door adds nothing."""

    def task(event: Mapping[str, Any], world: World) -> dict[str, Any]:
        return {"echo": event}

    assert handlers.handler(task)({"ramp": 1}, CONTEXT) == {"echo": {"ramp": 1}}


def test_the_world_is_made_of_the_environment() -> None:
    """One adapter each; no call is made before one is needed."""
    lists = {"ALARM_NAMES": "a,b", "MORE_FLAGS": "c:d,e:f"}
    settings = Settings.from_environment({name: name.lower() for name in VARIABLES} | lists)
    world = World.on_aws(settings, boto3.Session(region_name="us-east-1"))
    assert settings.alarms == ("a", "b")
    flags = [(each.flags.adapter, each.flags.shadow) for each in world.listed()]
    assert flags == [("adapter_flag", "shadow_flag"), ("c", "d"), ("e", "f")]


@pytest.mark.parametrize("name", VARIABLES)
def test_a_missing_variable_is_named(name: str) -> None:
    """By name, when the sandbox starts."""
    with pytest.raises(KeyError, match=name):
        Settings.from_environment({other: "x" for other in VARIABLES if other != name})
