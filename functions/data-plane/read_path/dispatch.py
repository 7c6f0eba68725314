"""Hand a comparison to the comparator, off the user's response path.

Work started after a handler returns is frozen with its sandbox, so the comparator is a function of its own, invoked
asynchronously, or fed by a queue. Both deliver at least once: a second delivery counts a comparison twice, and harms
nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote

from read_path.aws import AwsError, Service
from read_path.core.breaker import Breaker
from read_path.core.event import ComparisonEvent

TIMEOUT_SECONDS = 0.2
# Fits SQS's older limit of 256 KiB with room for the envelope, and Lambda's 1 MB for asynchronous events.
LARGEST_EVENT_BYTES = 240_000

Send = Callable[[bytes], None]
"""Queues an event. Raises AwsError."""


class DispatchError(Exception):
    """The comparator could not be reached: evidence is lost, an answer never is."""


class Dispatch:
    """Sends each comparison once, and none for a while when several in a row could not be sent."""

    def __init__(self, send: Send, clock: Callable[[], float]) -> None:
        self._send = send
        self._clock = clock
        self._breaker = Breaker()

    def send(self, event: ComparisonEvent) -> None:
        """Queue the event; a large answer goes as its digest. Raises DispatchError."""
        if self._breaker.is_open(self._clock()):
            raise DispatchError("BreakerOpen")
        payload = json.dumps(event.to_wire()).encode()
        if len(payload) > LARGEST_EVENT_BYTES:
            payload = json.dumps(event.digested().to_wire()).encode()
        try:
            self._send(payload)
        except AwsError as error:
            self._breaker.failed(self._clock())
            raise DispatchError(error.code) from error
        self._breaker.succeeded()


def to_function(name: str, lambda_: Service) -> Send:
    """Invoke the comparator asynchronously.

    Source: AWS Lambda API, Invoke: InvocationType Event, a payload of up to 1 MB.
    """
    path = f"/2015-03-31/functions/{quote(name, safe='')}/invocations"

    def send(payload: bytes) -> None:
        lambda_.call("POST", path, seconds=TIMEOUT_SECONDS, body=payload, headers={"x-amz-invocation-type": "Event"})

    return send


def to_queue(url: str, sqs: Service) -> Send:
    """Put the event on the comparator's queue, for traffic where an invocation for each comparison is too many.

    Source: Amazon SQS API, "Making AWS JSON protocol API requests".
    """
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.SendMessage"}

    def send(payload: bytes) -> None:
        body = json.dumps({"QueueUrl": url, "MessageBody": payload.decode()}).encode()
        sqs.call("POST", "/", seconds=TIMEOUT_SECONDS, body=body, headers=headers)

    return send
