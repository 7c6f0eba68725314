"""The candidate answers from what it reads; trouble is told to operators by class and SQLSTATE, to users not at all."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError
from read_path.candidate import look_up
from read_path.core.answer import Answer
from read_path.settings import SettingsError
from read_path.sources import mock
from read_path.sources.secret import SecretError


def ask(told: Any, event: object, found: object = None) -> Answer:
    def read(_user_id: str) -> Any:
        if isinstance(found, Exception):
            raise found
        return found

    return look_up(event, "request-1", read, told.telemetry)


def test_a_user_is_answered_exactly_as_control_answers_it(told: Any) -> None:
    assert ask(told, {"userId": "user-1"}, mock.users()[0]) == mock.read("user-1")
    assert told.messages() == ["[CANARY-SUCCESS]"]


def test_a_user_that_is_not_there_is_a_404_exactly_as_controls(told: Any) -> None:
    assert ask(told, {"userId": "user-51"}) == mock.read("user-51")


def test_without_a_user_the_answer_is_400(told: Any) -> None:
    assert ask(told, {}).status == 400
    assert told.messages() == ["[ERROR]"]


@pytest.mark.parametrize(
    "trouble",
    [
        psycopg.OperationalError("jane@example.com"),
        psycopg.errors.QueryCanceled("jane@example.com"),
        ClientError({"Error": {"Code": "AccessDenied", "Message": "jane@example.com"}}, "GetSecretValue"),
        SecretError("jane@example.com"),
        SettingsError("jane@example.com"),
    ],
    ids=lambda trouble: type(trouble).__name__,
)
def test_trouble_is_a_clean_500(told: Any, trouble: Exception) -> None:
    answer = ask(told, {"userId": "user-1"}, trouble)
    assert (answer.status, json.loads(answer.body)) == (500, {"error": "internal error"})
    (line,) = told.lines()
    assert line["message"].startswith("[PRISMA-ERROR]")
    assert line["failure"] == type(trouble).__name__
    assert "jane" not in json.dumps(line)


def test_the_databases_own_code_is_logged(told: Any) -> None:
    ask(told, {"userId": "user-1"}, psycopg.errors.QueryCanceled())
    assert told.lines()[0]["sqlstate"] == "57014"
