"""The three handlers as Lambda calls them."""

from __future__ import annotations

import importlib
import json
import time
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from read_path import services, telemetry
from read_path.core.routing import AdapterFlag, Flags, Phase, ShadowFlag

ADAPTER = AdapterFlag(Phase("r", "0"), share_ppm=1, salt="s", deadline_ms=500, fallback=True)
SHADOW = ShadowFlag(Phase("r", "0"), sample_ppm=1, budget_ms=500)
CONTEXT = SimpleNamespace(aws_request_id="request-1", function_version="$LATEST")


def fresh(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A sandbox that has just started, without any setting."""
    for variable in ("APPCONFIG_APPLICATION", "CANDIDATE_FUNCTION", "DATABASE_SECRET"):
        monkeypatch.delenv(variable, raising=False)
    return importlib.reload(importlib.import_module(f"read_path.{name}"))


def test_control_answers_even_without_any_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    router = fresh("router", monkeypatch)
    answer = router.handler({"userId": "user-1"}, CONTEXT)
    assert (answer["statusCode"], json.loads(answer["body"])["id"]) == (200, "user-1")


def test_the_candidate_without_a_secret_is_a_clean_500(monkeypatch: pytest.MonkeyPatch) -> None:
    candidate = fresh("candidate", monkeypatch)
    answer = candidate.handler({"userId": "user-1"}, CONTEXT)
    assert (answer["statusCode"], json.loads(answer["body"])) == (500, {"error": "internal error"})


def test_the_comparator_refuses_what_is_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CANDIDATE_FUNCTION", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    services.service.cache_clear()
    shadow = importlib.reload(importlib.import_module("read_path.shadow"))
    assert shadow.handler({}, CONTEXT) == {"outcome": "refused"}


@pytest.mark.parametrize("name", ["direct", "http-api-jwt", "rest-api-cognito"])
def test_the_files_of_events_read_are_answered(
    monkeypatch: pytest.MonkeyPatch, read_events: dict[str, Any], name: str
) -> None:
    assert fresh("router", monkeypatch).handler(read_events[name], CONTEXT)["statusCode"] == 200


def test_the_comparator_takes_a_queues_batch_and_gives_back_what_breaks_it_or_comes_too_late(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each alone, and the log says how many and why; one that is no comparison is refused, and gone."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    shadow = importlib.reload(importlib.import_module("read_path.shadow"))
    monkeypatch.setattr(shadow, "_comparator", lambda: SimpleNamespace(telemetry=telemetry.telemetry()))
    records = [
        {
            "messageId": name,
            "body": body,
            "attributes": {"SentTimestamp": str(int((time.time() - age) * 1000))},
            "eventSource": "aws:sqs",
        }
        for name, body, age in [("refused", "{}", 0), ("broken", "{", 0), ("last minute's", "{}", 61)]
    ]
    given_back = shadow.handler({"Records": records}, CONTEXT)["batchItemFailures"]
    assert [each["itemIdentifier"] for each in given_back] == ["broken", "last minute's"]
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "given up" in line]
    assert (line["level"], line["count"], line["reasons"]) == ("ERROR", 2, ["JSONDecodeError", "TooLateError"])


@pytest.mark.parametrize(
    ("flags", "is_readied"),
    [(Flags(), False), (Flags(adapter=ADAPTER), True), (Flags(shadow=SHADOW), True)],
    ids=["off", "ramp", "shadow"],
)
def test_the_way_to_lambda_is_made_ready_when_flags_lead_there_and_only_then(
    monkeypatch: pytest.MonkeyPatch, flags: Flags, is_readied: bool
) -> None:
    """Tens of milliseconds of processor time for certificates, which the first user of the candidate would wait for."""
    router = fresh("router", monkeypatch)
    readied: list[str] = []
    monkeypatch.setattr(router, "service", lambda name: SimpleNamespace(make_ready=lambda: readied.append(name)))
    router._make_ready(flags)
    assert readied == (["lambda"] if is_readied else [])
