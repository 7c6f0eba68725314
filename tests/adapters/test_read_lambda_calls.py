"""Calls to Lambda over real HTTP: one attempt each, within the deadline, and every way to fail has a name."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from read_path import clients
from read_path.core.answer import Answer
from read_path.core.event import ComparisonEvent, Kind
from read_path.core.observation import CandidateError
from read_path.core.routing import Phase
from read_path.dispatch import ComparatorFunction, DispatchError
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


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[LambdaService]:
    played = LambdaService()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            played.asked.append((self.path, self.headers["x-amz-invocation-type"], body))
            time.sleep(played.delay_seconds)
            self.send_response(played.status)
            for name, value in {"content-length": str(len(played.body)), **played.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(played.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setenv(name, value)
    clients.lambda_client.cache_clear()
    yield played
    clients.lambda_client.cache_clear()
    server.shutdown()
    server.server_close()


@pytest.fixture
def candidate() -> CandidateFunction:
    return CandidateFunction("huntaze-prisma-read", clients.lambda_client)


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


def test_a_service_that_is_not_there_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, service: LambdaService, candidate: CandidateFunction
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert failure(candidate).reason == "EndpointConnectionError"


EVENT = ComparisonEvent(Kind.SHADOW, Phase("r", "0"), "user-1", "request-1", 500, Answer(200, "{}"))


def test_a_comparison_is_queued_and_not_waited_for(service: LambdaService) -> None:
    service.status, service.body = 202, b""
    ComparatorFunction("huntaze-shadow-compare", lambda: clients.lambda_client(0.5)).send(EVENT)
    ((path, kind, body),) = service.asked
    assert path.endswith("/functions/huntaze-shadow-compare/invocations")
    assert (kind, json.loads(body)) == ("Event", EVENT.to_wire())


def test_a_comparison_that_cannot_be_queued_is_tried_once(service: LambdaService) -> None:
    service.status, service.headers = 429, {"x-amzn-errortype": "TooManyRequestsException"}
    with pytest.raises(DispatchError, match="TooManyRequestsException"):
        ComparatorFunction("huntaze-shadow-compare", lambda: clients.lambda_client(0.5)).send(EVENT)
    assert len(service.asked) == 1


def test_a_comparison_waits_for_a_slow_lambda_only_so_long(service: LambdaService) -> None:
    service.delay_seconds = 1
    with pytest.raises(DispatchError, match="ReadTimeoutError"):
        ComparatorFunction("huntaze-shadow-compare", lambda: clients.lambda_client(0.1)).send(EVENT)
