"""A diff names fields and hides values."""

from __future__ import annotations

import json

import pytest
from read_path.core.answer import Answer, of_user, refusal
from read_path.core.comparison import MOST_MISMATCHES, Comparison, publish
from read_path.core.comparison import compare as differences
from read_path.core.rules import Rule, Rules
from read_path.sources import mock

KEY = b"key"


def body(**fields: object) -> Answer:
    return Answer(200, json.dumps(fields))


def compare(control: Answer, candidate: Answer, key: bytes, *rules: tuple[str, Rule]) -> Comparison:
    return publish(differences(control, candidate, Rules(rules).of), key)


def paths(control: Answer, candidate: Answer, *rules: tuple[str, Rule]) -> list[str]:
    return [mismatch.path for mismatch in compare(control, candidate, KEY, *rules).mismatches]


def test_each_field_that_differs_is_named() -> None:
    assert paths(body(a=1, b={"c": [1, 2]}, d=0), body(a=1, b={"c": [1, 3, 4]}, e=0)) == [
        "body.b.c[1]",
        "body.b.c[2]",
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
    assert paths(control, candidate, ("body.items[].seen", Rule(ignore=True))) == ["body.items[0].id"]


RULED = [
    ("tags", ["a", "b"], ["b", "a"], ["b", "c"], Rule(unordered=True)),
    ("rows", [{"id": 1, "n": 2}, {"id": 2, "n": 1}], [{"id": 2, "n": 1}, {"id": 1, "n": 2}], [], Rule(unordered=True)),
    ("price", 10.0, 10.009, 10.02, Rule(tolerance=0.01)),
    ("at", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00.9+01:00", "2026-01-01T00:00:02Z", Rule(within_ms=1000)),
    ("note", None, None, "", Rule(null_is_absent=True)),
    ("stamp", "a", "b", 7, Rule(moves=True)),
]


@pytest.mark.parametrize(("field", "value", "alike", "other", "rule"), RULED, ids=lambda each: str(each)[:12])
def test_a_rule_forgives_what_it_says_and_no_more(
    field: str, value: object, alike: object, other: object, rule: Rule
) -> None:
    ruled = (f"body.{field}", rule)
    forgiven = body() if rule.null_is_absent else body(**{field: alike})
    assert paths(body(**{field: value}), forgiven) != []
    assert paths(body(**{field: value}), forgiven, ruled) == []
    assert paths(body(**{field: value}), body(**{field: other}), ruled) != []


def test_a_list_in_another_order_is_one_difference() -> None:
    assert paths(body(tags=[1, 2, 3, 4]), body(tags=[4, 3, 2, 1])) == ["body.tags"]


def test_items_meet_by_what_they_share_whatever_moves_inside_them() -> None:
    """A list of rows, shuffled, each with a new time stamp: the order differs and the stamps do, the rows do not."""
    control = body(rows=[{"id": 1, "seen": 10}, {"id": 2, "seen": 11}])
    shuffled = body(rows=[{"id": 2, "seen": 21}, {"id": 1, "seen": 20}])
    shapes = {each.shape for each in differences(control, shuffled)}
    assert shapes == {"body.rows", "body.rows[].seen"}


def test_a_key_that_looks_like_data_is_told_by_its_hash() -> None:
    (path,) = paths(body(seen={"jane@example.com": 1}), body(seen={"jane@example.com": 2}))
    assert path.startswith("body.seen.#")
    assert "jane" not in path


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
