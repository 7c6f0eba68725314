"""Steady user traffic through an alias of the read function, as its users see it.

The emulator stores an alias's weights but does not apply them, so the version is picked here by the weights, as AWS
would. Which arm answered is not this module's business.
"""

import json
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local_stack.clients import client

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient

FUNCTION = "huntaze-mock-read"
ALIAS = "live"
WEIGHTS_SECONDS = 1.0
REQUESTS_PER_THREAD = 2.0  # a nested read takes some 0.1 s here; half a second of slack keeps the rate when it is slow
LATENCIES_KEPT = 10_000
SERVER_ERROR = 500


@dataclass(frozen=True)
class Snapshot:
    """What users saw so far. `failures` are answers of status 500 and over, FunctionErrors, and no answer at all.

    `unanswered` counts the last kind by the error's class: whether the function ran, its user cannot know. `p50_ms` and
    `p95_ms` are over the last 10,000 requests, None before the first.
    """

    requests: int
    failures: int
    p50_ms: float | None
    p95_ms: float | None
    last_failure: str | None
    unanswered: Mapping[str, int]


class Traffic:
    """`rate_per_second` requests of `user-1` … `user-<users>`, from `start` until `stop` or `max_seconds` later.

    When the function cannot keep up the rate falls; requests are never piled up. Usable as a context manager.
    """

    def __init__(
        self,
        endpoint_url: str,
        rate_per_second: float = 12.0,
        users: int = 50,
        max_seconds: float = 3600.0,
        function: str = FUNCTION,
        alias: str = ALIAS,
    ) -> None:
        self._interval = 1.0 / rate_per_second
        self._users = users
        self._max_seconds = max_seconds
        self._function, self._alias = function, alias
        threads = max(2, round(rate_per_second / REQUESTS_PER_THREAD))
        self._client: LambdaClient = client(endpoint_url, "lambda", attempts=1)
        self._threads = [threading.Thread(target=self._send_until_stopped, daemon=True) for _ in range(threads)]
        self._threads.append(threading.Thread(target=self._follow_weights, daemon=True))
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._dice = random.Random(0)  # noqa: S311 - spreads users and versions, guards nothing
        self._weights: dict[str, float] = {}
        self._next_at = self._end_at = 0.0
        self._requests = self._failures = 0
        self._last_failure: str | None = None
        self._unanswered: Counter[str] = Counter()
        self._latencies_ms: deque[float] = deque(maxlen=LATENCIES_KEPT)

    def start(self) -> None:
        """Start sending; raises botocore's ClientError when there is no such function or alias."""
        self._weights = read_weights(self._client, self._function, self._alias)
        self._next_at = time.monotonic()
        self._end_at = self._next_at + self._max_seconds
        for thread in self._threads:
            thread.start()

    def stop(self) -> Snapshot:
        """Stop sending, wait for the requests under way, and tell what users saw."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        return self.snapshot()

    def snapshot(self) -> Snapshot:
        """What users saw so far; safe to call from any thread."""
        with self._lock:
            latencies = sorted(self._latencies_ms)
            p50, p95 = _percentile(latencies, 0.5), _percentile(latencies, 0.95)
            return Snapshot(self._requests, self._failures, p50, p95, self._last_failure, dict(self._unanswered))

    def __enter__(self) -> "Traffic":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _send_until_stopped(self) -> None:
        while (request := self._next_request()) is not None:
            at, user, version = request
            if self._stopped.wait(max(0.0, at - time.monotonic())):
                return
            started = time.monotonic()
            failure = self._send(user, version)
            self._count((time.monotonic() - started) * 1000, failure)

    def _next_request(self) -> tuple[float, str, str] | None:
        """When, for whom, and by which version; None at the end."""
        with self._lock:
            at = max(self._next_at, time.monotonic())
            if self._stopped.is_set() or at >= self._end_at:
                return None
            self._next_at = at + self._interval
            user = f"user-{self._dice.randint(1, self._users)}"
            return at, user, pick_version(self._weights, self._dice.random())

    def _send(self, user: str, version: str) -> str | None:
        """None when the user was served, else why not."""
        payload = json.dumps({"userId": user})
        try:
            answer = self._client.invoke(FunctionName=self._function, Qualifier=version, Payload=payload)
            return failure_of(answer.get("FunctionError"), json.load(answer["Payload"]))
        except (BotoCoreError, ClientError, ValueError) as error:
            with self._lock:
                self._unanswered[type(error).__name__] += 1
            return type(error).__name__

    def _count(self, latency_ms: float, failure: str | None) -> None:
        with self._lock:
            self._requests += 1
            self._latencies_ms.append(latency_ms)
            if failure is not None:
                self._failures += 1
                self._last_failure = failure

    def _follow_weights(self) -> None:
        while not self._stopped.wait(WEIGHTS_SECONDS) and time.monotonic() < self._end_at:
            try:
                self._weights = read_weights(self._client, self._function, self._alias)
            except (BotoCoreError, ClientError):
                continue  # the last weights stay good, as they do in Lambda itself


def read_weights(client: "LambdaClient", function: str, alias: str) -> dict[str, float]:
    """The alias's versions and their shares, which add up to 1."""
    found = client.get_alias(FunctionName=function, Name=alias)
    additional = found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return {found["FunctionVersion"]: 1.0 - sum(additional.values()), **additional}


def pick_version(weights: Mapping[str, float], die: float) -> str:
    """The version that `die`, uniform in [0, 1), falls on."""
    reached = 0.0
    for version, weight in weights.items():
        reached += weight
        if die < reached:
            return version
    return next(iter(weights))  # weights that add up to a hair under 1


def failure_of(function_error: str | None, answer: Any) -> str | None:
    """Why an answer is a failure to its user, None when it is not."""
    if function_error:
        return function_error
    if not isinstance(answer, dict) or not isinstance(answer.get("statusCode"), int):
        return "malformed answer"
    status: int = answer["statusCode"]
    return f"status {status}" if status >= SERVER_ERROR else None


def _percentile(ordered: list[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None
