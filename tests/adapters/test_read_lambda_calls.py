"""Calls to Lambda over real HTTP: one attempt each, within the deadline, and every way to fail has a name."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from read_path.aws import AwsError, Service
from read_path.core.answer import Answer
from read_path.core.event import ComparisonEvent, Kind
from read_path.core.observation import CandidateError
from read_path.core.routing import Phase
from read_path.dispatch import LARGEST_EVENT_BYTES, Dispatch, DispatchError, to_function, to_queue
from read_path.signature import Credentials
from read_path.sources.function import CandidateFunction

ANSWER = {"statusCode": 200, "headers": {}, "body": "{}"}


@dataclass
class LambdaService:
    """Lambda's Invoke as HTTP: what to answer, and what was asked."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = json.dumps(ANSWER).encode()
    delay_seconds: float = 0
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)
    closes: bool = False
    closed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    url: str = ""

    def client(self, name: str = "lambda") -> Service:
        """The read path's own way to it."""
        return Service(
            name, self.url, Credentials("us-east-1", "id", "secret", "token"), lambda: "Root=1;Parent=2;Sampled=1"
        )


@pytest.fixture
def service() -> Iterator[LambdaService]:
    played = LambdaService()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            played.seen = {name.lower(): value for name, value in self.headers.items()}
            played.asked.append((self.path, played.seen.get("x-amz-invocation-type", ""), body))
            self.close_connection = played.closes
            time.sleep(played.delay_seconds)
            self.send_response(played.status)
            for name, value in {"content-length": str(len(played.body)), **played.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(played.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
            super().shutdown_request(request)
            played.closed.release()

        def handle_error(self, *_: object) -> None:
            """Callers that gave up close their end; that is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    played.url = f"http://127.0.0.1:{server.server_port}"
    yield played
    server.shutdown()
    server.server_close()


@pytest.fixture
def candidate(service: LambdaService) -> CandidateFunction:
    return CandidateFunction("huntaze-prisma-read", service.client())


def failure(candidate: CandidateFunction, deadline_ms: int = 2000) -> CandidateError:
    with pytest.raises(CandidateError) as failed:
        candidate.read("user-1", deadline_ms)
    return failed.value


def test_the_candidate_is_asked_and_answers(service: LambdaService, candidate: CandidateFunction) -> None:
    assert candidate.read("user-1", 2000) == Answer(200, "{}")
    ((path, kind, body),) = service.asked
    assert path.endswith("/functions/huntaze-prisma-read/invocations")
    assert (kind, json.loads(body)) == ("RequestResponse", {"userId": "user-1"})


def test_a_candidate_slower_than_the_deadline_is_left_in_time(
    service: LambdaService, candidate: CandidateFunction
) -> None:
    candidate.read("user-1", 150)  # the first call opens the connection
    service.delay_seconds = 1.5
    started = time.monotonic()
    failed = failure(candidate, deadline_ms=150)
    assert (failed.reason, failed.timed_out) == ("Timeout", True)
    assert time.monotonic() - started < 1
    assert len(service.asked) == 2


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, "TooManyRequestsException"), (500, "ServiceException"), (403, "AccessDeniedException")],
)
def test_a_refusal_is_named_by_its_code_and_not_tried_again(
    service: LambdaService, candidate: CandidateFunction, status: int, code: str
) -> None:
    service.status, service.headers, service.body = status, {"x-amzn-errortype": code}, b"{}"
    failed = failure(candidate)
    assert (failed.reason, failed.timed_out) == (code, False)
    assert len(service.asked) == 1


def test_a_function_error_is_a_failure_whatever_its_payload(
    service: LambdaService, candidate: CandidateFunction
) -> None:
    service.headers = {"x-amz-function-error": "Unhandled"}
    assert failure(candidate).reason == "FunctionError"


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'{"statusCode": "200", "body": "{}"}', b'{"statusCode": 200}']
)
def test_a_payload_that_is_no_answer_is_a_failure(
    service: LambdaService, candidate: CandidateFunction, body: bytes
) -> None:
    service.body = body
    assert failure(candidate).reason == "MalformedPayload"


def test_a_service_that_is_not_there_is_a_failure() -> None:
    nobody = Service("lambda", "http://127.0.0.1:1", Credentials("us-east-1", "a", "b"), lambda: "")
    assert failure(CandidateFunction("huntaze-prisma-read", nobody)).reason == "ConnectionFailed"


def test_a_reply_that_comes_in_drops_is_left_at_the_deadline(
    service: LambdaService, candidate: CandidateFunction
) -> None:
    """Each drop is in time for itself, and together they would take for ever."""
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while True:
                connection.sendall(b"x")
                time.sleep(0.05)

    threading.Thread(target=drip, daemon=True).start()
    dripping = Service(
        "lambda", f"http://127.0.0.1:{listener.getsockname()[1]}", Credentials("r", "a", "b"), lambda: ""
    )
    started = time.monotonic()
    assert failure(CandidateFunction("f", dripping), deadline_ms=200).timed_out
    assert 0.15 < time.monotonic() - started < 1
    listener.close()


def test_one_connection_is_kept_and_one_that_was_closed_at_rest_is_replaced(
    service: LambdaService, candidate: CandidateFunction
) -> None:
    """AWS closes idle connections while a sandbox sleeps; the first request after it must not pay with an error."""
    service.closes = True
    for _ in range(2):
        assert candidate.read("user-1", 2000) == Answer(200, "{}")
        assert service.closed.acquire(timeout=10)
    service.closes = False
    candidate.read("user-1", 2000)
    kept = candidate._lambda._connection
    candidate.read("user-1", 2000)
    assert candidate._lambda._connection is kept


def test_the_call_is_signed_and_carries_the_trace(service: LambdaService, candidate: CandidateFunction) -> None:
    candidate.read("user-1", 2000)
    assert service.seen["authorization"].startswith("AWS4-HMAC-SHA256 Credential=id/")
    assert service.seen["x-amz-security-token"] == "token"
    assert service.seen["x-amzn-trace-id"] == "Root=1;Parent=2;Sampled=1"


@pytest.mark.parametrize(
    ("body", "code"),
    [(b'{"__type": "com.amazonaws#AccessDenied"}', "AccessDenied"), (b'{"code": "X"}', "X"), (b"<", "Status400")],
)
def test_an_error_is_named_from_the_body_where_no_header_names_it(
    service: LambdaService, body: bytes, code: str
) -> None:
    service.status, service.body = 400, body
    with pytest.raises(AwsError, match=f"^{code}$"):
        service.client("sqs").call("POST", "/", seconds=1, body=b"{}")


EVENT = ComparisonEvent(Kind.SHADOW, Phase("r", "0"), "user-1", "request-1", 500, Answer(200, "{}"))


def dispatch(service: LambdaService, now: float = 0.0) -> Dispatch:
    return Dispatch(to_function("huntaze-shadow-compare", service.client()), lambda: now)


def test_a_comparison_is_queued_and_not_waited_for(service: LambdaService) -> None:
    service.status, service.body = 202, b""
    dispatch(service).send(EVENT)
    ((path, kind, body),) = service.asked
    assert path.endswith("/functions/huntaze-shadow-compare/invocations")
    assert (kind, json.loads(body)) == ("Event", EVENT.to_wire())


def test_a_comparison_can_go_through_a_queue(service: LambdaService) -> None:
    Dispatch(to_queue("https://sqs/123/q", service.client("sqs")), lambda: 0.0).send(EVENT)
    ((_, _, body),) = service.asked
    assert service.seen["x-amz-target"] == "AmazonSQS.SendMessage"
    sent = json.loads(body)
    assert (sent["QueueUrl"], json.loads(sent["MessageBody"])) == ("https://sqs/123/q", EVENT.to_wire())


def test_an_answer_too_large_for_an_event_goes_as_its_digest(service: LambdaService) -> None:
    large = Answer(200, json.dumps({"text": "x" * LARGEST_EVENT_BYTES}))
    dispatch(service).send(EVENT._replace(control=large))
    assert json.loads(service.asked[0][2])["control"] == {"digest": large.digest()}


def test_a_comparison_that_cannot_be_queued_is_tried_once(service: LambdaService) -> None:
    service.status, service.headers = 429, {"x-amzn-errortype": "TooManyRequestsException"}
    with pytest.raises(DispatchError, match="TooManyRequestsException"):
        dispatch(service).send(EVENT)
    assert len(service.asked) == 1


def test_a_comparator_that_cannot_be_reached_is_left_alone_after_five_times(service: LambdaService) -> None:
    """Users wait for each try; the evidence that is lost is counted either way."""
    service.status, service.headers = 429, {"x-amzn-errortype": "TooManyRequestsException"}
    sender = dispatch(service)
    for _ in range(8):
        with pytest.raises(DispatchError):
            sender.send(EVENT)
    assert len(service.asked) == 5


def test_a_comparison_waits_for_a_slow_lambda_only_so_long(service: LambdaService) -> None:
    service.delay_seconds = 1
    started = time.monotonic()
    with pytest.raises(DispatchError, match="Timeout"):
        dispatch(service).send(EVENT)
    assert time.monotonic() - started < 0.8
