"""Each thing the local deploy leaves out is still refused by this emulator, or still goes wrong in it.

When one of these fails, the emulator has learned something: take the line out of `local_stack.omissions`.
"""

import io
import json
import time
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_stack.omissions import REFUSED_PROPERTIES, REFUSED_TYPES

from tests.emulator.stacks import made

MINIMAL: dict[str, dict[str, Any]] = {
    "AWS::CodeDeploy::Application": {"ComputePlatform": "Lambda"},
    "AWS::CodeDeploy::DeploymentGroup": {"ApplicationName": "a", "ServiceRoleArn": "arn:aws:iam::000000000000:role/r"},
    "AWS::Logs::QueryDefinition": {"Name": "q", "QueryString": "fields @message"},
}
FUNCTION = {
    "Runtime": "python3.13",
    "Handler": "index.handler",
    "InlineCode": "def handler(event, context):\n    return 1\n",
}
SLOW = "import time\n\n\ndef handler(event, context):\n    time.sleep(0.5)\n"
BURST = 4


def deploys(bare_emulator: Any, name: str, resources: dict[str, Any]) -> bool:
    """Whether a stack of these resources reaches CREATE_COMPLETE."""
    try:
        return made(bare_emulator, name, resources) == "CREATE_COMPLETE"
    except ClientError:
        return False


def test_a_stack_the_emulator_knows_all_of_does_deploy(bare_emulator: Any) -> None:
    function = {"Type": "AWS::Serverless::Function", "Properties": {**FUNCTION, "AutoPublishAlias": "live"}}
    assert deploys(bare_emulator, "fine", {"Function": function})


@pytest.mark.parametrize("kind", REFUSED_TYPES)
def test_a_type_that_is_left_out_is_refused(bare_emulator: Any, kind: str) -> None:
    assert not deploys(bare_emulator, kind.replace("::", "-"), {"Thing": {"Type": kind, "Properties": MINIMAL[kind]}})


def test_a_deployment_preference_is_refused(bare_emulator: Any) -> None:
    assert "DeploymentPreference" in REFUSED_PROPERTIES
    properties = {**FUNCTION, "AutoPublishAlias": "live", "DeploymentPreference": {"Type": "Canary10Percent5Minutes"}}
    assert not deploys(
        bare_emulator, "preference", {"Function": {"Type": "AWS::Serverless::Function", "Properties": properties}}
    )


def test_asynchronous_events_over_the_reserve_are_dropped(bare_emulator: Any) -> None:
    assert "ReservedConcurrentExecutions" in REFUSED_PROPERTIES
    functions = bare_emulator("lambda")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("index.py", SLOW)
    functions.create_function(
        FunctionName="reserved",
        Runtime="python3.13",
        Role=_a_role(bare_emulator("iam")),
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    functions.put_function_concurrency(FunctionName="reserved", ReservedConcurrentExecutions=1)
    functions.put_function_event_invoke_config(FunctionName="reserved", MaximumRetryAttempts=0)
    for _ in range(BURST):
        functions.invoke(FunctionName="reserved", InvocationType="Event")
    time.sleep(BURST)
    lines = bare_emulator("logs").filter_log_events(logGroupName="/aws/lambda/reserved", filterPattern="END")["events"]
    assert 0 < len(lines) < BURST


def _a_role(iam: Any) -> str:
    """The ARN of a role for a function that logs: the emulator enforces IAM."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trusted = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn: str = iam.create_role(RoleName="reserved", AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    iam.attach_role_policy(
        RoleName="reserved", PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    )
    return arn
