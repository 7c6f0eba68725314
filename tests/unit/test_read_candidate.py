"""The candidate answers from what it reads; trouble is told to operators by class and SQLSTATE, to users not at all."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from read_path.aws import AwsError
from read_path.candidate import look_up
from read_path.core.answer import Answer
from read_path.core.sqlstate import kind_of
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
        psycopg.errors.UndefinedTable("jane@example.com"),
        AwsError("jane@example.com"),
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


@pytest.mark.parametrize("full", [psycopg.errors.QueryCanceled, psycopg.errors.TooManyConnections])
def test_a_database_that_can_take_no_more_is_a_503(told: Any, full: type[psycopg.Error]) -> None:
    """The router's breaker goes by it."""
    assert ask(told, {"userId": "user-1"}, full()).status == 503
    assert told.lines()[0]["trouble"] == "overload"


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [
        (None, "transient"),
        ("08006", "transient"),
        ("40001", "transient"),
        ("57P01", "transient"),
        ("53300", "overload"),
        ("57014", "overload"),
        ("42P01", "permanent"),
        ("28P01", "permanent"),
    ],
)
def test_a_sqlstate_says_what_kind_of_trouble_it_is(sqlstate: str | None, kind: str) -> None:
    assert kind_of(sqlstate) == kind
