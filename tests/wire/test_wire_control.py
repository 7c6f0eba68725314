"""The control plane's half of docs/wire.md: the data plane reads what it writes, and emits what it asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ramp.adapters.metrics import COUNTS, NAMESPACE
from ramp.core.check import Numbers
from ramp.core.evidence import ArmCounts
from ramp.core.flag_document import OFF, FlagNames, Setting, promoted_setting, read_setting, setting_for, write_setting
from ramp.core.state import RampState
from ramp.settings import PageSettings, Settings, WebhookSettings
from read_path.core.routing import Arm, Flags, Phase, decide
from read_path.core.routing import parse as parse_flags

PAGE = (Path(__file__).parents[2] / "docs" / "wire.md").read_text()
NAMES = FlagNames("prismaAdapter", "prismaShadow")
EMPTY: dict[str, Any] = {"version": "1", "flags": {}, "values": {}}
PLAN: dict[str, Any] = {
    "steps": [
        {"percent": 0, "bake_seconds": 60},
        {"percent": 5, "bake_seconds": 60},
        {"percent": 100, "bake_seconds": 60},
    ],
}


def state(step: int, **plan: Any) -> RampState:
    """A ramp at `step`."""
    return RampState("ramp-7f3a", "arn", {**PLAN, **plan}, "1", 0.0, step)


def served(document: dict[str, Any]) -> dict[str, Any]:
    """What AppConfig serves of a document: the values, and of a flag that is off nothing else."""
    values = json.loads(json.dumps(document))["values"]
    return {name: value if value["enabled"] else {"enabled": False} for name, value in values.items()}


def flags_of(setting: Setting) -> Flags:
    """The setting as the data plane reads it."""
    return parse_flags(served(write_setting(EMPTY, NAMES, setting)), *asdict(NAMES).values())


def test_a_shadow_step_compares_and_serves_nobody() -> None:
    """Only the shadow flag is on, and it names ramp and step."""
    flags = flags_of(setting_for(state(0)))
    assert flags.adapter is None
    assert flags.shadow is not None
    assert (flags.phase, flags.shadow.sample_ppm, flags.shadow.budget_ms) == (Phase("ramp-7f3a", "0"), 1_000_000, 500)


def test_once_controls_p95_is_known_both_flags_carry_the_limits_of_slow() -> None:
    """Control's p95, and the same with the larger of the plan's percents and milliseconds."""
    for p95_ms, limit_ms in ((11.3, 61.3), (1000.0, 1150.0)):
        flags = flags_of(setting_for(replace(state(1), control_p95_ms=p95_ms)))
        assert flags.shadow is not None
        assert flags.phase == flags.shadow.phase == Phase("ramp-7f3a", "1", p95_ms, limit_ms)


def test_a_canary_step_arrives_attribute_by_attribute() -> None:
    """What the plan says is what the router does."""
    routing = {"deadline_ms": 321, "fallback": False, "salt": "s", "allow_users": ["user-1"], "deny_users": ["user-9"]}
    flags = flags_of(setting_for(state(1, routing=routing)))
    adapter = flags.adapter
    assert adapter is not None
    assert (adapter.phase, adapter.share_ppm, adapter.salt) == (Phase("ramp-7f3a", "1"), 50_000, "s")
    assert (adapter.deadline_ms, adapter.fallback) == (321, False)
    assert (adapter.allow_users, adapter.deny_users) == (frozenset({"user-1"}), frozenset({"user-9"}))
    assert adapter.candidate_version == ""


def test_the_salt_is_the_ramps_name_at_every_step_unless_the_plan_names_one() -> None:
    """So raising the share only adds users."""
    adapters = [flags_of(setting_for(state(step))).adapter for step in (1, 2)]
    assert [adapter.salt for adapter in adapters if adapter] == ["ramp-7f3a", "ramp-7f3a"]


def test_the_alias_lever_names_the_version_and_leaves_the_share_at_zero() -> None:
    """The alias deals out the requests; the version that runs decides."""
    adapter = flags_of(setting_for(state(1, lever="alias", candidate_version="7"))).adapter
    assert adapter is not None
    assert (adapter.share_ppm, adapter.candidate_version) == (0, "7")


def test_a_promoted_ramp_serves_everybody_and_compares_nothing() -> None:
    """By the flag with either lever, so that a version to come serves them too; the shadow is off."""
    for lever in ({}, {"lever": "alias", "candidate_version": "7"}):
        flags = flags_of(promoted_setting(state(2, **lever)))
        assert flags.adapter is not None
        assert (flags.adapter.share_ppm, flags.adapter.candidate_version, flags.shadow) == (1_000_000, "", None)
        assert {decide(flags, "user-1", version) for version in ("7", "8")} == {Arm.CANDIDATE}


def test_off_is_off() -> None:
    """After any setting, and in an empty document."""
    canary = write_setting(EMPTY, NAMES, setting_for(state(1)))
    for document in (EMPTY, canary):
        off = served(write_setting(document, NAMES, OFF))
        assert parse_flags(off, *asdict(NAMES).values()) == Flags()
        assert read_setting(off, NAMES) == OFF


def test_a_sample_of_zero_turns_the_comparison_off() -> None:
    """The plan's own kill switch."""
    assert flags_of(setting_for(state(1, shadow={"sample_percent": 0}))).shadow is None


