"""Telemetry says what the wire says, and cannot fail a request."""

from __future__ import annotations

import io
import json
from traceback import extract_tb
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from aws_xray_sdk.core import AWSXRayRecorder
from aws_xray_sdk.core.context import Context
from aws_xray_sdk.core.models.subsegment import Subsegment
from aws_xray_sdk.core.models.throwable import Throwable
from read_path import settings
from read_path.core.routing import Arm, Phase
from read_path.telemetry import Telemetry
from read_path.tracing import Tracing

from tests.x_ray import ABOUT, PARENT, ROOT, SAMPLED, Daemon


class Broken:
    """A stream and a trace at once, that raise whatever they are asked."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_telemetry_that_breaks_is_not_felt(capsys: pytest.CaptureFixture[str]) -> None:
    broken: Any = Broken()
    telemetry = Telemetry(ABOUT, broken, broken)
    telemetry.info("[ERROR]", user_id="user-1")
    telemetry.record("[MOCK-SUCCESS]", Arm.CONTROL, Phase(), {}, requests=True)
    telemetry.annotate(canary=True)
    telemetry.describe(version="1")
    telemetry.fault(ZeroDivisionError())
    with telemetry.subsegment("read"):
        answered = True
    assert answered
    assert telemetry.onward() == ""
    assert capsys.readouterr().err.count("telemetry lost") == 7


def test_what_happens_inside_a_subsegment_is_not_swallowed(told: Any) -> None:
    with pytest.raises(ZeroDivisionError), told.telemetry.subsegment("read"):
        _ = 1 / 0


def test_each_record_stands_for_itself(told: Any) -> None:
    """A metric of one request must not ride with the next."""
    told.telemetry.record("a", Arm.CANDIDATE, Phase("r", "1"), {}, requests=True, errors=True)
    told.telemetry.record("b", Arm.CONTROL, Phase(), {}, requests=True, latency_ms=1.23456)
    first, second = told.records()
    assert first["errors"] == 1
    assert "errors" not in second
    assert (second["arm"], second["latency_ms"]) == ("control", 1.235)


def test_metrics_are_written_whatever_the_log_level() -> None:
    """They are evidence; the level is for people."""
    stream = io.StringIO()
    telemetry = Telemetry(ABOUT._replace(log_level="ERROR"), Tracing("", lambda: ""), stream)
    telemetry.info("[CANARY]")
    telemetry.warning("[CANARY]")
    telemetry.error("[ERROR]")
    telemetry.record("[MOCK-SUCCESS]", Arm.CONTROL, Phase(), {}, requests=True)
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["[ERROR]", "[MOCK-SUCCESS]"]


def test_a_line_has_the_keys_that_powertools_would_give_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that one query reads the lines of both planes."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", SAMPLED)
    monkeypatch.setenv("LAMBDA_TASK_ROOT", "/var/task")
    mine, powertools = io.StringIO(), io.StringIO()
    Telemetry(ABOUT, Tracing("", lambda: ""), mine).info("[CANARY]", user_id="user-1", failure=None)
    logger = Logger(service="huntaze-mock-read", stream=powertools, location=None, utc=True)
    logger.info("[CANARY]", extra={"user_id": "user-1", "failure": None})
    line, other = json.loads(mine.getvalue()), json.loads(powertools.getvalue())
    assert line.keys() == other.keys()
    assert {name: line[name] for name in line if name != "timestamp"} == {
        name: other[name] for name in other if name != "timestamp"
    }
    assert len(line["timestamp"]) == len("2026-11-22T07:00:46.111Z")


def test_a_trace_carries_annotations_metadata_and_the_database(daemon: Daemon) -> None:
    """As in Lambda: the segment is Lambda's own, and ours goes to the daemon under it, in one piece."""
    telemetry = daemon.telemetry()
    with telemetry.subsegment("read"):
        telemetry.annotate(canary=True, path="prisma", userId="user-1")
        telemetry.describe(version="7", canaryEnabled=True)
        with telemetry.subsegment("postgresql", namespace="remote"):
            onward = telemetry.onward()
    read = daemon.received()
    (database,) = read["subsegments"]
    assert (read["type"], read["name"], read["trace_id"], read["parent_id"]) == ("subsegment", "read", ROOT, PARENT)
    assert read["annotations"] == {"canary": True, "path": "prisma", "userId": "user-1"}
    assert read["metadata"] == {"huntaze": {"version": "7", "canaryEnabled": True}}
    assert (database["name"], database["namespace"]) == ("postgresql", "remote")
    assert read["start_time"] <= database["start_time"] <= database["end_time"] <= read["end_time"]
    assert onward == f"Root={ROOT};Parent={database['id']};Sampled=1"


