"""X-Ray's daemon, as far as the read path knows it: an address, and the documents that arrive there."""

from __future__ import annotations

import io
import json
import socket
from typing import Any

from read_path.settings import TelemetrySettings
from read_path.telemetry import Telemetry
from read_path.tracing import Tracing

ROOT, PARENT = "1-5759e988-bd862e3fe1be46a994272793", "53995c3f42cd8ad8"
SAMPLED = f"Root={ROOT};Parent={PARENT};Sampled=1"
ABOUT = TelemetrySettings("huntaze-mock-read", "Huntaze/ReadPath", "INFO", "")
HEADER = {"format": "json", "version": 1}


class Daemon:
    """A socket of its own; documents come one by one."""

    def __init__(self, sink: socket.socket) -> None:
        self._sink = sink
        self._sink.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{sink.getsockname()[1]}"

    def received(self, seconds: float = 2.0) -> dict[str, Any]:
        """The next document; raises TimeoutError when none comes."""
        self._sink.settimeout(seconds)
        header, _, document = self._sink.recv(65_535).partition(b"\n")
        assert json.loads(header) == HEADER
        found: dict[str, Any] = json.loads(document)
        return found

    def telemetry(self, header: str = SAMPLED) -> Telemetry:
        """The read path's own, of an invocation with this trace header."""
        return Telemetry(ABOUT, Tracing(self.address, lambda: header), io.StringIO())
