"""What a router refuses, the control plane finds: preflight and verify pass no document that moves nobody."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ramp.core.flag_document import FlagNames, faults_of
from read_path.core.routing import FlagError, parse

PAGE = (Path(__file__).parents[2] / "docs" / "wire.md").read_text()
NAMES = FlagNames("prismaAdapter", "prismaShadow")
KEY = {"enabled": True, "ramp": "ramp-7f3a", "step": 2, "control_slow_ms": 11.3, "candidate_slow_ms": 61.3}
ADAPTER = {
    **KEY,
    "share_ppm": 50_000,
    "salt": "ramp-7f3a",
    "deadline_ms": 500,
    "fallback": True,
    "allow_users": ["user-1"],
    "deny_users": ["user-9"],
    "candidate_version": "7",
}
SHADOW = {**KEY, "sample_ppm": 1_000_000, "budget_ms": 500}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
ODD: tuple[Any, ...] = (
    *(-1, 0, 0.0, 0.5, 9, 10, 10.0, 11, 10_000, 10_001, 1_000_000, 1_000_001, 10**400, float("inf"), float("nan")),
    *("", "off", "a" * 80, "a" * 81, "r\n", "ü", True, False, None, [], ["user-1"], ["user-1", 1], {}),
)


def flags(sound: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Of a sound flag, at most two attributes other than they should be, and at most two left out."""
    names = st.sampled_from(sorted(sound))
    changed = st.dictionaries(names | st.text(max_size=5), st.sampled_from(ODD) | anything, max_size=2)
    dropped = st.sets(names, max_size=2)
    near = st.builds(
        lambda new, gone: {name: value for name, value in {**sound, **new}.items() if name not in gone},
        changed,
        dropped,
    )
    return st.just(sound) | near | near | anything


served = st.fixed_dictionaries({}, optional={NAMES.adapter: flags(ADAPTER), NAMES.shadow: flags(SHADOW)})
documents = served | served.map(lambda values: {"version": "1", "flags": {}, "values": values}) | anything


def is_read(document: object) -> bool:
    """Whether a router goes by it."""
    try:
        parse(document, NAMES.adapter, NAMES.shadow)
    except FlagError:
        return False
    return True


def faults_where_it_is_refused(document: object) -> list[str]:
    """What the control plane finds, which is something if and only if a router refuses it."""
    faults = faults_of(document, NAMES)
    assert (not faults) == is_read(document), (document, faults)
    return faults


@given(documents)
@example({"flags": {}, "values": []})
def test_a_document_has_faults_if_and_only_if_a_router_refuses_it(document: Any) -> None:
    """And each says where, in the words of every other refusal."""
    faults = faults_where_it_is_refused(document)
    assert all(re.match(r"[\w.]+: is .*, got .*, expected .", fault, re.DOTALL) for fault in faults)


@pytest.mark.parametrize(("name", "flag"), [(NAMES.adapter, ADAPTER), (NAMES.shadow, SHADOW)])
def test_so_it_is_with_every_attribute_left_out_or_odd(name: str, flag: dict[str, Any]) -> None:
    """One at a time: a document drawn at random seldom has the one value that tells two planes apart."""
    assert not faults_where_it_is_refused({name: flag})
    for attribute in flag:
        faults_where_it_is_refused({name: {other: flag[other] for other in flag if other != attribute}})
        for value in ODD:
            faults_where_it_is_refused({name: {**flag, attribute: value}})


@pytest.mark.parametrize(("name", "flag"), [(NAMES.adapter, ADAPTER), (NAMES.shadow, SHADOW)])
def test_every_attribute_of_a_flag_is_looked_at(name: str, flag: dict[str, Any]) -> None:
    """Each is told by its path when it is nothing that it could be."""
    for attribute in flag:
        (fault,) = faults_of({name: {**flag, attribute: {}}}, NAMES)
        assert fault.startswith(f"{name}.{attribute}: is ")


def test_no_fault_tells_who_a_user_is() -> None:
    """What preflight prints is copied into chats."""
    for users in (["user-9", 1], "user-9"):
        (fault,) = faults_of({NAMES.adapter: {**ADAPTER, "deny_users": users}}, NAMES)
        assert "user-9" not in fault


def test_ranges_are_those_of_the_page() -> None:
    """Of both planes: the ends are taken, one beyond is not."""
    rows = re.findall(r"^\| `(\w+)` \| integer ([\d,]+)–([\d,]+) \|", PAGE, re.MULTILINE)
    assert {name for name, _, _ in rows} == {"share_ppm", "deadline_ms", "sample_ppm", "budget_ms"}
    for name, low, high in rows:
        flag = NAMES.adapter if name in ADAPTER else NAMES.shadow
        sound = ADAPTER if name in ADAPTER else SHADOW
        first, last = (int(number.replace(",", "")) for number in (low, high))
        for value, is_sound in ((first - 1, False), (first, True), (last, True), (last + 1, False)):
            document = {flag: {**sound, name: value}}
            assert (is_read(document), not faults_of(document, NAMES)) == (is_sound, is_sound)