@given(
    st.integers(0, 1_000_000),
    st.integers(10, 8_000),
    st.booleans(),
    st.lists(st.text(min_size=1, max_size=20), max_size=3),
    st.integers(0, 2),
)
def test_whatever_a_plan_says_the_data_plane_reads(
    sample_ppm: int,
    deadline_ms: int,
    fallback: bool,
    users: list[str],
    step: int,  # generated
) -> None:
    """No sound plan writes a document that the router refuses, and it reads back as it was written."""
    routing = {"deadline_ms": deadline_ms, "fallback": fallback, "allow_users": users}
    setting = setting_for(state(step, routing=routing, shadow={"sample_percent": sample_ppm / 10_000}))
    document = write_setting(EMPTY, NAMES, setting)
    assert read_setting(served(document), NAMES) == setting
    flags = flags_of(setting)
    assert (flags.adapter is None, flags.shadow is None) == (setting.adapter is None, setting.shadow is None)


def test_the_pages_document_is_what_is_written() -> None:
    """The page's example: every attribute of both flags, declared and set."""
    page = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
    plan = {"steps": [PLAN["steps"][0], {"percent": 1, "bake_seconds": 60}, *PLAN["steps"][1:]]}
    ramp = replace(state(2, **plan, routing={"deny_users": ["user-9"]}), control_p95_ms=11.3)
    written = write_setting(EMPTY, NAMES, setting_for(ramp))
    assert written["values"] == page["values"]
    for name, flag in written["flags"].items():
        assert flag["name"] == name
        assert set(flag["attributes"]) == set(written["values"][name]) - {"enabled"}


def test_every_attribute_that_is_written_is_on_the_page() -> None:
    """And the other way round."""
    rows = re.findall(
        r"^\| (`[a-z_`, ]+) \|", PAGE.split("## The flag document")[1].split("## Answers")[0], re.MULTILINE
    )
    page = {name for row in rows for name in re.findall(r"[a-z_]+", row)}
    routing = {"allow_users": ["a"], "deny_users": ["b"]}
    known = replace(state(1, routing=routing, lever="alias", candidate_version="2"), control_p95_ms=11.3)
    setting = setting_for(known)
    assert setting.adapter is not None
    assert setting.shadow is not None
    assert {*setting.adapter, *setting.shadow} == page


def test_the_metrics_that_are_asked_for_are_those_of_the_page() -> None:
    """Per arm, every one but the latency, which is asked for as a percentile; and each has a place in the evidence."""
    section = PAGE.split("## Metrics")[1].split("## The ramp table")[0]
    emitted: dict[str, set[str]] = {}
    for arm, metrics in re.findall(r"^\| `(control|candidate|shadow)` \|[^|]*\|(.*)\|$", section, re.MULTILINE):
        emitted.setdefault(arm, set()).update(re.findall(r"`(\w+)`", metrics))
    for_operators = {"flag_age_seconds", "unasked"}  # an unasked read is an error already; people tell them apart
    judged = {arm: metrics - for_operators for arm, metrics in emitted.items()}
    assert {arm: {*metrics, "latency_ms"} for arm, metrics in COUNTS.items()} == judged
    assert {metric for metrics in COUNTS.values() for metric in metrics} <= {field.name for field in fields(ArmCounts)}
    assert f"namespace `{NAMESPACE}`" in section


@pytest.mark.parametrize(("pk", "sk"), [("flag#<flag>", "lock"), ("ramp#<ramp>", "look#<step:03>#<look:06>")])
def test_the_tables_keys_are_on_the_page(pk: str, sk: str) -> None:
    """The page and the CLI read the table by them."""
    assert f"| `{pk}` | `{sk}` |" in PAGE


def test_every_number_of_a_check_is_on_the_page() -> None:
    """And the other way round: pages and reports read nothing else."""
    section = PAGE.split("### A look's document")[1].split("## Log messages")[0]
    rows = re.findall(r"^\| (`[a-z_0-9`, ]+) \|", section, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"\w+", row)} == {*Numbers._fields}


@pytest.mark.parametrize(
    ("reader", "read"),
    [
        ("tasks", Settings.from_environment),
        ("page", PageSettings.from_environment),
        ("webhook", WebhookSettings.from_environment),
    ],
)
def test_every_variable_of_the_page_is_read_and_no_other(
    reader: str, read: Callable[[Mapping[str, str]], object]
) -> None:
    """The page is where a template of one's own looks them up."""

    class Environment(dict[str, str]):
        def __missing__(self, name: str) -> str:
            return self.setdefault(name, "")

    section = PAGE.split("## Names from the environment")[1]
    rows = re.findall(r"^\| ([A-Z_` ]+) \| ([a-z, ]+) \|", section, re.MULTILINE)
    assert rows
    asked = Environment()
    read(asked)
    assert set(asked) == {
        name for names, readers in rows if reader in readers.split(", ") for name in re.findall(r"\w+", names)
    }
