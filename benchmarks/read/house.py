"""AWS as the read path sees it: AppConfig with one document, Lambda with a candidate that behaves as told."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.read import bare

RAMP = {"ramp": "bench", "step": 1, "control_slow_ms": 50, "candidate_slow_ms": 100}
_HANG_SECONDS = 5.0


def adapter(share_ppm: int, deadline_ms: int = 200) -> dict[str, Any]:
    """The adapter flag, on."""
    values = {"share_ppm": share_ppm, "salt": "bench", "deadline_ms": deadline_ms, "fallback": True}
    return {"prismaAdapter": {"enabled": True, **RAMP, **values}}


def shadow() -> dict[str, Any]:
    """The shadow flag, comparing every answer."""
    return {"prismaShadow": {"enabled": True, **RAMP, "sample_ppm": 1_000_000, "budget_ms": 500}}


@dataclass
class House:
    """`candidate` is answers, errors, hangs, throttles, or talks (answers of a wrong type).

    Who hangs does so until the candidate behaves otherwise: nothing of this process wakes in a measured moment.
    """

    flags: dict[str, Any] = field(default_factory=dict)
    candidate: str = "answers"
    port: int = 0
    daemon_port: int = 0
    invoked: int = 0
    told: threading.Condition = field(default_factory=threading.Condition)

    def behave(self, candidate: str) -> None:
        """Have the candidate do so from now on, and let go who hangs."""
        with self.told:
            self.candidate = candidate
            self.told.notify_all()

    def environment(self) -> dict[str, str]:
        """What a router needs to live here."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{self.daemon_port}",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_SESSION_TOKEN": "x" * 200,
            "APPCONFIG_APPLICATION": "a",
            "APPCONFIG_ENVIRONMENT": "e",
            "APPCONFIG_PROFILE": "p",
            "CANDIDATE_FUNCTION": "huntaze-prisma-read",
            "SHADOW_FUNCTION": "huntaze-shadow-compare",
            "FLAG_STALENESS_SECONDS": "15",
            "POWERTOOLS_SERVICE_NAME": "huntaze-mock-read",
            "POWERTOOLS_METRICS_NAMESPACE": "Huntaze/ReadPath",
        }

    def reply(self, path: str, kind: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for a request; may take its time."""
        if path.startswith("/configurationsessions"):
            return 201, {}, b'{"InitialConfigurationToken": "t"}'
        if path.startswith("/configuration"):
            return 200, {"Next-Poll-Configuration-Token": "t"}, json.dumps(self.flags).encode()
        self.invoked += 1
        return (202, {}, b"") if kind == "Event" else self._candidate()

    def _candidate(self) -> tuple[int, dict[str, str], bytes]:
        with self.told:
            self.told.wait_for(lambda: self.candidate != "hangs", _HANG_SECONDS)
        if self.candidate == "throttles":
            return 429, {"x-amzn-errortype": "TooManyRequestsException"}, b"{}"
        if self.candidate == "errors":
            return 200, {"x-amz-function-error": "Unhandled"}, b'{"errorMessage": "on purpose"}'
        if self.candidate == "talks":
            return 200, {}, b'{"statusCode": "fine", "body": {"id": 1}}'
        if self.candidate == "database down":
            return 200, {}, b'{"statusCode": 500, "headers": {}, "body": "{\\"error\\": \\"internal error\\"}"}'
        return 200, {}, json.dumps(bare.handler({}, None)).encode()


@contextmanager
def house() -> Iterator[House]:
    """A house with doors on free ports, until the block ends."""
    lived_in = House()

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            status, headers, body = lived_in.reply(self.path, self.headers.get("x-amz-invocation-type", ""))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 - the server's own name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A router that left at its deadline is no news."""

    server = Server(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    daemon = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    daemon.bind(("127.0.0.1", 0))
    lived_in.port, lived_in.daemon_port = server.server_port, daemon.getsockname()[1]
    try:
        yield lived_in
    finally:
        lived_in.behave("answers")
        server.shutdown()
        server.server_close()
        daemon.close()
