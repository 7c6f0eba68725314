"""A diff names fields and hides values."""

from __future__ import annotations

import json

import pytest
from read_path.core.answer import Answer, of_user, refusal
from read_path.core.comparison import MOST_MISMATCHES, compare
from read_path.sources import mock

KEY = b"key"


def body(**fields: object) -> Answer:
    return Answer(200, json.dumps(fields))


def paths(control: Answer, candidate: Answer, **more: object) -> list[str]:
    return [mismatch.path for mismatch in compare(control, candidate, KEY, **more).mismatches]  # type: ignore[arg-type]  # keyword pass-through


def test_each_field_that_differs_is_named() -> None:
    assert paths(body(a=1, b={"c": [1, 2]}, d=0), body(a=1, b={"c": [1, 3, 4]}, e=0)) == [
        "body.b.c.1",
        "body.b.c.2",
        "body.d",
        "body.e",
    ]


def test_a_user_missing_on_one_side_differs_in_status() -> None:
    assert "status" in paths(of_user(mock.users()[0]), of_user(None))


def test_key_order_and_the_spelling_of_a_number_are_no_difference() -> None:
    assert compare(Answer(200, '{"a": 1, "b": 2}'), Answer(200, '{"b": 2.0, "a": 1}'), KEY).matches


@pytest.mark.parametrize(("left", "right"), [(True, 1), (False, 0), (None, 0), ("1", 1), ([], {}), ("", None)])
def test_values_of_different_kinds_differ(left: object, right: object) -> None:
    assert paths(body(a=left), body(a=right)) == ["body.a"]


def test_null_and_absent_differ() -> None:
    (mismatch,) = compare(body(a=None), body(), KEY).mismatches
    assert (mismatch.control, mismatch.candidate) == ("null", "absent")


def test_ignored_fields_do_not_count() -> None:
    control, candidate = body(items=[{"seen": 1, "id": 1}]), body(items=[{"seen": 2, "id": 2}])
    assert paths(control, candidate, ignore=("body.items.*.seen",)) == ["body.items.0.id"]


def test_a_field_that_moves_by_itself_does_not_count() -> None:
    control, again, candidate = body(now=1, plan="free"), body(now=2, plan="free"), body(now=3, plan="pro")
    assert paths(control, candidate, again=again) == ["body.plan"]


def test_values_are_hashed_with_the_key_and_never_shown() -> None:
    control, candidate = body(email="jane@example.com"), body(email="JANE@example.com")
    (mine,), (other,) = (compare(control, candidate, key).mismatches for key in (KEY, b"other"))
    assert "jane" not in str(mine).lower()
    assert mine.control.startswith("string:")
    assert mine.control != mine.candidate
    assert mine.control != other.control
    assert compare(control, candidate, KEY).mismatches == (mine,)


def test_many_differences_are_counted_and_some_are_shown() -> None:
    comparison = compare(body(**{f"f{n}": n for n in range(100)}), body(), KEY)
    assert (comparison.count, len(comparison.mismatches)) == (100, MOST_MISMATCHES)


def test_a_body_nested_without_end_is_still_compared() -> None:
    deep = "[" * 5000 + "]" * 5000
    assert compare(Answer(200, deep), Answer(200, deep), KEY).matches
    assert not compare(Answer(200, deep), Answer(200, "[]"), KEY).matches


def test_a_refusal_in_other_words_differs() -> None:
    assert paths(refusal(404, "user not found"), refusal(404, "no such user")) == ["body.error"]
