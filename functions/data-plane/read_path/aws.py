"""Calls to AWS, signed and sent over one kept connection: one attempt each, within a deadline.

Instead of boto3, whose first client costs more than ten times the start of a bare Lambda function, in front of a user
who waits (docs/performance.md). Five operations are all the read path needs.
"""

from __future__ import annotations

import json
import select
import time
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from read_path.signature import Credentials, Request, query_string, sign

if TYPE_CHECKING:
    from http.client import HTTPConnection
    from ssl import SSLContext

_LAST_SUCCESS = 299  # of HTTP's statuses
_HTTPS_PORT = 443


class AwsError(Exception):
    """The call failed. `code` is AWS's own error code, or a word of ours: Timeout, ConnectionFailed."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def timed_out(self) -> bool:
        return self.code == "Timeout"


class Reply(NamedTuple):
    """A reply below 300; header names are in lower case."""

    headers: Mapping[str, str]
    body: bytes


class Service:
    """One AWS service as its callers see it."""

    def __init__(
        self, name: str, endpoint_url: str, credentials: Credentials, tracing_header: Callable[[], str]
    ) -> None:
        self._name = name
        self._credentials = credentials
        self._tracing_header = tracing_header
        scheme, _, self._host = endpoint_url.rstrip("/").partition("://")
        self._is_secure = scheme == "https"
        self._connection: HTTPConnection | None = None

    def call(
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        body: bytes = b"",
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request and return its reply, all within `seconds`. Raises AwsError."""
        deadline = time.monotonic() + seconds
        try:
            status, reply = self._exchange(self._signed(method, path, query or {}, headers or {}, body), deadline)
        except TimeoutError as error:
            self._drop()
            raise AwsError("Timeout") from error
        except (OSError, _http().HTTPException) as error:
            self._drop()
            raise AwsError("ConnectionFailed") from error
        if status > _LAST_SUCCESS:
            raise AwsError(_code(status, reply))
        return reply

    def _signed(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Request:
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        request = Request(method, path, query, {"host": self._host, **headers}, body)
        signed = sign(request, self._name, self._credentials, moment)
        if traced := self._tracing_header():
            signed["x-amzn-trace-id"] = traced
        return request._replace(headers=signed)

    def _exchange(self, request: Request, deadline: float) -> tuple[int, Reply]:
        connection = self._open(deadline)
        url = f"{request.path}?{query_string(request.query)}" if request.query else request.path
        connection.request(request.method, url, request.body, dict(request.headers))
        connection.sock.settimeout(_left(deadline))
        response = connection.getresponse()
        body = bytearray()
        while chunk := response.read1():  # not read(): each piece within what is left of the time
            body += chunk
            if connection.sock is not None:
                connection.sock.settimeout(_left(deadline))
        response.close()
        return response.status, Reply({name.lower(): value for name, value in response.getheaders()}, bytes(body))

    def _open(self, deadline: float) -> HTTPConnection:
        """Return the kept connection, or a new one where the other side has closed it while the sandbox slept."""
        if self._connection is not None and (self._connection.sock is None or _is_readable(self._connection)):
            self._drop()
        if self._connection is None:
            self._connection = self._connect(deadline)
        self._connection.sock.settimeout(_left(deadline))
        return self._connection

    def _connect(self, deadline: float) -> HTTPConnection:
        """Connect, and encrypt in what is left of the time: an HTTPSConnection would give each of both all of it."""
        tls = _tls() if self._is_secure else None
        port = _HTTPS_PORT if self._is_secure and ":" not in self._host else None
        connection: HTTPConnection = _http().HTTPConnection(self._host, port, timeout=_left(deadline))
        connection.connect()
        if tls is not None:
            connection.sock.settimeout(_left(deadline))
            connection.sock = tls.wrap_socket(connection.sock, server_hostname=connection.host)
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _http() -> ModuleType:
    """Half of the router's start would be this import; the thread that reads the first flags makes it instead."""
    return import_module("http.client")


@cache
def _tls() -> SSLContext:
    """One for the sandbox: reading the authorities' certificates takes tens of milliseconds, once for each context."""
    context: SSLContext = import_module("ssl").create_default_context()
    return context


def _is_readable(connection: HTTPConnection) -> bool:
    """Between two requests nothing is to be read: whatever is, is the end of the connection."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _code(status: int, reply: Reply) -> str:
    """Return AWS's error code, which REST services put into a header and others into the body."""
    named = reply.headers.get("x-amzn-errortype")
    if named is None:
        try:
            document = json.loads(reply.body)
            named = document.get("__type") or document.get("code") if isinstance(document, dict) else None
        except ValueError:
            named = None
    if not isinstance(named, str):
        return f"Status{status}"
    return named.partition(":")[0].rpartition("#")[2]
