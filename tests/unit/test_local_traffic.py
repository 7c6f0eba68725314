"""The traffic source picks versions as AWS would and counts what users see."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_stack.traffic import Traffic, failure_of, pick_version


@pytest.mark.parametrize(("die", "version"), [(0.0, "1"), (0.6999, "1"), (0.7, "2"), (0.9999, "2")])
def test_the_die_falls_on_versions_by_their_weights(die: float, version: str) -> None:
    assert pick_version({"1": 0.7, "2": 0.3}, die) == version


def test_even_dice_give_each_version_its_share() -> None:
    picked = Counter(pick_version({"1": 0.75, "2": 0.25}, face / 1000) for face in range(1000))
    assert picked == {"1": 750, "2": 250}


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 100))
def test_a_version_of_no_weight_is_never_picked(die: float, hundredths: int) -> None:
    picked = pick_version({"1": 1 - hundredths / 100, "2": hundredths / 100}, die)
    assert {"1": hundredths < 100, "2": hundredths > 0}[picked]


@pytest.mark.parametrize(
    ("function_error", "answer", "failure"),
    [
        (None, {"statusCode": 200}, None),
        (None, {"statusCode": 404}, None),
        (None, {"statusCode": 500}, "status 500"),
        ("Unhandled", {"errorMessage": "boom"}, "Unhandled"),
        (None, None, "malformed answer"),
        (None, {"statusCode": "200"}, "malformed answer"),
    ],
)
def test_a_failure_is_what_its_user_would_call_one(
    function_error: str | None, answer: Any, failure: str | None
) -> None:
    assert failure_of(function_error, answer) == failure


def test_a_read_that_nobody_answered_is_told_from_an_answer_that_failed() -> None:
    """Whether the function ran, only its metrics know."""
    traffic = Traffic("http://127.0.0.1:1")
    assert traffic._send("user-1", "1") == "EndpointConnectionError"
    assert traffic.snapshot().unanswered == {"EndpointConnectionError": 1}
