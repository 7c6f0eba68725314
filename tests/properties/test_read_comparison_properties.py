"""Comparison finds what differs, forgives what is noise, and never shows a value."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from read_path.core.answer import Answer
from read_path.core.comparison import LONGEST_PATH, MOST_MISMATCHES, compare, publish
from read_path.core.noise import Noise
from read_path.core.rules import Rules

KEY = b"k" * 16
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def answer(document: object) -> Answer:
    return Answer(200, json.dumps(document))


@given(documents)
def test_an_answer_matches_itself(document: Any) -> None:
    assert not compare(answer(document), answer(document))


@given(documents, documents)
def test_difference_is_symmetric_in_count(left: Any, right: Any) -> None:
    assert len(compare(answer(left), answer(right))) == len(compare(answer(right), answer(left)))


@given(documents, documents)
def test_what_control_keeps_doing_to_itself_does_not_count(left: Any, right: Any) -> None:
    """The candidate shows exactly what control's second reading showed, three times over."""
    noise = Noise(Rules())
    for _ in range(20):
        noise.learn(answer(left), answer(right))
    assert not compare(answer(left), answer(right), noise.of)


@given(documents, documents)
def test_everything_shown_is_capped(left: Any, right: Any) -> None:
    comparison = publish(compare(answer(left), answer(right)), KEY)
    assert len(comparison.mismatches) <= min(comparison.count, MOST_MISMATCHES)
    assert all(len(mismatch.path) <= LONGEST_PATH for mismatch in comparison.mismatches)


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_bodies_that_are_no_json_are_compared_as_text(left: bytes, right: bytes) -> None:
    one, other = left.decode("latin-1") + "{", right.decode("latin-1") + "{"
    assert (not compare(Answer(200, one), Answer(200, other))) == (one == other)
