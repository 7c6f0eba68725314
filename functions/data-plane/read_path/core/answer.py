"""What a read function answers, in the proxy shape that API Gateway and direct callers share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any, NamedTuple

from read_path.core.user import User

_HEADERS = {"content-type": "application/json"}


class AnswerError(ValueError):
    """A payload is not an answer. The message names the field and the type found, never the value."""


class Answer(NamedTuple):
    """`status` is an HTTP status 100-599, `body` a JSON string: the user, or `{"error": "..."}`."""

    status: int
    body: str

    @property
    def served(self) -> bool:
        """Whether the arm answered the question: a 404 is an answer, a 500 is not."""
        return self.status < HTTPStatus.INTERNAL_SERVER_ERROR

    def to_proxy(self) -> dict[str, Any]:
        """Return `{"statusCode", "headers", "body"}` for API Gateway (HTTP API 2.0 and REST proxy)."""
        return {"statusCode": self.status, "headers": dict(_HEADERS), "body": self.body}

    def to_wire(self) -> dict[str, Any]:
        """Return `{"statusCode", "body"}` as the comparator's event carries it."""
        return {"statusCode": self.status, "body": self.body}

    def digest(self) -> str:
        """Return a SHA-256 that stands for an answer too large to carry: equal for equal answers only."""
        return sha256(f"{self.status}\n{self.body}".encode()).hexdigest()


def from_payload(payload: object) -> Answer:
    """Read an answer from a proxy response; headers are not looked at.

    Raises AnswerError when `statusCode` is no integer of 100-599 or `body` no string.
    """
    if not isinstance(payload, Mapping):
        raise AnswerError(f"answer: is not an object, got {type(payload).__name__}, expected statusCode and body")
    status, body = payload.get("statusCode"), payload.get("body")
    faults = []
    if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 599:  # noqa: PLR2004 - the HTTP range
        got = status if isinstance(status, int) else type(status).__name__
        faults.append(f"answer.statusCode: is not an HTTP status, got {got}, expected 100-599")
    if not isinstance(body, str):
        faults.append(f"answer.body: is not a string, got {type(body).__name__}, expected JSON text")
    if faults:
        raise AnswerError("; ".join(faults))
    return Answer(status, body)  # type: ignore[arg-type]  # both were checked above, which mypy cannot carry over


def of_user(user: User | None) -> Answer:
    """Answer 200 with the user, or 404 when there is none (unknown, or deleted)."""
    if user is None:
        return refusal(HTTPStatus.NOT_FOUND, "user not found")
    return Answer(HTTPStatus.OK, json.dumps(user.document()))


def refusal(status: int, reason: str) -> Answer:
    """Answer `{"error": reason}`; the reason is read by users and must carry no detail of the trouble behind it."""
    return Answer(int(status), json.dumps({"error": reason}))


def trouble(status: int = HTTPStatus.INTERNAL_SERVER_ERROR) -> Answer:
    """Answer 500 (or another failure) without detail."""
    return refusal(status, "internal error")
