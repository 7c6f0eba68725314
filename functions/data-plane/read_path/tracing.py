"""X-Ray subsegments, sent to the daemon as one datagram for each request.

Instead of the X-Ray SDK, whose import alone costs ten times the start of a bare Lambda function (docs/performance.md).
Source: AWS X-Ray, "Segment documents" and "Sending trace data to AWS X-Ray".
"""

from __future__ import annotations

import json
import secrets
import socket
import time
from collections.abc import Callable
from typing import Any

_HEADER = b'{"format": "json", "version": 1}\n'


class Tracing:
    """The trace of the invocation at hand. `header` returns what Lambda says of it, `daemon` is `host:port`.

    A sandbox serves one request at a time, so the open subsegments are a stack. Nothing is kept of a trace that is not
    sampled, and nothing is sent but whole requests.
    """

    def __init__(self, daemon: str, header: Callable[[], str]) -> None:
        host, _, port = daemon.rpartition(":")
        self._address = (host, int(port)) if host and port.isdecimal() else None
        self._header = header
        self._open: list[dict[str, Any]] = []
        self._socket: socket.socket | None = None

    def begin(self, name: str, about: dict[str, Any]) -> dict[str, Any] | None:
        """Open a subsegment; None where nothing is traced. `about` goes into the document."""
        document: dict[str, Any] = {"id": secrets.token_hex(8), "name": name, "start_time": time.time(), **about}
        if self._open:
            self._open[-1].setdefault("subsegments", []).append(document)
        else:
            given = dict(part.partition("=")[::2] for part in self._header().split(";"))
            if self._address is None or given.get("Sampled") != "1":
                return None
            document |= {"type": "subsegment", "trace_id": given["Root"], "parent_id": given["Parent"]}
        self._open.append(document)
        return document

    def end(self, document: dict[str, Any]) -> None:
        """Close a subsegment; the outermost one is sent with all that is in it."""
        document["end_time"] = time.time()
        self._open.remove(document)
        if not self._open:
            self._send(document)

    def annotate(self, annotations: dict[str, str | bool]) -> None:
        """Put annotations (searchable) on the open subsegment."""
        if self._open:
            self._open[-1].setdefault("annotations", {}).update(annotations)

    def describe(self, namespace: str, metadata: dict[str, str | float | bool]) -> None:
        """Put metadata on the open subsegment."""
        if self._open:
            self._open[-1].setdefault("metadata", {}).setdefault(namespace, {}).update(metadata)

    def fail(self, error: Exception) -> None:
        """Mark the open subsegment as failed by an exception of ours, without its message, which may hold values."""
        if self._open:
            exception = {"id": secrets.token_hex(8), "type": type(error).__name__, "stack": _stack(error)}
            self._open[-1] |= {"fault": True, "cause": {"exceptions": [exception]}}

    def onward(self) -> str:
        """Return the header that joins a call made now to this trace: its parent is the open subsegment."""
        if not self._open:
            return self._header()
        return f"Root={self._open[0]['trace_id']};Parent={self._open[-1]['id']};Sampled=1"

    def _send(self, document: dict[str, Any]) -> None:
        if self._address is None:
            return
        if self._socket is None:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.setblocking(False)  # a full buffer drops a trace, and keeps no user waiting
        self._socket.sendto(_HEADER + json.dumps(document).encode(), self._address)


def _stack(error: Exception) -> list[dict[str, str | int]]:
    """Where it came from, outermost first, as the X-Ray SDK tells it."""
    frames: list[dict[str, str | int]] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append({"path": code.co_filename.rpartition("/")[2], "line": trace.tb_lineno, "label": code.co_name})
        trace = trace.tb_next
    return frames
