"""The local stack comes up, serves, counts, traces, watches, and goes without a trace of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from local_stack import ports, stack, state
from local_stack.alarms import AlarmKeeper
from local_stack.process import LocalStackError
from local_stack.stack import Stack
from local_stack.traffic import Traffic

REQUESTS = 24
UP = "import sys; from pathlib import Path; from local_stack import stack; stack.up(Path(sys.argv[1]), print)"


def eventually(found: Callable[[], object], seconds: float = 15.0) -> bool:
    """Whether `found` becomes true within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found():
            return True
        time.sleep(0.1)
    return False


def settled(count: Callable[[], float]) -> float:
    """A count once it has stood still for a second and a half: records arrive a quarter of a second late."""
    while True:
        before = count()
        time.sleep(1.5)
        if count() == before:
            return before


def total(local_stack: Stack, namespace: str, metric: str, **dimensions: str) -> float:
    """Sum of a metric's last ten minutes."""
    now = datetime.now(UTC)
    found = local_stack.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in found["Datapoints"]))


def test_a_healthy_stack_is_kept_and_says_so(local_stack: Stack, repository: Path) -> None:
    before = stack.status(repository)
    said: list[str] = []
    assert stack.up(repository, said.append) == local_stack
    assert said == [f"the local stack is already up at {local_stack.endpoint_url}"]
    assert stack.status(repository) == before
    assert before.healthy


def test_users_are_served_and_every_request_is_counted_once(local_stack: Stack) -> None:
    def counted() -> float:
        return total(local_stack, "Huntaze/ReadPath", "requests", arm="control")

    before = settled(counted)
    with Traffic(local_stack.endpoint_url, rate_per_second=12, max_seconds=REQUESTS / 12) as traffic:
        assert eventually(lambda: traffic.snapshot().requests >= REQUESTS - 1)
    seen = traffic.snapshot()
    assert seen.failures == 0, seen.last_failure
    assert seen.p95_ms is not None
    assert settled(counted) - before == seen.requests


def test_the_read_functions_own_metrics_are_there_under_its_alias(local_stack: Stack) -> None:
    payload = json.dumps({"userId": "user-1"})
    local_stack.client("lambda").invoke(FunctionName="huntaze-mock-read", Qualifier="live", Payload=payload)
    dimensions = {"FunctionName": "huntaze-mock-read", "Resource": "huntaze-mock-read:live"}
    assert eventually(lambda: total(local_stack, "AWS/Lambda", "Invocations", **dimensions) > 0)


def test_the_candidate_reads_the_real_database_and_its_segments_are_kept(local_stack: Stack, repository: Path) -> None:
    payload = json.dumps({"userId": "user-7"})
    answer = local_stack.client("lambda").invoke(FunctionName="huntaze-prisma-read", Payload=payload)
    assert json.loads(json.load(answer["Payload"])["body"])["id"] == "user-7"
    segments = repository / state.FOLDER / "traces.jsonl"
    assert eventually(lambda: "trace_id" in segments.read_text())


def test_the_templates_alarms_are_ok_while_nothing_fails(local_stack: Stack) -> None:
    def states() -> set[str]:
        alarms = local_stack.client("cloudwatch").describe_alarms()["MetricAlarms"]
        return {found["StateValue"] for found in alarms if "Metrics" in found}

    assert eventually(lambda: states() == {"OK"})


def test_a_second_command_at_the_same_time_is_told_to_wait(application: Path) -> None:
    def nested(_: str) -> None:
        with pytest.raises(LocalStackError, match="another command"):
            stack.down(application, print)

    stack.down(application, nested)


def test_a_failing_candidate_raises_the_alarm_and_its_notice(bare_emulator: Any) -> None:
    cloudwatch = bare_emulator("cloudwatch")
    metrics: Any = [
        {
            "Id": name,
            "ReturnData": False,
            "MetricStat": {"Period": 60, "Stat": "Sum", "Metric": {"Namespace": "N", "MetricName": name}},
        }
        for name in ("errors", "requests")
    ]
    cloudwatch.put_metric_alarm(
        AlarmName="rate",
        Metrics=[{"Id": "rate", "Expression": "errors / FILL(requests, 1)"}, *metrics],
        EvaluationPeriods=5,
        DatapointsToAlarm=3,
        Threshold=0.02,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    now = int(time.time()) // 10 * 10
    for second in range(now - 50, now, 10):
        stamp = datetime.fromtimestamp(second, UTC)
        data = [("requests", 100), ("errors", 3 if second >= now - 30 else 0)]
        values: Any = [{"MetricName": name, "Value": value, "Timestamp": stamp} for name, value in data]
        cloudwatch.put_metric_data(Namespace="N", MetricData=values)

    def judged(until: int) -> str:
        AlarmKeeper(cloudwatch, 10).judge(until + 1)
        return str(cloudwatch.describe_alarms(AlarmNames=["rate"])["MetricAlarms"][0]["StateValue"])

    assert judged(now - 10) == "OK"
    assert judged(now) == "ALARM"
    assert judged(now + 100) == "OK"


@pytest.mark.long
def test_a_crashed_stack_is_found_replaced_and_leaves_nothing(application: Path, local_stack: Stack) -> None:
    said: list[str] = []
    first = stack.up(application, said.append)
    if local_stack.endpoint_url.endswith(":4566"):
        assert any("port 4566 is taken" in line for line in said)
    found = state.load(application / state.FOLDER)
    assert found is not None
    os.kill(found.emulator.pid, signal.SIGKILL)
    assert eventually(lambda: not stack.status(application).healthy)
    said.clear()
    second = stack.up(application, said.append)
    assert "not healthy any more" in said[0]
    assert second.database_url != first.database_url
    replaced = state.load(application / state.FOLDER)
    assert replaced is not None
    stack.down(application, said.append)
    assert said[-1] == "the local stack is down"
    gone = [found.emulator, found.sidecar, replaced.emulator, replaced.sidecar]
    assert not any(process.alive for process in gone if process is not None)
    assert ports.is_free(int(second.endpoint_url.rsplit(":", 1)[1]))
    assert not (application / state.FOLDER).exists()
    assert stack.status(application).parts == ()


@pytest.mark.parametrize("moment", ["the first process runs", "template.yaml is being deployed"])
def test_an_interrupted_start_leaves_nothing(application: Path, moment: str) -> None:
    folder = application / state.FOLDER
    starting = subprocess.Popen(
        [sys.executable, "-c", UP, str(application)],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert starting.stdout is not None
    try:
        if moment == "the first process runs":
            assert eventually((folder / state.FILE_NAME).exists)
        else:
            assert any("deploying template.yaml" in line for line in starting.stdout)
        started = psutil.Process(starting.pid).children(recursive=True)
        starting.send_signal(signal.SIGINT)
        starting.communicate(timeout=30)
    finally:
        starting.kill()
        starting.wait()
    left = stack.status(application)
    stack.down(application, print)
    assert starting.returncode not in {0, None}
    assert started
    assert left.parts == ()
    assert not folder.exists()
    assert not [child for child in started if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
