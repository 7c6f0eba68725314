"""What `ramp preflight` and `ramp verify` print and exit with, and what counts as a malformed flag."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from ramp.adapters.alias_lever import AliasPosition
from ramp.core.flag_document import setting_for
from ramp.core.state import RampState
from rampctl import inspection, looks, preflight, verifying
from rampctl.exits import Exit
from rampctl.inspection import Check, UnsoundError
from rich.console import Console

from tests.statemachine.ramp_run import ARN, RAMP, a_plan

WIRE = (Path(__file__).parents[2] / "docs" / "wire.md").read_text()
NOBODY: Any = None  # no look of these tests asks a session


def good(_: Any) -> str:
    return "it is there"


def bad(_: Any) -> str:
    raise UnsoundError("it is not there")


def denied(_: Any) -> str:
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetThing")


CHECKS = (
    Check("first", "because", "mend first", good),
    Check("second", "since", "mend second", bad),
    Check("third", "as", "mend third", denied),
)


def test_every_check_is_made_and_a_refusal_of_aws_is_a_finding() -> None:
    """One that fails keeps none of the others from being made."""
    found = inspection.inspect(NOBODY, CHECKS)
    assert [finding.passed for finding in found] == [True, False, False]
    assert "AccessDenied" in found[2].found
    assert [finding.mends for finding in found] == ["", "mend second", "mend third"]


def test_people_read_what_failed_why_it_matters_and_what_mends_it(capsys: pytest.CaptureFixture[str]) -> None:
    code = inspection.tell(inspection.inspect(NOBODY, CHECKS[:2]), Console(width=100), as_json=False)
    said = capsys.readouterr().out
    assert code is Exit.UNKNOWN
    assert "second: since\n  mend second" in said
    assert "mend first" not in said
    assert said.rstrip().endswith("1 of 2 checks passed")


def test_scripts_read_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    code = inspection.tell(inspection.inspect(NOBODY, CHECKS[:1]), Console(), as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (code, told["passed"], told["findings"][0]["found"]) == (0, True, "it is there")


def test_there_are_fifteen_checks_before_a_ramp_and_twelve_after_a_deployment() -> None:
    """Requirements, section 5; each with a name of its own, a reason and a command."""
    for checks, count in ((preflight.CHECKS, 15), (verifying.CHECKS, 12)):
        assert len({check.name for check in checks}) == count == len(checks)
        assert all(check.why and check.mends for check in checks)


class Deployed:
    """A session whose read function has these versions, each with its variables; users are on the first."""

    settings = SimpleNamespace(read_function="read", read_alias="live")
    levers = SimpleNamespace(read=lambda: SimpleNamespace(alias=AliasPosition("1", {}, "")))

    def __init__(self, **variables: dict[str, str]) -> None:
        versions = [
            {"Version": name.replace("latest", "$LATEST").removeprefix("v"), "Environment": {"Variables": values}}
            for name, values in variables.items()
        ]
        pages = SimpleNamespace(paginate=lambda **_: [{"Versions": versions[:1]}, {"Versions": versions[1:]}])
        self.functions = SimpleNamespace(get_paginator=lambda _: pages)


def test_what_was_deployed_and_never_published_reaches_no_user_and_is_named() -> None:
    """They read through the alias, whose version keeps the settings that it was published with."""
    session: Any = Deployed(v1={"USER_IDS": "clear", "X": "1"}, latest={"USER_IDS": "hashed", "X": "1"})
    for look in (looks.alias, looks.alias_deployed):
        with pytest.raises(UnsoundError, match=r"read:live is on version 1, .* reaches no user: USER_IDS; publish it"):
            look(session)


@pytest.mark.parametrize("newer", [{}, {"v2": {"USER_IDS": "hashed"}}], ids=["published", "for the alias lever"])
def test_a_version_that_waits_for_a_ramp_by_the_alias_is_sound(newer: dict[str, Any]) -> None:
    """As is the one that users are on, when nothing was deployed since."""
    session: Any = Deployed(**{"v1": {"USER_IDS": "clear"}, **newer, "latest": newer.get("v2", {"USER_IDS": "clear"})})
    assert looks.alias(session) == "read:live is whole on version 1"
    assert looks.alias_deployed(session) == "read:live is on version 1"


def test_what_the_control_plane_writes_is_no_malformed_flag() -> None:
    """At every step of a plan, both flags."""
    state = RampState(ramp=RAMP, execution_arn=ARN, raw_plan=a_plan(), alias_version="1", started_at=0)
    setting = setting_for(state.at_next_step())
    for name, attributes in (("prismaAdapter", setting.adapter), ("prismaShadow", setting.shadow)):
        assert attributes
        assert list(looks.flag_faults(name, {"enabled": True, **attributes})) == []
    assert list(looks.flag_faults("prismaAdapter", {"enabled": False})) == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "prismaAdapter: is no flag"),
        ({"enabled": "yes"}, "prismaAdapter: is no flag"),
        ({"enabled": True, "share_ppm": 1_000_001}, "prismaAdapter.share_ppm: is out of range, got 1000001"),
        ({"enabled": True, "share_ppm": True}, "prismaAdapter.share_ppm: is out of range, got True"),
        ({"enabled": True, "share_ppm": 1}, "prismaAdapter.salt: is missing"),
        (
            {"enabled": True, "deadline_ms": 5},
            "prismaAdapter.deadline_ms: is out of range, got 5, expected 10 to 10000",
        ),
    ],
)
def test_a_malformed_flag_is_told_with_its_path(value: Any, said: str) -> None:
    assert any(fault.startswith(said) for fault in looks.flag_faults("prismaAdapter", value))


def test_the_ranges_are_the_wires() -> None:
    """Read out of the page's table."""
    rows = dict(re.findall(r"^\| `(\w+)` \| integer ([\d,]+–[\d,]+) \|", WIRE, re.MULTILINE))
    assert rows
    for name, text in rows.items():
        low, high = (float(part.replace(",", "")) for part in text.split("–"))
        assert looks.NUMBERS[name] == (low, high)
