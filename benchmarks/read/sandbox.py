"""A Lambda sandbox: the real Python runtime client in a process of its own, served by a small Runtime API.

Source: AWS, "Using the Lambda runtime API for custom runtimes".
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import sysconfig
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
_START_SECONDS = 60.0


class Sandbox:
    """A started sandbox that waits for its next invocation. Times are in seconds."""

    def __init__(self, handler: str, environment: Mapping[str, str]) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(_START_SECONDS)
        # Without site: no .pth file of this machine slows the start, as none does on Lambda.
        paths = [str(REPOSITORY), str(REPOSITORY / "functions" / "data-plane"), sysconfig.get_path("purelib")]
        started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-m", "awslambdaric", handler],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join(paths),
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{listener.getsockname()[1]}",
                "AWS_LAMBDA_FUNCTION_NAME": "huntaze-mock-read",
                "AWS_LAMBDA_FUNCTION_VERSION": "1",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
                "LAMBDA_TASK_ROOT": str(REPOSITORY),
                **environment,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._connection, _ = listener.accept()
        listener.close()
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self._request()
        self.init_seconds = time.perf_counter() - started

    def cpu_seconds(self) -> float:
        """Return what the process has used of any processor, from the scheduler's own count in nanoseconds."""
        tasks = Path(f"/proc/{self._process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def invoke(self, event: object) -> tuple[Any, float]:
        """Return what the handler answered, and how long the Runtime API waited for it."""
        body = json.dumps(event).encode()
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Lambda-Runtime-Aws-Request-Id: {uuid.uuid4()}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {int(time.time() * 1000) + 10_000}\r\n"
            f"Lambda-Runtime-Trace-Id: {TRACE}\r\n"
            "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:huntaze-mock-read\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        started = time.perf_counter()
        self._connection.sendall(head.encode() + body)
        answer = self._request()
        seconds = time.perf_counter() - started
        self._connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        self._request()
        return json.loads(answer), seconds

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._connection.close()

    def _request(self) -> bytes:
        """Return the body of the runtime client's next request: an answer, or nothing with GET next."""
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
        length = int(lengths[0]) if lengths else 0
        while len(self._buffer) < length:
            self._receive()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return body

    def _receive(self) -> None:
        received = self._connection.recv(65_536)
        if not received:
            raise RuntimeError(f"the sandbox ended with {self._process.wait()}")
        self._buffer += received


@contextmanager
def sandbox(handler: str, environment: Mapping[str, str]) -> Iterator[Sandbox]:
    """A sandbox that ends with the block."""
    running = Sandbox(handler, environment)
    try:
        yield running
    finally:
        running.stop()
