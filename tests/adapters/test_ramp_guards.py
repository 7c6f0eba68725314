"""Whether an alarm could act, as CloudWatch tells it; and what is asked of CodeDeploy and CloudFormation."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from ramp.adapters.guards import Guard, Guards
from ramp.adapters.stack import Stack

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC).timestamp()
LIVE = {"FunctionName": "read", "Resource": "read:live"}

pytestmark = pytest.mark.usefixtures("aws")


def pairs(dimensions: dict[str, str]) -> list[Any]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def alarm(name: str, namespace: str, metric: str, dimensions: dict[str, str], **more: Any) -> None:
    """An alarm over metric math of one metric."""
    stat = {"Namespace": namespace, "MetricName": metric, "Dimensions": pairs(dimensions)}
    boto3.client("cloudwatch").put_metric_alarm(
        **{
            "AlarmName": name,
            "Metrics": [
                {"Id": "rate", "Expression": "m / 2", "ReturnData": True},
                {"Id": "m", "ReturnData": False, "MetricStat": {"Period": 60, "Stat": "Sum", "Metric": stat}},
            ],
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 1,
            "EvaluationPeriods": 1,
            "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:alarms"],
            **more,
        }
    )


def report(dimensions: dict[str, str]) -> None:
    """One datapoint, an hour before noon."""
    at = datetime.fromtimestamp(NOON - 3600, UTC)
    datum: Any = {"MetricName": "Errors", "Dimensions": pairs(dimensions), "Timestamp": at, "Value": 0}
    boto3.client("cloudwatch").put_metric_data(Namespace="AWS/Lambda", MetricData=[datum])


def guard(name: str = "g") -> Guard:
    (found,) = Guards(boto3.client("cloudwatch"), (name,)).read(NOON)
    return found


def test_an_alarm_whose_dimensions_report_hears() -> None:
    """Nought is a datapoint too."""
    alarm("g", "AWS/Lambda", "Errors", LIVE)
    report(LIVE)
    found = guard()
    assert (found.acts, found.silent) == (True, ())


def test_an_alarm_on_other_dimensions_than_those_that_report_is_deaf() -> None:
    alarm("g", "AWS/Lambda", "Errors", LIVE)
    report({"FunctionName": "read"})
    assert guard().silent == ("Errors of FunctionName=read, Resource=read:live",)


def test_the_candidates_own_metrics_need_not_have_reported_but_must_be_an_arms() -> None:
    """Before the first canary request nothing of them is there."""
    alarm("g", "Huntaze/ReadPath", "discordant_errors", {"arm": "candidate"})
    assert guard().silent == ()
    alarm("g", "Huntaze/ReadPath", "discordant_errors", {"arm": "canary"})
    assert guard().silent == ("discordant_errors of arm=canary",)


def test_an_alarm_without_actions_pulls_no_brake() -> None:
    alarm("g", "Huntaze/ReadPath", "errors", {"arm": "candidate"}, AlarmActions=[])
    assert not guard().acts
    alarm("g", "Huntaze/ReadPath", "errors", {"arm": "candidate"}, ActionsEnabled=False)
    assert not guard().acts


def test_an_alarm_that_is_not_there_is_missing() -> None:
    assert guard("nobody") == Guard("nobody", "MISSING", acts=False)


def test_a_stack_is_asked_for_deploys_that_have_not_ended() -> None:
    cloudformation, codedeploy = boto3.client("cloudformation"), boto3.client("codedeploy")
    with Stubber(codedeploy) as deploy:
        deploy.add_response(
            "list_deployments",
            {"deployments": ["d-1"]},
            {
                "applicationName": "application",
                "deploymentGroupName": "group",
                "includeOnlyStatuses": ["Created", "Queued", "InProgress", "Baking", "Ready"],
            },
        )
        assert Stack(cloudformation, codedeploy, "s", "application", "group", time.sleep).code_deploy() == "d-1"
    assert Stack(cloudformation, codedeploy, "s", "", "", time.sleep).code_deploy() is None


def test_a_code_deploy_is_answered_by_its_hook() -> None:
    codedeploy = boto3.client("codedeploy")
    with Stubber(codedeploy) as deploy:
        for status in ("Succeeded", "Failed"):
            deploy.add_response(
                "put_lifecycle_event_hook_execution_status",
                {},
                {"deploymentId": "d-1", "lifecycleEventHookExecutionId": "h-1", "status": status},
            )
        stack = Stack(boto3.client("cloudformation"), codedeploy, "s", "application", "group", time.sleep)
        stack.answer_code_deploy("d-1", "h-1", go=True)
        stack.answer_code_deploy("d-1", "h-1", go=False)
        deploy.assert_no_pending_responses()
