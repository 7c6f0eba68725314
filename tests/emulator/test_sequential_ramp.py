"""A ramp by the sequential gate on the emulator: limits are loose, so that seconds of traffic can certify.

Its shadow step takes longer than a test should; rehearsals play that on the same definition and tasks.
"""

import json
import time
from typing import Any

import pytest
from local_stack import faults
from local_stack.stack import Stack
from local_stack.traffic import Traffic
from rampctl import stage
from rampctl.session import Session

PLAN: dict[str, Any] = {
    "steps": [
        {"percent": 100, "bake_seconds": 6, "patience_seconds": 90},
    ],
    "look_seconds": 2,
    "shadow": {"budget_ms": 5000},
    "routing": {"deadline_ms": 5000},
    "gates": {
        "min_requests": 20,
        "error_percent_max": 20,
        "mismatch_go_percent": 10,
        "mismatch_investigate_percent": 20,
        "latency_allowance_ms": 3000,
    },
    "deadline_seconds": 10_800,
    "evidence": {"period_seconds": 1, "delay_seconds": 1, "settle_seconds": 5},
}
LIMIT_SECONDS = 150


def run(stack: Stack, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Start a ramp and follow it; returns the ended execution and the looks."""
    session = Session.of_stack(stack)
    stage.clear_the_way(session, print)
    started = session.states.start_execution(
        stateMachineArn=session.state_machine_arn, name=name, input=json.dumps(PLAN)
    )
    until = time.monotonic() + LIMIT_SECONDS
    execution: dict[str, Any] = {"status": "RUNNING"}
    while execution["status"] == "RUNNING" and time.monotonic() < until:
        time.sleep(0.5)
        execution = dict(session.states.describe_execution(executionArn=started["executionArn"]))
    return execution, [look["document"] for look in session.table.looks(name)]


@pytest.mark.usefixtures("local_stack")
def test_certificates_carry_a_healthy_candidate_to_everybody(local_stack: Stack) -> None:
    """No look passes on nothing, and each says what it still needs."""
    with Traffic(local_stack.endpoint_url):
        execution, looks = run(local_stack, "sequential-healthy")
    assert execution["status"] == "SUCCEEDED", execution
    actions = [look["action"] for look in looks]
    assert actions[-1] == "PROMOTE"
    assert any("to certify less than" in look["reason"] for look in looks), [look["reason"] for look in looks]
    names = {check["name"] for check in looks[-1]["checks"]}
    assert {"errors", "mismatches", "share"} <= names


def test_proof_rolls_a_failing_candidate_back(local_stack: Stack) -> None:
    """Its bound, its band and its error probability stand in the cause."""
    with stage.fault_free(local_stack.database_url), Traffic(local_stack.endpoint_url):
        faults.inject(local_stack.database_url, "down")
        execution, looks = run(local_stack, "sequential-down")
    assert (execution["status"], execution["error"]) == ("FAILED", "RolledBack")
    (errors,) = (check for check in looks[-1]["checks"] if check["name"] == "errors")
    assert any("[PRISMA-ERROR]" in line for line in log_lines(local_stack, errors["trace_id"]))
    assert "proven above 20 %" in execution["cause"]
    assert "reads back at 0 %" in execution["cause"]


def log_lines(stack: Stack, trace_id: str) -> list[str]:
    """Lines of the router that belong to this trace."""
    found = stack.client("logs").filter_log_events(
        logGroupName="/aws/lambda/huntaze-mock-read", filterPattern=f'"{trace_id}"'
    )
    return [event["message"] for event in found["events"]]
