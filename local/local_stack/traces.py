"""A stand-in for the X-Ray daemon: a UDP socket whose segments end up as JSON lines.

Source: https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html: a datagram is one header line
`{"format": "json", "version": 1}` and one segment document.
"""

import json
import socket
from collections import deque
from pathlib import Path

from local_stack import ports

KEPT_SEGMENTS = 2000
DATAGRAM_BYTES = 65_536  # the daemon's own limit is 64 kB a segment document
POLL_SECONDS = 0.5
FILE_NAME = "traces.jsonl"


def open_socket() -> socket.socket:
    """A UDP socket on a free port of 127.0.0.1."""
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind((ports.LOOPBACK, 0))
    return sink


class Traces:
    """Appends each segment to `path`; the file never holds more than twice `kept` of them."""

    def __init__(self, sink: socket.socket, path: Path, kept: int = KEPT_SEGMENTS) -> None:
        self._sink = sink
        self._sink.settimeout(POLL_SECONDS)
        self._path = path
        self._recent: deque[str] = deque(maxlen=kept)
        self._written = 0
        self._path.write_text("")

    def receive(self) -> bool:
        """Wait up to half a second for one segment and keep it; whether there was one."""
        try:
            datagram = self._sink.recv(DATAGRAM_BYTES)
        except TimeoutError:
            return False
        _, _, document = datagram.partition(b"\n")
        try:
            segment = json.dumps(json.loads(document))
        except ValueError:
            return False
        self._keep(segment)
        return True

    def _keep(self, segment: str) -> None:
        self._recent.append(segment)
        if self._written >= 2 * (self._recent.maxlen or 0):
            self._path.write_text("".join(f"{line}\n" for line in self._recent))
            self._written = len(self._recent)
            return
        with self._path.open("a") as lines:
            lines.write(f"{segment}\n")
        self._written += 1
