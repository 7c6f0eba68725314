"""A stack that is updated with other parameters: users get what they say."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from local_stack import deploy
from local_stack.stack import Stack
from rampctl.main import app
from typer.testing import CliRunner

from tests.emulator.conftest import ROOT

READ, ALIAS = "huntaze-mock-read", "live"


def of_users(stack: Stack) -> dict[str, Any]:
    """The configuration of the version that users read through."""
    found: Any = stack.client("lambda").get_function_configuration(FunctionName=READ, Qualifier=ALIAS)
    return dict(found)


@pytest.fixture
def update(local_stack: Stack) -> Iterator[Callable[[dict[str, str]], None]]:
    """Deploy the shared stack with parameters; it has its own again afterwards."""

    def deployed(parameters: dict[str, str]) -> None:
        deploy.deploy(local_stack.client, ROOT, local_stack.database_url, parameters, print)

    yield deployed
    deployed({})
    functions = local_stack.client("lambda")  # which CloudFormation on AWS waits for
    for function in functions.list_functions()["Functions"]:
        functions.get_waiter("function_updated_v2").wait(FunctionName=function["FunctionName"])


def test_a_changed_parameter_reaches_users_by_a_version_of_its_own(
    local_stack: Stack, update: Callable[[dict[str, str]], None]
) -> None:
    """They read through the alias, whose version keeps the environment that it was published with."""
    before = of_users(local_stack)
    assert before["Environment"]["Variables"]["USER_IDS"] == "clear"
    update({"UserIds": "hashed"})
    after = of_users(local_stack)
    assert after["Environment"]["Variables"]["USER_IDS"] == "hashed"
    assert int(after["Version"]) == int(before["Version"]) + 1
    assert "UserIds=hashed" in after["Description"]
    kept = local_stack.client("lambda").get_function_configuration(FunctionName=READ, Qualifier=before["Version"])
    assert kept["Environment"]["Variables"]["USER_IDS"] == "clear"


def test_what_was_changed_by_hand_and_reaches_no_user_is_told(
    local_stack: Stack, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version of it was never published, so nothing but this check would say that users run something else."""
    monkeypatch.chdir(repository)
    functions = local_stack.client("lambda")
    before = functions.get_function_configuration(FunctionName=READ)["Environment"]["Variables"]
    functions.update_function_configuration(FunctionName=READ, Environment={"Variables": {**before, "USER_IDS": "off"}})
    try:
        told = json.loads(CliRunner().invoke(app, ["verify", "--local", "--json"]).stdout)
    finally:
        functions.update_function_configuration(FunctionName=READ, Environment={"Variables": before})
    (finding,) = [finding for finding in told["findings"] if finding["name"] == "alias"]
    assert not finding["passed"]
    assert "reaches no user: USER_IDS" in finding["found"]


def test_the_candidate_may_make_network_interfaces_in_a_vpc_alone(
    local_stack: Stack, update: Callable[[dict[str, str]], None]
) -> None:
    """By its role; the emulator's CloudFormation gives no function a VPC, tests/template looks at that."""
    functions, iam = local_stack.client("lambda"), local_stack.client("iam")

    def may_interface() -> bool:
        role = functions.get_function_configuration(FunctionName="huntaze-prisma-read")["Role"].rpartition("/")[2]
        attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        return any(each["PolicyArn"].endswith("AWSLambdaVPCAccessExecutionRole") for each in attached)

    assert not may_interface()
    update({"DatabaseSubnetIds": "subnet-1,subnet-2", "DatabaseSecurityGroupIds": "sg-1"})
    assert may_interface()
