"""The front end of function URLs, on loopback: HTTP in, the event of a function URL to a function, its answer out.

Serves the ramp page where no function URL can be opened in a browser: on the local stack, whose URLs have no address
of their own, and on AWS, where a browser signs nothing. Whoever may invoke the function may read the page.
Source: AWS Lambda developer guide, "Invoking Lambda function URLs" (payload format version 2.0).
"""

import base64
import json
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from local_stack.ports import LOOPBACK

Event = dict[str, Any]
Call = Callable[[str, Event], Mapping[str, Any]]
"""A function by name and its event, to its answer `{statusCode, headers, body, isBase64Encoded, cookies}`."""

MOST_BYTES = 65_536
PAGE, LINK = "huntaze-ramp-page", "huntaze-ramp-link"
FAILED: Mapping[str, Any] = {
    "statusCode": 502,
    "headers": {"Content-Type": "text/plain; charset=utf-8"},
    "body": "The function failed; its log says why.\n",
}


class Front(ThreadingHTTPServer):
    """Serves on a bound socket until `shutdown`; `caller_arn` is who signs for the page, None: nobody."""

    daemon_threads = True

    def __init__(self, call: Call, door: socket.socket | None = None, caller_arn: str | None = None) -> None:
        self.call = call
        self.caller_arn = caller_arn
        door = door or open_socket()
        super().__init__(door.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = door
        self.server_activate()

    @property
    def url(self) -> str:
        """Where it answers, with the slash at the end."""
        return url_of(self.socket)


def open_socket() -> socket.socket:
    """A TCP socket on a free port of 127.0.0.1."""
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    door.bind((LOOPBACK, 0))
    return door


def url_of(door: socket.socket) -> str:
    """Where a server on this socket answers, with the slash at the end."""
    return f"http://{LOOPBACK}:{door.getsockname()[1]}/"


def through_lambda(functions: Any) -> Call:
    """Calls functions with a boto3 Lambda client."""

    def call(function: str, event: Event) -> Mapping[str, Any]:
        answer = functions.invoke(FunctionName=function, Payload=json.dumps(event))
        told: Mapping[str, Any] = json.load(answer["Payload"])
        return FAILED if "FunctionError" in answer else told

    return call


def function_of(path: str) -> str:
    """Links have a function of their own, as on AWS."""
    return LINK if path.startswith("/link/") else PAGE


class _Handler(BaseHTTPRequestHandler):
    server: Front
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._forward()

    def do_POST(self) -> None:
        self._forward()

    def log_message(self, *_: Any) -> None:
        """Quiet: paths of links are secrets."""

    def _forward(self) -> None:
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        if host not in {LOOPBACK, "localhost"}:  # a site whose name was made to lead here
            self._answer({"statusCode": 421, "headers": {}, "body": ""})
            return
        length = min(int(self.headers.get("Content-Length") or 0), MOST_BYTES)
        event = self._event(self.rfile.read(length))
        self._answer(self.server.call(function_of(event["rawPath"]), event))

    def _event(self, body: bytes) -> Event:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        http = {"method": self.command, "path": parts.path, "protocol": "HTTP/1.1", "sourceIp": LOOPBACK}
        event: Event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": parts.path,
            "rawQueryString": parts.query,
            "headers": headers,
            "requestContext": {
                "http": {**http, "userAgent": headers.get("user-agent", "")},
                "domainName": headers.get("host", ""),
                "requestId": str(uuid.uuid4()),
                "routeKey": "$default",
                "stage": "$default",
                "timeEpoch": int(time.time() * 1000),
            },
            "isBase64Encoded": bool(body),
        }
        if self.server.caller_arn and function_of(parts.path) == PAGE:  # links ask nobody to sign
            event["requestContext"]["authorizer"] = {"iam": {"userArn": self.server.caller_arn}}
        if "cookie" in headers:
            event["cookies"] = headers.pop("cookie").split("; ")
        if parts.query:
            event["queryStringParameters"] = dict(pair.partition("=")[::2] for pair in parts.query.split("&"))
        return {**event, "body": base64.b64encode(body).decode()} if body else event

    def _answer(self, answer: Mapping[str, Any]) -> None:
        text = answer.get("body") or ""
        body = base64.b64decode(text) if answer.get("isBase64Encoded") else text.encode()
        self.send_response(answer["statusCode"])
        for name, value in answer.get("headers", {}).items():
            self.send_header(name, value)
        for cookie in answer.get("cookies", []):
            self.send_header("Set-Cookie", cookie)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
