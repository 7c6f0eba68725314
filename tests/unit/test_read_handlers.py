"""The three handlers as Lambda calls them."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

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
    monkeypatch.setenv("CANDIDATE_FUNCTION", "huntaze-prisma-read")
    shadow = importlib.reload(importlib.import_module("read_path.shadow"))
    assert shadow.handler({}, CONTEXT) == {"outcome": "refused"}


@pytest.mark.parametrize("name", ["direct", "http-api-jwt", "rest-api-cognito"])
def test_the_files_of_events_read_are_answered(
    monkeypatch: pytest.MonkeyPatch, read_events: dict[str, Any], name: str
) -> None:
    assert fresh("router", monkeypatch).handler(read_events[name], CONTEXT)["statusCode"] == 200


def test_the_router_never_loads_the_database_driver() -> None:
    """Its cold start is what users wait for; the driver is the candidate's."""
    loaded = "import read_path.router, read_path.shadow, sys; sys.exit('psycopg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded], check=False).returncode == 0
