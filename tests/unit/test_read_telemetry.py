"""Telemetry says what the wire says, and cannot fail a request."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Tracer
from read_path.core.routing import Arm, Phase
from read_path.telemetry import Telemetry


class Broken:
    """A logger and a tracer at once, that raise whatever they are asked."""

    disabled = True

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_telemetry_that_breaks_is_not_felt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE", raising=False)

    class Tracing(Broken):
        provider = Broken()

    broken: Any = Tracing()
    telemetry = Telemetry(broken, broken)
    telemetry.info("[ERROR]", user_id="user-1")
    telemetry.record(Arm.CONTROL, Phase(), requests=True)
    telemetry.annotate(canary=True)
    telemetry.describe(version="1")
    with telemetry.subsegment("read"):
        answered = True
    assert answered
    assert capsys.readouterr().err.count("telemetry lost") == 5


def test_what_happens_inside_a_subsegment_is_not_swallowed(told: Any) -> None:
    with pytest.raises(ZeroDivisionError), told.telemetry.subsegment("read"):
        _ = 1 / 0


def test_each_record_stands_for_itself(told: Any) -> None:
    """Powertools' Metrics shares its state between instances; a metric of one request must not ride with the next."""
    told.telemetry.record(Arm.CANDIDATE, Phase("r", "1"), requests=True, errors=True)
    told.telemetry.record(Arm.CONTROL, Phase(), requests=True, latency_ms=1.23456)
    first, second = told.records()
    assert first["errors"] == [1.0]
    assert "errors" not in second
    assert (second["arm"], second["latency_ms"]) == ("control", [1.235])


TRACED = """
import time
from read_path.telemetry import telemetry
traced = telemetry()
with traced.subsegment("read"):
    traced.annotate(canary=True, path="prisma", userId="user-1")
    traced.describe(version="7", canaryEnabled=True)
    with traced.subsegment("postgresql", "remote"):
        pass
"""


def test_a_trace_carries_annotations_metadata_and_the_database(tmp_path: Any) -> None:
    """As in Lambda: the segment is Lambda's own, and ours go to the daemon under it."""
    daemon = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    daemon.bind(("127.0.0.1", 0))
    daemon.settimeout(5)
    environment = os.environ | {
        "LAMBDA_TASK_ROOT": str(tmp_path),
        "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon.getsockname()[1]}",
        "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
    }
    done = subprocess.run([sys.executable, "-c", TRACED], env=environment, capture_output=True, text=True, check=True)
    assert "lost" not in done.stderr
    segments = {}
    for _ in range(2):
        document = json.loads(daemon.recv(65_535).decode().split("\n", 1)[1])
        segments[document["name"]] = document
    daemon.close()
    assert segments["read"]["annotations"] == {"canary": True, "path": "prisma", "userId": "user-1"}
    assert segments["read"]["metadata"] == {"huntaze": {"version": "7", "canaryEnabled": True}}
    assert segments["postgresql"]["namespace"] == "remote"
    assert segments["postgresql"]["parent_id"] == segments["read"]["id"]


def test_outside_lambda_there_is_no_trace_and_no_trouble(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry = Telemetry(Logger(service="untraced"), Tracer(auto_patch=False))
    with telemetry.subsegment("read"):
        telemetry.annotate(canary=False)
    assert "lost" not in capsys.readouterr().err
