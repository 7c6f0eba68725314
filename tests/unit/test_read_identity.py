"""Who asks is told by the caller of a direct invocation, and by the authorizer of an API event."""

from __future__ import annotations

from typing import Any

import pytest
from read_path.core.identity import IdentityError, identify


@pytest.mark.parametrize(
    "name",
    [
        "direct",
        "http-api-jwt",
        "http-api-lambda-authorizer",
        "rest-api-lambda-authorizer",
        "rest-api-cognito",
        "rest-api-principal",
    ],
)
def test_every_kind_of_event_names_its_user(read_events: dict[str, Any], name: str) -> None:
    assert identify(read_events[name]) == "user-1"


def test_an_api_event_is_never_believed_what_its_caller_wrote(read_events: dict[str, Any]) -> None:
    """The file names user-1 in query, header, body and even at the top, but has no authorizer."""
    with pytest.raises(IdentityError) as refused:
        identify(read_events["http-api-without-authorizer"])
    assert refused.value.status == 401


def test_the_applications_own_id_wins_over_the_providers_subject() -> None:
    event = {"requestContext": {"authorizer": {"jwt": {"claims": {"sub": "idp|1", "userId": "user-7"}}}}}
    assert identify(event) == "user-7"


@pytest.mark.parametrize(
    "event", [{}, {"userId": ""}, {"userId": 7}, {"userId": None}, {"userId": "x" * 257}, [], None]
)
def test_a_direct_event_without_a_usable_user_is_refused_with_400(event: object) -> None:
    with pytest.raises(IdentityError) as refused:
        identify(event)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "authorizer", [None, "user-1", [], {"jwt": "x"}, {"jwt": {"claims": {"sub": 7}}}, {"lambda": 1}]
)
def test_an_authorizer_of_an_unexpected_shape_names_nobody(authorizer: object) -> None:
    with pytest.raises(IdentityError) as refused:
        identify({"requestContext": {"authorizer": authorizer}})
    assert refused.value.status == 401


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(IdentityError) as refused:
        identify({"userId": {"email": "jane@example.com"}})
    assert "jane" not in str(refused.value)
