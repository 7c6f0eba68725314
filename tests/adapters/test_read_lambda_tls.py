"""Calls over TLS, as on AWS: one context for a sandbox, one connection for many calls, one deadline for all of it."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from read_path import aws
from read_path.aws import AwsError, Service
from read_path.beside import Beside
from read_path.signature import Credentials

from tests.certificate import certificate


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    """Answers every POST with its own host header; the sandbox trusts it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body = json.dumps({"host": self.headers["host"]}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    pem = certificate(tmp_path)
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    serving.socket = context.wrap_socket(serving.socket, server_side=True)
    threading.Thread(target=serving.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    monkeypatch.setattr(aws, "_TLS", Beside(aws._certificates))
    yield serving
    serving.shutdown()
    serving.server_close()


def service(server: ThreadingHTTPServer, host: str = "127.0.0.1") -> Service:
    return Service("lambda", f"https://{host}:{server.server_port}", Credentials("r", "a", "b"), lambda: "")


def ask(asked: Service) -> object:
    return json.loads(asked.call("POST", "/", seconds=2, body=b"{}").body)


def test_one_connection_serves_many_calls(server: ThreadingHTTPServer) -> None:
    """What TLS sends of its own between two answers is not taken for the end of the connection."""
    asked = service(server)
    assert ask(asked) == {"host": f"127.0.0.1:{server.server_port}"}
    kept = asked._connection
    for _ in range(3):
        ask(asked)
        assert asked._connection is kept


def test_the_certificates_are_read_once_for_all_services_and_connections(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take tens of milliseconds, which every timed-out call and every service would cost anew."""
    made: list[ssl.SSLContext] = []
    as_ever = ssl.create_default_context

    def counted() -> ssl.SSLContext:
        made.append(as_ever())
        return made[-1]

    monkeypatch.setattr(ssl, "create_default_context", counted)
    for asked in (service(server), service(server)):
        ask(asked)
        asked._drop()
        ask(asked)
    assert len(made) == 1


def test_a_stranger_is_not_believed(server: ThreadingHTTPServer) -> None:
    """A certificate of another name, and one that nobody vouches for."""
    with pytest.raises(AwsError, match="ConnectionFailed"):
        ask(service(server, "localhost"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aws, "_TLS", Beside(aws._certificates))
        patch.delenv("SSL_CERT_FILE")
        with pytest.raises(AwsError, match="ConnectionFailed"):
            ask(service(server))


def test_connecting_and_encrypting_share_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a slow way to a server there is no time left for a handshake; it would have the whole deadline again."""
    late = SimpleNamespace(wrap_socket=lambda *_, **__: pytest.fail("encrypted after the deadline"))
    monkeypatch.setattr(aws, "_TLS", SimpleNamespace(value=lambda _: late))
    reach = aws._reach

    def slowly(addresses: list[aws._Address], deadline: float) -> socket.socket:
        reached = reach(addresses, deadline)
        time.sleep(0.25)
        return reached

    monkeypatch.setattr(aws, "_reach", slowly)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        far = Service("lambda", f"https://127.0.0.1:{listener.getsockname()[1]}", Credentials("r", "a", "b"), str)
        with pytest.raises(AwsError, match="Timeout"):
            far.call("POST", "/", seconds=0.2)


def test_certificates_that_take_too_long_are_left_at_the_deadline_and_there_for_the_next(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a small function reading them is longer than a deadline: the first user would wait for all of it."""

    def slowly() -> ssl.SSLContext:
        time.sleep(0.3)
        return aws._certificates()

    monkeypatch.setattr(aws, "_TLS", Beside(slowly))
    asked, started = service(server), time.monotonic()
    with pytest.raises(AwsError, match="Timeout"):
        asked.call("POST", "/", seconds=0.1, body=b"{}")
    assert time.monotonic() - started < 0.25
    assert ask(asked) == {"host": f"127.0.0.1:{server.server_port}"}


def test_what_the_first_call_needs_is_made_before_it(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = service(server)
    asked.make_ready()
    aws._TLS.value(time.monotonic() + 5)
    asked._addresses.value(time.monotonic() + 5)
    monkeypatch.setattr(ssl, "create_default_context", lambda: pytest.fail("read again"))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("looked up again"))
    assert ask(asked) == {"host": f"127.0.0.1:{server.server_port}"}
