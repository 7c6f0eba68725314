"""Names that are looked up, and addresses that are gone: neither keeps a user waiting beyond the deadline.

libc's resolver has no deadline: with a name server that is away it takes ten seconds and more.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from read_path import aws
from read_path.aws import Service
from read_path.core.answer import Answer
from read_path.core.breaker import FAILURES_IN_A_ROW, Breaker
from read_path.core.observation import CandidateError
from read_path.core.routing import AdapterFlag, Flags, Phase
from read_path.serve import Invocation, serve
from read_path.serve import Service as Served
from read_path.signature import Credentials
from read_path.sources import mock
from read_path.sources.function import CandidateFunction

NAME = "lambda.example"
DEADLINE_MS = 150
SLACK_SECONDS = 0.25  # a busy machine wakes who waits late


@dataclass
class Resolver:
    """`getaddrinfo` for one name, once `goes_on` lets it: addresses of this machine, told apart by their ports.

    None is the port that was asked for.
    """

    ports: list[int | None] = field(default_factory=lambda: [None])
    goes_on: threading.Event = field(default_factory=threading.Event)
    asked: int = 0
    ended: int = 0

    def getaddrinfo(self, host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        assert host == NAME
        self.asked += 1
        self.goes_on.wait(10)
        self.ended += 1
        if not self.ports:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", other or port)) for other in self.ports]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    played = Resolver()
    played.goes_on.set()
    monkeypatch.setattr(socket, "getaddrinfo", played.getaddrinfo)
    yield played
    played.goes_on.set()


@pytest.fixture
def port() -> Iterator[int]:
    """A Lambda service that answers, and closes each connection afterwards, so that each call connects anew."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body = json.dumps({"statusCode": 200, "body": "{}"}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def candidate(port: int) -> CandidateFunction:
    return CandidateFunction("f", Service("lambda", f"http://{NAME}:{port}", Credentials("r", "a", "b"), str))


def timed_out(asked: CandidateFunction) -> float:
    """Seconds that a read took which must time out."""
    started = time.monotonic()
    with pytest.raises(CandidateError) as failed:
        asked.read("user-1", DEADLINE_MS)
    assert failed.value.timed_out
    return time.monotonic() - started


@contextmanager
def mute() -> Iterator[int]:
    """A port that takes no more connections, as where nobody is any more: what asks for one is lost."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filling = stack.enter_context(socket.socket())
            filling.setblocking(False)
            filling.connect_ex(listener.getsockname())
        time.sleep(0.05)
        yield listener.getsockname()[1]


def test_a_name_that_hangs_is_left_at_the_deadline_and_leaves_one_thread_behind(resolver: Resolver, port: int) -> None:
    resolver.goes_on.clear()
    asked = candidate(port)
    took = [timed_out(asked) for _ in range(3)]
    assert max(took) < DEADLINE_MS / 1000 + SLACK_SECONDS
    assert resolver.asked == 1
    resolver.goes_on.set()
    assert asked.read("user-1", 2000) == Answer(200, "{}")


def test_users_are_answered_from_control_and_the_breaker_counts_a_name_that_hangs(
    resolver: Resolver, port: int, told: Any
) -> None:
    resolver.goes_on.clear()
    flag = AdapterFlag(Phase("r", "0"), share_ppm=1_000_000, salt="s", deadline_ms=50, fallback=True)
    breaker, asked = Breaker(), candidate(port)
    service = Served(
        lambda: Flags(flag), mock.read, asked.read, lambda _: None, told.telemetry, time.monotonic, breaker
    )
    for _ in range(FAILURES_IN_A_ROW):
        started = time.monotonic()
        assert serve({"userId": "user-1"}, Invocation("r", "1"), service)["statusCode"] == 200
        assert time.monotonic() - started < 0.05 + SLACK_SECONDS
    assert breaker.is_open(time.monotonic())


def test_a_name_that_was_known_serves_while_looking_it_up_again_hangs(
    resolver: Resolver, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws, "_ADDRESS_SECONDS", 0)
    asked = candidate(port)
    asked.read("user-1", 2000)
    resolver.goes_on.clear()
    for _ in range(3):
        assert asked.read("user-1", 2000) == Answer(200, "{}")
    assert resolver.asked == 2


def test_a_name_is_looked_up_once_a_minute_and_not_at_each_connection(resolver: Resolver, port: int) -> None:
    asked = candidate(port)
    for _ in range(3):
        asked.read("user-1", 2000)
    assert resolver.asked == 1


def test_a_name_that_is_unknown_is_a_failure_and_asked_again(resolver: Resolver, port: int) -> None:
    resolver.ports = []
    asked = candidate(port)
    with pytest.raises(CandidateError, match="ConnectionFailed"):
        asked.read("user-1", 2000)
    resolver.ports = [None]
    assert asked.read("user-1", 2000) == Answer(200, "{}")


def test_an_address_that_is_gone_leaves_half_the_time_to_the_next(resolver: Resolver, port: int) -> None:
    with mute() as gone:
        resolver.ports = [gone, None]
        assert candidate(port).read("user-1", 1000) == Answer(200, "{}")


def test_addresses_that_are_all_gone_cost_one_deadline_and_are_looked_up_anew(resolver: Resolver, port: int) -> None:
    """A library that gives each address all of the time would take five deadlines."""
    asked = candidate(port)
    with mute() as gone:
        resolver.ports = [gone] * 5
        assert timed_out(asked) < DEADLINE_MS / 1000 + SLACK_SECONDS
    resolver.ports = [None]
    assert asked.read("user-1", 2000) == Answer(200, "{}")
    assert resolver.asked == 2
