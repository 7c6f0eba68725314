"""Flags are at most so old, and once read they are never lost."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.response import StreamingBody
from botocore.stub import Stubber
from read_path.core.routing import Flags
from read_path.flags import AppConfigExtension, AppConfigSession, FlagReader
from read_path.settings import RouterSettings

SETTINGS = RouterSettings("app", "production", "profile", "prismaAdapter", "prismaShadow", 20, None, "c", "s")
SHADOW = {"prismaShadow": {"enabled": True, "ramp": "r", "step": 0, "sample_ppm": 1, "budget_ms": 500}}
GOOD, OFF = json.dumps(SHADOW).encode(), b"{}"


class Scripted:
    """A fetch that gives these in turn, and a clock that is set by hand."""

    def __init__(self, *script: bytes | Exception) -> None:
        self.script = list(script)
        self.now = 1000.0
        self.calls = 0

    def fetch(self) -> bytes:
        self.calls += 1
        content = self.script.pop(0)
        if isinstance(content, Exception):
            raise content
        return content

    def reader(self, told: Any) -> FlagReader:
        return FlagReader(self.fetch, SETTINGS, lambda: self.now, told.telemetry)


def is_on(flags: Flags) -> bool:
    return flags.shadow is not None


def test_flags_are_read_once_in_the_time_they_may_be_old(told: Any) -> None:
    source = Scripted(GOOD, OFF)
    reader = source.reader(told)
    seen = []
    for moment in (1000.0, 1019.9, 1020.0):
        source.now = moment
        seen.append(is_on(reader.current()))
    assert (seen, source.calls) == ([True, True, False], 2)


@pytest.mark.parametrize(
    "trouble",
    [b"", b"{", b"[]", b'{"prismaShadow": {"enabled": 1}}', ConnectTimeoutError(endpoint_url="x"), OSError()],
    ids=str,
)
def test_the_last_good_flags_stay_whatever_comes_next(told: Any, trouble: bytes | Exception) -> None:
    """An empty document says: nothing new."""
    source = Scripted(GOOD, trouble)
    reader = source.reader(told)
    reader.current()
    source.now += 20
    assert is_on(reader.current())
    assert told.messages() == ([] if trouble == b"" else ["[ERROR]"])


def test_without_good_flags_everybody_is_served_by_control(told: Any) -> None:
    source = Scripted(OSError())
    reader = source.reader(told)
    assert reader.current() == reader.current() == Flags()
    assert source.calls == 1


def test_a_refused_document_is_told_with_the_path_of_its_fault(told: Any) -> None:
    Scripted(b'{"prismaShadow": {"enabled": "yes"}}').reader(told).current()
    assert told.lines()[0]["faults"] == ["prismaShadow.enabled: is not a boolean, got str, expected true or false"]


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")


@pytest.fixture
def appconfig() -> Iterator[tuple[AppConfigSession, Stubber]]:
    client = boto3.client("appconfigdata", region_name="us-east-1")
    with Stubber(client) as stubber:
        yield AppConfigSession(SETTINGS, lambda: client), stubber
        stubber.assert_no_pending_responses()


def begins(stubber: Stubber, token: str, interval_seconds: int = 20) -> None:
    expected = {
        "ApplicationIdentifier": "app",
        "EnvironmentIdentifier": "production",
        "ConfigurationProfileIdentifier": "profile",
        "RequiredMinimumPollIntervalInSeconds": interval_seconds,
    }
    stubber.add_response("start_configuration_session", {"InitialConfigurationToken": token}, expected)


def polls(stubber: Stubber, token: str, following: str, content: bytes) -> None:
    body = StreamingBody(io.BytesIO(content), len(content))
    response = {"NextPollConfigurationToken": following, "Configuration": body}
    stubber.add_response("get_latest_configuration", response, {"ConfigurationToken": token})


def test_one_session_serves_a_sandbox(appconfig: tuple[AppConfigSession, Stubber]) -> None:
    session, stubber = appconfig
    begins(stubber, "t1")
    polls(stubber, "t1", "t2", GOOD)
    polls(stubber, "t2", "t3", b"")
    assert (session.fetch(), session.fetch()) == (GOOD, b"")


def test_a_session_that_expired_is_begun_anew_in_the_same_reading(appconfig: tuple[AppConfigSession, Stubber]) -> None:
    session, stubber = appconfig
    begins(stubber, "t1")
    polls(stubber, "t1", "t2", GOOD)
    stubber.add_client_error(
        "get_latest_configuration", "BadRequestException", expected_params={"ConfigurationToken": "t2"}
    )
    begins(stubber, "u1")
    polls(stubber, "u1", "u2", OFF)
    assert (session.fetch(), session.fetch()) == (GOOD, OFF)


def test_a_token_spent_on_a_failure_is_not_used_again(appconfig: tuple[AppConfigSession, Stubber]) -> None:
    session, stubber = appconfig
    begins(stubber, "t1")
    polls(stubber, "t1", "t2", GOOD)
    stubber.add_client_error("get_latest_configuration", "InternalServerException", http_status_code=500)
    begins(stubber, "u1")
    polls(stubber, "u1", "u2", OFF)
    assert session.fetch() == GOOD
    with pytest.raises(ClientError, match="InternalServerException"):
        session.fetch()
    assert session.fetch() == OFF


def test_appconfig_is_never_asked_for_less_than_its_shortest_interval() -> None:
    """A local stack polls every second; AWS refuses a session of less than fifteen."""
    client = boto3.client("appconfigdata", region_name="us-east-1")
    with Stubber(client) as stubber:
        begins(stubber, "t1", interval_seconds=15)
        polls(stubber, "t1", "t2", GOOD)
        assert AppConfigSession(replace(SETTINGS, flag_staleness_seconds=1), lambda: client).fetch() == GOOD


def test_the_extension_is_asked_on_its_port() -> None:
    asked = []

    class Extension(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(GOOD)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Extension)
    threading.Thread(target=server.handle_request, daemon=True).start()
    assert AppConfigExtension(SETTINGS, server.server_port).fetch() == GOOD
    server.server_close()
    assert asked == ["/applications/app/environments/production/configurations/profile"]
