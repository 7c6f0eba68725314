"""The AWS CLI against the local stack, with the names that operators already type."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from local_stack.stack import Stack

AWS = Path(sys.executable).with_name("aws")


@pytest.fixture
def aws(local_stack: Stack, tmp_path: Path) -> Any:
    """Call the CLI; returns its output, decoded."""

    def call(*arguments: str) -> Any:
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        ended = subprocess.run(
            [AWS, *arguments, "--output", "json"],
            cwd=tmp_path,
            env=environment | local_stack.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    return call


def test_a_user_is_read_by_name(aws: Any, tmp_path: Path) -> None:
    """`aws lambda invoke --function-name huntaze-mock-read` answers with the user as JSON."""
    payload = '{"userId":"user-1"}'
    aws("lambda", "invoke", "--function-name", "huntaze-mock-read", "--payload", payload, "out.json")
    answer = json.loads((tmp_path / "out.json").read_text())
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["id"] == "user-1"


def test_the_flag_deployment_and_the_alias_are_found_by_name(aws: Any) -> None:
    """The first deployment put both flags off, and `live` is whole on the first version."""
    applications = {item["Name"]: item["Id"] for item in aws("appconfig", "list-applications")["Items"]}
    where = ("--application-id", applications["huntaze-flags"])
    environments = {item["Name"]: item["Id"] for item in aws("appconfig", "list-environments", *where)["Items"]}
    deployment = aws(
        "appconfig",
        "get-deployment",
        *where,
        "--environment-id",
        environments["production"],
        "--deployment-number",
        "1",
    )
    assert deployment["State"] == "COMPLETE"
    alias = aws("lambda", "get-alias", "--function-name", "huntaze-mock-read", "--name", "live")
    assert alias["FunctionVersion"] == "1"
    assert not alias.get("RoutingConfig", {}).get("AdditionalVersionWeights")


def test_a_bad_plan_is_refused_with_every_fault_before_anything_is_touched(aws: Any) -> None:
    """`aws stepfunctions start-execution` with a broken plan ends as RampRefused, and names each field."""
    machines = {
        machine["name"]: machine["stateMachineArn"]
        for machine in aws("stepfunctions", "list-state-machines")["stateMachines"]
    }
    plan = Path(__file__).parents[2] / "events" / "bad" / "many-faults.json"
    started = aws(
        "stepfunctions", "start-execution", "--state-machine-arn", machines["huntaze-ramp"], "--input", plan.read_text()
    )
    for _ in range(30):
        execution = aws("stepfunctions", "describe-execution", "--execution-arn", started["executionArn"])
        if execution["status"] != "RUNNING":
            break
    assert (execution["status"], execution["error"]) == ("FAILED", "RampRefused")
    assert "steps[2].aproval" in execution["cause"]
    assert "deadline_seconds" in execution["cause"]
