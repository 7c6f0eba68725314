"""The flag document becomes values or a list of faults, and the values decide the arm."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from read_path.core.routing import AdapterFlag, Arm, FlagError, Flags, Phase, decide, parse

DOCUMENT: dict[str, Any] = {
    "prismaAdapter": {
        "enabled": True,
        "ramp": "ramp-7f3a",
        "step": 2,
        "share_ppm": 50_000,
        "salt": "ramp-7f3a",
        "deadline_ms": 500,
        "fallback": True,
        "allow_users": ["user-1"],
        "deny_users": [],
        "candidate_version": "",
    },
    "prismaShadow": {"enabled": True, "ramp": "ramp-7f3a", "step": 2, "sample_ppm": 1_000_000, "budget_ms": 500},
}

ADAPTER = AdapterFlag(Phase("r", "0"), share_ppm=0, salt="s", deadline_ms=500, fallback=True)


def read(document: object) -> Flags:
    return parse(document, "prismaAdapter", "prismaShadow")


def faults_of(document: object) -> tuple[str, ...]:
    with pytest.raises(FlagError) as refused:
        read(document)
    return refused.value.faults


def changed(flag: str, **attributes: object) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    document[flag].update(attributes)
    return document


def test_a_good_document_becomes_values() -> None:
    flags = read(DOCUMENT)
    assert flags.adapter is not None
    assert flags.shadow is not None
    assert flags.adapter.phase == flags.shadow.phase == Phase("ramp-7f3a", "2")
    assert (flags.adapter.share_ppm, flags.adapter.allow_users) == (50_000, frozenset({"user-1"}))


def test_the_stored_form_reads_like_the_served_one() -> None:
    assert read({"version": "1", "flags": {"prismaAdapter": {}}, "values": DOCUMENT}) == read(DOCUMENT)


@pytest.mark.parametrize("document", [{}, {"prismaAdapter": {"enabled": False}}, {"prismaAdapter": {}, "other": 1}])
def test_an_absent_or_disabled_flag_is_off(document: object) -> None:
    assert read(document) == Flags()


def test_a_disabled_flag_is_off_whatever_its_attributes_hold() -> None:
    """AppConfig leaves them out; its stored form does not."""
    assert read(changed("prismaAdapter", enabled=False, share_ppm="nonsense")).adapter is None


def test_in_a_shadow_step_the_shadow_flag_knows_ramp_and_step() -> None:
    assert read(changed("prismaAdapter", enabled=False)).phase == Phase("ramp-7f3a", "2")


def test_outside_a_ramp_ramp_and_step_are_none() -> None:
    assert Flags().phase == Phase("none", "none")


@pytest.mark.parametrize(
    ("flag", "field", "value"),
    [
        ("prismaAdapter", "share_ppm", 1_000_001),
        ("prismaAdapter", "share_ppm", -1),
        ("prismaAdapter", "share_ppm", True),
        ("prismaAdapter", "share_ppm", "5"),
        ("prismaAdapter", "share_ppm", 0.5),
        ("prismaAdapter", "share_ppm", None),
        ("prismaAdapter", "deadline_ms", 9),
        ("prismaAdapter", "deadline_ms", 10_001),
        ("prismaAdapter", "fallback", "true"),
        ("prismaAdapter", "salt", 1),
        ("prismaAdapter", "ramp", "no spaces"),
        ("prismaAdapter", "ramp", "x" * 81),
        ("prismaAdapter", "ramp", ""),
        ("prismaAdapter", "step", -1),
        ("prismaAdapter", "allow_users", "user-1"),
        ("prismaAdapter", "deny_users", [1]),
        ("prismaAdapter", "candidate_version", 3),
        ("prismaAdapter", "enabled", "yes"),
        ("prismaShadow", "sample_ppm", 2_000_000),
        ("prismaShadow", "budget_ms", 0),
    ],
)
def test_an_attribute_out_of_its_range_is_a_fault_with_its_path(flag: str, field: str, value: object) -> None:
    (fault,) = faults_of(changed(flag, **{field: value}))
    assert fault.startswith(f"{flag}.{field}: ")
    assert ", expected " in fault


def test_all_faults_of_both_flags_come_at_once() -> None:
    document = changed("prismaAdapter", share_ppm=-1, deadline_ms=0)
    document["prismaShadow"]["budget_ms"] = "soon"
    assert [fault.split(":")[0] for fault in faults_of(document)] == [
        "prismaAdapter.share_ppm",
        "prismaAdapter.deadline_ms",
        "prismaShadow.budget_ms",
    ]


@pytest.mark.parametrize("document", [None, [], "text", {"prismaAdapter": []}, {"flags": {}, "values": 1}])
def test_what_is_no_document_is_a_fault(document: object) -> None:
    assert faults_of(document)


def test_an_absent_list_is_an_empty_one() -> None:
    document = copy.deepcopy(DOCUMENT)
    for field in ("allow_users", "deny_users", "candidate_version"):
        del document["prismaAdapter"][field]
    adapter = read(document).adapter
    assert adapter is not None
    assert (adapter.allow_users, adapter.deny_users, adapter.candidate_version) == (frozenset(), frozenset(), "")


@pytest.mark.parametrize(
    ("change", "version", "arm"),
    [
        ({}, "1", Arm.CONTROL),
        ({"share_ppm": 1_000_000}, "1", Arm.CANDIDATE),
        ({"allow_users": frozenset({"u"})}, "1", Arm.CANDIDATE),
        ({"share_ppm": 1_000_000, "deny_users": frozenset({"u"})}, "1", Arm.CONTROL),
        ({"allow_users": frozenset({"u"}), "deny_users": frozenset({"u"})}, "1", Arm.CONTROL),
        ({"candidate_version": "7"}, "7", Arm.CANDIDATE),
        ({"candidate_version": "7", "share_ppm": 1_000_000}, "6", Arm.CONTROL),
        ({"candidate_version": "7", "deny_users": frozenset({"u"})}, "7", Arm.CONTROL),
    ],
)
def test_deny_beats_allow_beats_version_beats_share(change: dict[str, Any], version: str, arm: Arm) -> None:
    assert decide(Flags(adapter=ADAPTER._replace(**change)), "u", version) is arm


def test_without_the_flag_everybody_is_served_by_control() -> None:
    assert decide(Flags(), "u", "$LATEST") is Arm.CONTROL


def test_slow_is_only_said_where_a_limit_is_known() -> None:
    """Control and candidate have limits of their own; the candidate's holds in shadow too."""
    phase = Phase("r", "1", control_slow_ms=10.0, candidate_slow_ms=60.0)
    assert [phase.slow(Arm.CONTROL, 10.0), phase.slow(Arm.CONTROL, 10.1)] == [False, True]
    assert [phase.slow(arm, 60.1) for arm in (Arm.CANDIDATE, Arm.SHADOW)] == [True, True]
    assert Phase("r", "1").slow(Arm.CANDIDATE, 1e9) is None


@pytest.mark.parametrize("limit", [-1, "fast", True, [1]])
def test_a_limit_that_is_no_duration_is_a_fault(limit: object) -> None:
    """Named by its path, and the whole document is not taken."""
    (fault,) = faults_of(changed("prismaShadow", candidate_slow_ms=limit))
    assert fault.startswith("prismaShadow.candidate_slow_ms: is no limit")
