"""Who asks: the user id of a direct invocation or of an API event.

The user id of an API event comes from the authorizer's context alone. Its query string, path, headers and body are
what the caller wrote, so they are never looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

_LONGEST_USER_ID = 256

# Keys that API Gateway writes and a direct caller does not: any one makes the event an API event.
_API_KEYS = frozenset({"requestContext", "httpMethod", "rawPath", "routeKey", "queryStringParameters", "headers"})

# Where authorizers put the user id, in the order of trust in its meaning: the application's own id before the
# identity provider's subject. JWT (HTTP API), Lambda (HTTP API), Lambda (REST), Cognito (REST), Lambda (REST).
_AUTHORIZER_PATHS = (
    ("jwt", "claims", "userId"),
    ("jwt", "claims", "sub"),
    ("lambda", "userId"),
    ("userId",),
    ("claims", "userId"),
    ("claims", "sub"),
    ("principalId",),
)


class IdentityError(ValueError):
    """Nobody can be told from the event. `status` is 400 (direct invocation) or 401 (API event)."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def identify(event: object) -> str:
    """Return the user id, a string of 1-256 characters.

    Raises IdentityError with 400 for a direct event without a usable `userId` and 401 for an API event whose
    authorizer names nobody. Messages carry types, never values.

    Source: AWS, "Working with AWS Lambda proxy integrations for HTTP APIs" (payload 2.0, `requestContext.authorizer`)
    and "Input format of a Lambda function for proxy integration" (REST).
    """
    if not isinstance(event, Mapping):
        raise IdentityError(HTTPStatus.BAD_REQUEST, f"event: is not an object, got {type(event).__name__}")
    if _API_KEYS & event.keys():
        return _authorized(event)
    user_id = event.get("userId")
    if not _is_user_id(user_id):
        got = f"{len(user_id)} characters" if isinstance(user_id, str) else type(user_id).__name__
        raise IdentityError(
            HTTPStatus.BAD_REQUEST, f"userId: is missing or unusable, got {got}, expected a string of 1-256 characters"
        )
    return str(user_id)


def _authorized(event: Mapping[str, Any]) -> str:
    for path in _AUTHORIZER_PATHS:
        found = _dig(event, ("requestContext", "authorizer", *path))
        if _is_user_id(found):
            return str(found)
    raise IdentityError(HTTPStatus.UNAUTHORIZED, "unauthorized")


def _dig(value: object, path: tuple[str, ...]) -> object:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _is_user_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_USER_ID
