"""The local stack under load: the flags it runs with, its counts, its memory, and its database, stopped and started."""

import json
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg
from local_stack import stack, state
from local_stack.process import spawn
from local_stack.stack import Stack

ROOT = Path(__file__).parents[2]
APPLICATION = ("template.yaml", "functions", "statemachine", "database", "events")
RAMP, MEGABYTE = "load", 1e6
ROUTER, CANDIDATE, COMPARATOR = READ_PATH = ("huntaze-mock-read", "huntaze-prisma-read", "huntaze-shadow-compare")
KEY = {"enabled": True, "ramp": RAMP, "step": 0}
FLAGS = {
    "prismaAdapter": {**KEY, "share_ppm": 500_000, "salt": RAMP, "deadline_ms": 5000, "fallback": True},
    "prismaShadow": {**KEY, "sample_ppm": 1_000_000, "budget_ms": 5000},
}
CONSTRAINTS = {bool: "boolean", int: "number", str: "string"}


@dataclass(frozen=True)
class World:
    """A stack in a folder of its own."""

    stack: Stack
    folder: Path

    def counted(self, metric: str, arm: str) -> float:
        """The sum of one metric of the load's own ramp, in the last hour."""
        now = datetime.now(UTC)
        found = self.stack.client("cloudwatch").get_metric_statistics(
            Namespace="Huntaze/ReadPath",
            MetricName=metric,
            Dimensions=[
                {"Name": name, "Value": value} for name, value in (("ramp", RAMP), ("step", "0"), ("arm", arm))
            ],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in found["Datapoints"]))

    def lines(self, function: str, since: datetime) -> list[dict[str, Any]]:
        """The function's lines with metrics under the load's ramp, asked for half a minute at a time."""
        logs, step = self.stack.client("logs"), timedelta(seconds=30)
        messages: list[str] = []
        begin, now = since, datetime.now(UTC)
        while begin < now:
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=f"/aws/lambda/{function}",
                startTime=_milliseconds(begin),
                endTime=_milliseconds(begin + step) - 1,
            )
            messages += [event["message"] for page in pages for event in page["events"]]
            begin += step
        lines = [json.loads(message) for message in messages if message.startswith("{")]  # others are Lambda's own
        return [line for line in lines if "_aws" in line and line["ramp"] == RAMP]

    def undelivered(self) -> list[str]:
        """Requests whose comparison lies in the queue of failures; it is empty afterwards."""
        sqs, found = self.stack.client("sqs"), []
        url = sqs.get_queue_url(QueueName="huntaze-shadow-failures")["QueueUrl"]
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(str(json.loads(message["Body"])["requestPayload"]["request_id"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def memory_mb(self) -> dict[tuple[str, int], float]:
        """Resident memory of every sandbox of the read path, by function and process, and of nothing else."""
        found: dict[tuple[str, int], float] = {}
        for process in self._family():
            with suppress(psutil.Error):  # one that ended meanwhile
                function = process.environ().get("AWS_LAMBDA_FUNCTION_NAME", "")
                if function in READ_PATH:
                    found[function, process.pid] = process.memory_info().rss / MEGABYTE
        return found

    def connections(self) -> int:
        """Connections that the candidate holds."""
        with psycopg.connect(self.stack.database_url) as connection:
            asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
            found = connection.execute(asked, (CANDIDATE,)).fetchone()
        return int(found[0]) if found else 0

    def _family(self) -> list[psutil.Process]:
        found = state.load(self.folder)
        return psutil.Process(found.emulator.pid).children(recursive=True) if found else []

    @contextmanager
    def database_gone(self) -> Iterator[None]:
        """Stop PostgreSQL, and start it again on the same port over the same data."""
        found = state.load(self.folder)
        if found is None or found.database is None or found.database.process is None:
            raise RuntimeError("database: is none that this stack started, expected no DATABASE_URL")
        server = psutil.Process(found.database.process.pid)
        command, environment, place, uid = server.cmdline(), server.environ(), Path(server.cwd()), server.uids().real
        found.database.process.stop(ask=signal.SIGINT)
        yield
        begun = spawn("PostgreSQL", command, place / "postgres.log", environment, cwd=place, user=uid)
        state.save(self.folder, replace(found, database=replace(found.database, process=begun)))

    def put_flags(self) -> None:
        """Half of the users on the candidate, and every answer compared."""
        brake = self.stack.client("lambda").get_function_configuration(FunctionName="huntaze-ramp-brake")
        names = brake["Environment"]["Variables"]
        attributes = {
            name: {
                "name": name,
                "attributes": {key: _constraint(value) for key, value in flag.items() if key != "enabled"},
            }
            for name, flag in FLAGS.items()
        }
        appconfig, where = self.stack.client("appconfig"), {"ApplicationId": names["APPCONFIG_APPLICATION"]}
        version = appconfig.create_hosted_configuration_version(
            **where,
            ConfigurationProfileId=names["APPCONFIG_PROFILE"],
            Content=json.dumps({"version": "1", "flags": attributes, "values": FLAGS}).encode(),
            ContentType="application/json",
        )["VersionNumber"]
        appconfig.start_deployment(
            **where,
            EnvironmentId=names["APPCONFIG_ENVIRONMENT"],
            ConfigurationProfileId=names["APPCONFIG_PROFILE"],
            DeploymentStrategyId=names["APPCONFIG_STRATEGY"],
            ConfigurationVersion=str(version),
        )
        time.sleep(2.5)  # twice the local stack's FLAG_STALENESS_SECONDS


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _constraint(value: Any) -> dict[str, Any]:
    return {"constraints": {"type": CONSTRAINTS[type(value)]}}


@contextmanager
def world() -> Iterator[World]:
    """A local stack of its own, gone afterwards."""
    repository = Path(tempfile.mkdtemp(prefix="huntaze-load-"))
    for name in APPLICATION:
        (repository / name).symlink_to(ROOT / name)
    try:
        yield World(stack.up(repository, print), repository / state.FOLDER)
    finally:
        stack.down(repository, print)
        shutil.rmtree(repository)
