"""Calls to AWS, signed and sent over one kept connection: one attempt each, within a deadline.

Instead of boto3, whose first client costs more than ten times the start of a bare Lambda function, in front of a user
who waits (docs/performance.md). Five operations are all the read path needs.

The deadline holds for all of it: looking the name up, connecting, encrypting, and each piece of the answer.
"""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from read_path.beside import Beside
from read_path.signature import Credentials, Request, query_string, sign

if TYPE_CHECKING:
    from http.client import HTTPConnection
    from ssl import SSLContext

_LAST_SUCCESS = 299  # of HTTP's statuses
_PORTS = {"http": 80, "https": 443}
_ADDRESS_SECONDS = 60.0  # an address that takes no connection is looked up anew before


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
        place = urlsplit(endpoint_url)
        self._host, self._host_name = place.netloc, place.hostname or ""
        self._is_secure = place.scheme == "https"
        look_up = partial(_look_up, self._host_name, place.port or _PORTS[place.scheme])
        self._addresses = Beside(look_up, _ADDRESS_SECONDS)
        self._connection: HTTPConnection | None = None

    def make_ready(self) -> None:
        """Begin beside the requests what the first call would wait for: the name's addresses, the certificates."""
        self._addresses.begin()
        if self._is_secure:
            _TLS.begin()

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
        tls = _TLS.value(deadline) if self._is_secure else None
        addresses = self._addresses.value(deadline)
        try:
            reached = _reach(addresses, deadline)
            if tls is not None:
                reached.settimeout(_left(deadline))
                reached = tls.wrap_socket(reached, server_hostname=self._host_name)
        except OSError:
            self._addresses.drop()
            raise
        connection: HTTPConnection = _http().HTTPConnection(self._host)
        connection.sock = reached
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _http() -> ModuleType:
    """Half of the router's start would be this import; the thread that reads the first flags makes it instead."""
    return import_module("http.client")


def _certificates() -> SSLContext:
    context: SSLContext = import_module("ssl").create_default_context()
    return context


_TLS = Beside(_certificates)  # one for the sandbox: reading them takes tens of milliseconds, once for each context


class _Address(NamedTuple):
    family: socket.AddressFamily
    place: tuple[str | int, ...] | tuple[int, bytes]


def _look_up(host: str, port: int) -> list[_Address]:
    """Return the name's addresses. Raises OSError, in its own time: libc gives it no deadline."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [_Address(family, place) for family, _, _, _, place in found]


def _reach(addresses: list[_Address], deadline: float) -> socket.socket:
    """Try two addresses, the first in half of the time: one that is gone costs neither all of it nor more."""
    failure: OSError = TimeoutError()
    for share, address in zip((2, 1), addresses, strict=False):
        trying = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            trying.settimeout(_left(deadline) / share)
            trying.connect(address.place)
            trying.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            trying.close()
            failure = error
        else:
            return trying
    raise failure


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