def test_a_document_has_the_keys_that_the_sdk_would_give_it(daemon: Daemon) -> None:
    """The SDK is too slow to load in front of users; what it sends is the measure."""
    with daemon.telemetry().subsegment("read"):
        pass
    mine = daemon.received()
    recorder = AWSXRayRecorder()
    recorder.configure(sampling=False, context=Context(), daemon_address=daemon.address)
    recorder.begin_segment("function", traceid=ROOT)
    subsegment = recorder.begin_subsegment("read")
    assert isinstance(subsegment, Subsegment)
    document = subsegment.to_dict()
    sent_apart = {"trace_id", "type", "name", "id", "start_time"}  # the SDK adds parent_id when it sends
    assert mine.keys() == {*sent_apart, "parent_id", "end_time"}
    assert sent_apart <= document.keys()
    assert {type(mine[name]) for name in sent_apart} == {type(document[name]) for name in sent_apart}


def test_an_exception_of_ours_is_told_as_the_sdk_would_but_for_its_message(daemon: Daemon) -> None:
    telemetry = daemon.telemetry()
    with telemetry.subsegment("read"):
        try:
            json.loads("user-1's data")
        except ValueError as error:
            telemetry.fault(error)
            theirs = Throwable(error, extract_tb(error.__traceback__)).to_dict()
    read = daemon.received()
    (mine,) = read["cause"]["exceptions"]
    assert (read["fault"], mine["type"], mine["stack"]) == (True, theirs["type"], theirs["stack"])
    assert theirs.keys() - mine.keys() == {"message", "remote"}
    assert "data" not in json.dumps(read)


@pytest.mark.parametrize("header", ["", f"Root={ROOT};Parent={PARENT};Sampled=0"])
def test_what_is_not_sampled_is_not_sent(daemon: Daemon, header: str) -> None:
    telemetry = daemon.telemetry(header)
    with telemetry.subsegment("read"):
        telemetry.annotate(canary=False)
        assert telemetry.onward() == header
    with pytest.raises(TimeoutError):
        daemon.received(0.05)


@pytest.mark.parametrize(("sampled", "said"), [("0", False), ("1", None)])
def test_a_line_says_when_x_ray_leaves_its_trace_out(
    monkeypatch: pytest.MonkeyPatch, sampled: str, said: bool | None
) -> None:
    """The id joins the lines of a request all the same; whoever opens it in X-Ray should know."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root={ROOT};Parent={PARENT};Sampled={sampled}")
    stream = io.StringIO()
    Telemetry(ABOUT, Tracing("", settings.tracing_header), stream).info("[CANARY-SUCCESS]")
    line = json.loads(stream.getvalue())
    assert (line["xray_trace_id"], line.get("xray_sampled")) == (ROOT, said)


@pytest.mark.parametrize("daemon", ["", "nonsense", "here:there"])
def test_without_a_daemon_there_is_no_trace_and_no_trouble(daemon: str, capsys: pytest.CaptureFixture[str]) -> None:
    telemetry = Telemetry(ABOUT, Tracing(daemon, lambda: SAMPLED), io.StringIO())
    with telemetry.subsegment("read"):
        telemetry.annotate(canary=False)
    assert "lost" not in capsys.readouterr().err


def test_the_trace_is_that_of_the_invocation_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", SAMPLED)
    assert settings.tracing_header() == SAMPLED


@pytest.mark.parametrize(
    ("user_ids", "shown"), [("clear", "user-1"), ("hashed", "99caf29e01995047"), ("off", None), ("x", None)]
)
def test_a_users_id_is_shown_as_the_stack_says(user_ids: str, shown: str | None) -> None:
    """In log lines and in annotations alike; a setting that is none shows nothing."""
    stream, told = io.StringIO(), Tracing("", lambda: "")
    annotated: list[dict[str, Any]] = []
    told.annotate = annotated.append  # type: ignore[method-assign, assignment]  # the wire to X-Ray
    telemetry = Telemetry(ABOUT._replace(user_ids=user_ids, user_id_key="stack"), told, stream)
    telemetry.info("[MOCK-SUCCESS]", user_id="user-1")
    telemetry.annotate(userId="user-1", canary=True)
    assert json.loads(stream.getvalue()).get("user_id") == shown
    assert annotated == [{"canary": True} | ({"userId": shown} if shown else {})]
