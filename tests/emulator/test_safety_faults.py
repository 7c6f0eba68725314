"""Faults over again on the emulator, where processes are real: a ramp is hit somewhere, and ends safe all the same.

Thirty-four ramps of seconds each, on one stack; all but one are long. Evidence is written beforehand, so that no load
is needed; where the database is the fault, users read.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from local_stack import faults, state
from local_stack.stack import Stack
from local_stack.traffic import Traffic
from ramp.core.flag_document import OFF
from rampctl import answers, ramps, stage
from rampctl.exits import CommandError
from rampctl.session import Session

ALARM = "huntaze-candidate-error-rate-gt-2pct"
PLAN: dict[str, Any] = {
    "gate": "fixed",
    "look_seconds": 1,
    "steps": [{"percent": 50, "bake_seconds": 2, "approval": True}, {"percent": 100, "bake_seconds": 2}],
    "shadow": {"sample_percent": 0},
    "gates": {"min_requests": 20},
    "deadline_seconds": 10_800,
    "evidence": {"period_seconds": 1, "delay_seconds": 0},
}
STATES = ("Prepare Ramp", "Shift Traffic", "Bake", "Measure", "Ask For Decision", "Promote", "Clean Up", "Roll Back")
FUNCTIONS = ("prepare", "shift", "measure", "ask", "promote", "clean-up", "roll-back")
STATE_OF = dict(zip(FUNCTIONS, (*STATES[:2], *STATES[3:]), strict=True))
LONG = pytest.mark.long
LIMIT_SECONDS = 60.0
FROZEN_SECONDS = 3.0
Act = Callable[["Ramp"], None]


class Ramp:
    """One ramp on the shared stack: found by its state, told what people say, and looked at when it is over."""

    def __init__(self, local_stack: Stack, repository: Path, name: str) -> None:
        self.stack, self.folder, self.name = local_stack, repository / state.FOLDER, name
        self.session = Session.of_stack(local_stack)
        self.arn = ""

    def start(self) -> None:
        """Start it on a stack where nothing runs, with sound evidence for both steps."""
        stage.clear_the_way(self.session, print)
        self.until(self._alarms_are_quiet, "finds its alarms quiet after the test before")
        self._evidence()
        started = self.session.states.start_execution(
            stateMachineArn=self.session.state_machine_arn, name=self.name, input=json.dumps(PLAN)
        )
        self.arn = started["executionArn"]

    def _alarms_are_quiet(self) -> bool:
        return not self.stack.client("cloudwatch").describe_alarms(StateValue="ALARM")["MetricAlarms"]

    def _evidence(self) -> None:
        data: list[Any] = []
        for step, (control, candidate) in enumerate([(200, 200), (0, 400)]):
            counts = {
                "control": {"requests": control, "latency_ms": 5.0},
                "candidate": {"requests": candidate, "comparisons": candidate, "latency_ms": 6.0},
            }
            for arm, metrics in counts.items():
                dimensions = [{"Name": "ramp", "Value": self.name}, {"Name": "step", "Value": str(step)}]
                dimensions.append({"Name": "arm", "Value": arm})
                for metric, value in metrics.items():
                    point = {"MetricName": metric, "Dimensions": dimensions, "Value": value}
                    data.append({**point, "Timestamp": datetime.now(UTC)})
        self.stack.client("cloudwatch").put_metric_data(Namespace="Huntaze/ReadPath", MetricData=data)

    @property
    def state(self) -> str:
        """The state that the execution has entered last, empty before it starts."""
        if not self.arn:
            return ""
        events = self.session.states.get_execution_history(executionArn=self.arn)["events"]
        entered = [e["stateEnteredEventDetails"]["name"] for e in events if "stateEnteredEventDetails" in e]
        return entered[-1] if entered else ""

    @property
    def reason(self) -> str:
        """Of its last look or its end, by its record."""
        return str((self.session.table.ramp(self.name) or {}).get("reason", "no record"))

    def reaches(self, name: str) -> None:
        """Wait until it is in this state, answering its question on the way unless that is it."""
        word: answers.Word = "reject" if name == "Roll Back" else "approve"

        def there() -> bool:
            now = self.state
            if now == "Ask For Decision" != name and self.session.table.request(self.name):
                self.answer(word)
            return now == name

        self.until(there, f"is in {name}")

    def answer(self, word: answers.Word) -> None:
        """As the command does; too late is fine."""
        try:
            answers.answer(self.session, self.name, word, "ada", "so I decided")
        except CommandError as late:
            print(late)

    def goes_to_its_end(self) -> None:
        """Answer what is asked, until the execution is over."""

        def over() -> bool:
            if self.session.table.request(self.name) and self.state == "Ask For Decision":
                self.answer("approve")
            return self.name not in ramps.running(self.session)

        self.until(over, "is over")

    def ends_safe(self) -> None:
        """At 0 % or a promoted 100 %, read back; lock free, schedule gone, nobody asked, one record with its end."""
        self.goes_to_its_end()
        self.until(lambda: not self.left(), "leaves nothing")

    def left(self) -> list[str]:
        """What is not as it must be."""
        position = self.session.levers.read()
        record = self.session.table.ramp(self.name) or {"status": "refused"}
        promoted = record["status"] == "promoted"
        groups = self.stack.client("scheduler").list_schedules(GroupName=self.session.settings.deadline_group)
        found = {
            f"record {record['status']}": record["status"] == "running",
            f"traffic: {position.describe()}": not (position.setting.is_whole if promoted else position.setting == OFF),
            "the alias is split": not position.alias.is_whole,
            "a deployment is in flight": self.session.levers.in_flight() is not None,
            "the lock is held": self.session.table.lock(self.session.settings.adapter_flag) is not None,
            "a schedule is left": any(item["Name"] == self.name for item in groups["Schedules"]),
            "a question is pending": self.session.table.request(self.name) is not None,
        }
        return [what for what, wrong in found.items() if wrong]

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Return when it holds; say what is left when it never does."""
        give_up_at = time.monotonic() + LIMIT_SECONDS
        while not holds():
            assert time.monotonic() < give_up_at, f"never {what}: {self.state}, {self.left()}, {self.reason}"
            time.sleep(0.03)

    def workers(self, function: str) -> list[psutil.Process]:
        """The processes that run a function."""
        found = state.load(self.folder)
        assert found is not None
        children = psutil.Process(found.emulator.pid).children(recursive=True)
        return [child for child in children if _function_of(child) == f"huntaze-{function}"]

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The emulator answers nobody, and then it is back with all it had under way."""
        found = state.load(self.folder)
        assert found is not None
        os.kill(found.emulator.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(found.emulator.pid, signal.SIGCONT)


def _function_of(process: psutil.Process) -> str:
    try:
        return process.environ().get("AWS_LAMBDA_FUNCTION_NAME", "")
    except psutil.Error:
        return ""


@pytest.fixture
def ramp(local_stack: Stack, repository: Path, request: pytest.FixtureRequest) -> Ramp:
    """A ramp that is not started yet, named after the test."""
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)
    return Ramp(local_stack, repository, name[-60:].strip("-"))


@LONG
def test_without_a_fault_it_is_promoted(ramp: Ramp) -> None:
    """What the others begin with."""
    ramp.start()
    ramp.ends_safe()
    assert ramp.session.table.ramp(ramp.name)["status"] == "promoted"  # type: ignore[index]  # it was prepared


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name == "Bake" else LONG) for name in STATES])
def test_an_execution_that_is_stopped_ends_safe(ramp: Ramp, name: str) -> None:
    """StopExecution in the console, whatever its task was doing, and goes on doing."""
    ramp.start()
    ramp.reaches(name)
    ramp.session.states.stop_execution(executionArn=ramp.arn)
    ramp.ends_safe()


@LONG
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_worker_that_is_killed_ends_safe(ramp: Ramp, function: str) -> None:
    """The sandbox is gone in the middle of its task."""
    ramp.start()
    ramp.reaches(STATE_OF[function])
    killed = ramp.workers(f"ramp-{function}")
    for worker in killed:
        worker.kill()
    assert killed or function == "prepare", "there was nobody to kill"
    ramp.ends_safe()


@LONG
@pytest.mark.parametrize("name", STATES)
def test_an_emulator_that_freezes_and_comes_back_ends_safe(ramp: Ramp, name: str) -> None:
    """Every call of that moment takes seconds, or its connection is gone."""
    ramp.start()
    ramp.reaches(name)
    with ramp.frozen():
        time.sleep(FROZEN_SECONDS)
    ramp.ends_safe()


@LONG
@pytest.mark.parametrize("name", STATES[1:])
def test_an_alarm_in_any_state_ends_safe(ramp: Ramp, name: str) -> None:
    """The alarm's own way: CloudWatch, SNS, the brake; twice, as SNS may."""
    ramp.start()
    ramp.reaches(name)
    cloudwatch = ramp.stack.client("cloudwatch")
    for word in ("ALARM", "OK", "ALARM", "OK"):
        cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue=word, StateReason="a test says so")
    ramp.ends_safe()


@LONG
@pytest.mark.parametrize("name", ["Bake", "Ask For Decision"])
@pytest.mark.parametrize("fault", ["down", "frozen"])
def test_a_database_that_is_gone_ends_safe_and_users_feel_nothing(ramp: Ramp, fault: str, name: str) -> None:
    """Refused connections, or a server that accepts them and never answers."""
    found = state.load(ramp.folder)
    assert found is not None
    assert found.database is not None
    with stage.fault_free(ramp.stack.database_url), Traffic(ramp.stack.endpoint_url, 8.0) as traffic:
        ramp.start()
        ramp.reaches(name)
        with _stopped(found.database.process) if fault == "frozen" else nullcontext():
            if fault == "down":
                faults.inject(ramp.stack.database_url, "down")
            ramp.ends_safe()
        assert traffic.snapshot().failures == 0


@contextmanager
def _stopped(process: Any) -> Iterator[None]:
    server = psutil.Process(process.pid)
    family = [server, *server.children(recursive=True)]
    for member in family:
        member.suspend()
    try:
        yield
    finally:
        for member in family:
            member.resume()
