"""What SAM makes of the template keeps what the template promises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.template.document import FUNCTIONS, TEMPLATE
from tests.template.transformed import named, of_type, resources

VERSION_DESCRIPTION_MAX = 256  # Source: AWS Lambda API reference, PublishVersion
ARN_OF_A_LAYER = "arn:aws-cn:lambda:cn-northwest-1:123456789012:layer:AWS-AppConfig-Extension-Arm64:1234"


def parameters_behind(name: str) -> set[str]:
    """The parameters that a name stands for: itself, or those that a condition asks."""
    if name in TEMPLATE["Parameters"]:
        return {name}
    condition = TEMPLATE["Conditions"].get(name, {})
    return {parameter for inner in named(condition) for parameter in parameters_behind(inner)}


def test_each_parameter_that_reaches_the_read_function_publishes_a_version_of_it() -> None:
    """Users read through the alias, and SAM publishes changed code alone: a parameter would reach nobody.

    CloudFormation replaces a version whose description changes. Lambda refuses to publish one that changes nothing, so
    a parameter that does not reach the function may not be named. Source: AWS::Lambda::Version, Description, "Update
    requires: Replacement"; createOnlyProperties of its registry schema.
    """
    ((name, version),) = of_type("AWS::Lambda::Version").items()
    function = resources()["MockReadFunction"]["Properties"]
    reaching = {parameter for inner in named(function) for parameter in parameters_behind(inner)}
    assert set(named(version["Properties"]["Description"])) == reaching
    alias = resources()["MockReadFunctionAliaslive"]
    assert alias["Properties"]["FunctionVersion"] == {"Fn::GetAtt": [name, "Version"]}
    assert "CodeDeployLambdaAliasUpdate" in alias["UpdatePolicy"]
    assert version["UpdateReplacePolicy"] == "Retain"


def test_every_role_can_be_bounded_those_that_sam_makes_too() -> None:
    """An organisation that demands a boundary refuses the stack for one role without it."""
    unbounded = {name for name, role in of_type("AWS::IAM::Role").items() if not _is_bounded(role["Properties"])}
    assert unbounded == set()


def _is_bounded(role: Mapping[str, Any]) -> bool:
    boundary = {"Fn::If": ["HasPermissionsBoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]}
    return role.get("PermissionsBoundary") == boundary


def test_the_candidate_alone_stands_in_the_databases_vpc_and_may_make_interfaces_there_only() -> None:
    """The others need AWS's APIs, which a function in a VPC does not reach by itself.

    Source: AWS Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC".
    """
    functions = of_type("AWS::Lambda::Function")
    assert [name for name, each in functions.items() if "VpcConfig" in each["Properties"]] == ["PrismaReadFunction"]
    placed = {name: {"Fn::Split": [",", {"Ref": f"Database{name}"}]} for name in ("SubnetIds", "SecurityGroupIds")}
    none = {"Ref": "AWS::NoValue"}
    assert functions["PrismaReadFunction"]["Properties"]["VpcConfig"] == {"Fn::If": ["HasVpc", placed, none]}
    may_interface = [
        (name, policy)
        for name, role in of_type("AWS::IAM::Role").items()
        for policy in role["Properties"].get("ManagedPolicyArns", [])
        if "AWSLambdaVPCAccessExecutionRole" in str(policy)
    ]
    ((role, policy),) = may_interface
    condition, _, otherwise = policy["Fn::If"]
    assert (role, condition, otherwise) == ("PrismaReadFunctionRole", "HasVpc", none)
    assert parameters_behind("HasVpc") == {"DatabaseSubnetIds", "DatabaseSecurityGroupIds"}


@pytest.mark.parametrize(("function", "parameter"), [("ShadowCompare", "Shadow"), ("Link", "Link")])
def test_an_account_without_room_for_reserves_can_deploy(function: str, parameter: str) -> None:
    """Lambda keeps 100 executions unreserved, and new accounts often have a limit of ten.

    Source: AWS Lambda developer guide, "Configuring reserved concurrency".
    """
    reserve = resources()[f"{function}Function"]["Properties"]["ReservedConcurrentExecutions"]
    condition, reserved, none = reserve["Fn::If"]
    assert (reserved, none) == ({"Ref": f"{parameter}Concurrency"}, {"Ref": "AWS::NoValue"})
    assert TEMPLATE["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [reserved, "-1"]}]}
    assert TEMPLATE["Parameters"][f"{parameter}Concurrency"]["MinValue"] == -1


def test_the_longest_description_of_a_version_is_one_that_lambda_takes() -> None:
    ((_, version),) = of_type("AWS::Lambda::Version").items()
    text = version["Properties"]["Description"]["Fn::Sub"]
    for name in named(version["Properties"]["Description"]):
        parameter = TEMPLATE["Parameters"][name]
        values = parameter.get("AllowedValues") or [parameter.get("MaxValue", ARN_OF_A_LAYER)]
        text = text.replace(f"${{{name}}}", max(map(str, values), key=len))
    assert len(text) <= VERSION_DESCRIPTION_MAX


def test_a_guard_that_somebody_puts_off_is_drift() -> None:
    """CloudFormation compares what the template says, and no default that it leaves unsaid.

    Source: AWS CloudFormation user guide, "What is drift?".
    """
    alarms, rules = of_type("AWS::CloudWatch::Alarm"), of_type("AWS::Events::Rule")
    assert alarms
    assert rules
    assert {name for name, alarm in alarms.items() if alarm["Properties"].get("ActionsEnabled") is not True} == set()
    assert {name for name, rule in rules.items() if rule["Properties"].get("State") != "ENABLED"} == set()


def test_what_an_alarm_computes_says_all_that_cloudwatch_would_add() -> None:
    """A default inside a list would be read back as a difference, and refuse every ramp."""
    queries = [query for alarm in of_type("AWS::CloudWatch::Alarm").values() for query in _queries(alarm)]
    assert queries
    assert [query["Id"] for query in queries if "ReturnData" not in query] == []


def _queries(alarm: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(alarm["Properties"].get("Metrics", ()))


def test_prepare_ramp_may_read_each_guard_that_it_has_compared() -> None:
    """CloudFormation reads them in its name, and the emulator asks nobody's leave: a miss would refuse every ramp."""
    statements = [each for policy in FUNCTIONS["PrepareFunction"]["Policies"] for each in policy.get("Statement", ())]
    (allowed,) = (each["Resource"] for each in statements if each["Sid"] == "LetCloudFormationReadTheGuards")
    named_so = {each["Fn::Sub"].partition("${AWS::AccountId}:")[2] for each in allowed if "Fn::Sub" in each}
    assert named_so == {"stack/${AWS::StackName}/*", "alarm:huntaze-*", "rule/huntaze-*", "function:huntaze-*"}
    permitted = {
        logical
        for permission in of_type("AWS::Lambda::Permission").values()
        for logical in of_type("AWS::Lambda::Function")
        if logical in json.dumps(permission["Properties"]["FunctionName"])
    }
    assert "BrakeFunction" in permitted
    names = [
        *(alarm["Properties"]["AlarmName"] for alarm in of_type("AWS::CloudWatch::Alarm").values()),
        *(rule["Properties"]["Name"] for rule in of_type("AWS::Events::Rule").values()),
        *(resources()[function]["Properties"]["FunctionName"] for function in permitted),
    ]
    assert [name for name in names if not name.startswith("huntaze-")] == []
    assert {each["Ref"] for each in allowed if "Ref" in each} == set(of_type("AWS::SNS::Topic"))
