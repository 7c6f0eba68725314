"""A rehearsal on a terminal: what happened when, and how it ended."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ramp.core.judgement import duration
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rampctl.rehearsal.stage import Played
from rampctl.view import BAD, COLOURS, COLUMNS

ACTIONS = {"ADVANCE": "green", "PROMOTE": "green", "ASK": "yellow", "ROLL_BACK": BAD}


class Moment(NamedTuple):
    """One line: `at` in seconds since the ramp began, `looks` how many looks it stands for."""

    at: float
    place: str
    looks: int
    word: str
    reason: str


def moments(played: Played) -> list[Moment]:
    """Each look that led on, and of those that only extended the last of each row, with their number."""
    lines: list[Moment] = []
    extended = 0
    for index, look in enumerate(played.looks):
        following = played.looks[index + 1] if index + 1 < len(played.looks) else None
        extended += 1
        if following and following["action"] == look["action"] and following["step"] == look["step"]:
            continue
        lines.append(Moment(look["at"], _place(look), extended, look["action"], look["reason"]))
        extended = 0
    return lines


def facts(played: Played) -> dict[str, Any]:
    """The summary, for machines."""
    counted = played.simulation.counted()
    return {
        "outcome": played.ramp.outcome,
        "exit_code": int(played.ramp.code),
        "seconds": round(played.seconds),
        "reason": played.ramp.reason,
        "looks": len(played.looks),
        "requests": counted["control_requests"] + counted["candidate_requests"],
        "candidate_requests": counted["candidate_requests"],
        "candidate_failures": counted["candidate_errors"],
        "failures_users_saw": counted["candidate_user_errors"],
        "shadow_failures": counted["shadow_errors"],
        "questions": [
            {"seconds": round(asked["asked_at"] - played.began), "question": asked["question"]}
            for asked in played.asked
        ],
    }


def told(played: Played) -> RenderableType:
    """The timeline and the summary."""
    table = Table("after", "step", "looks", "action", "why", **COLUMNS)
    for line in moments(played):
        word = Text(line.word, ACTIONS.get(line.word, ""))
        table.add_row(duration(line.at), line.place, str(line.looks), word, Text(line.reason))
    return Group(table, "", *_summary(facts(played)))


def _summary(found: Mapping[str, Any]) -> Iterator[RenderableType]:
    outcome = found["outcome"]
    yield Text.assemble((outcome, f"bold {COLOURS.get(outcome, BAD)}"), f" after {duration(found['seconds'])}")
    if outcome != "promoted":
        yield Text(found["reason"])
    yield (
        f"{found['requests']:,} requests, {found['candidate_requests']:,} of them served by the candidate; "
        f"{found['candidate_failures']:,} of those failed, users saw {found['failures_users_saw']:,}"
    )
    yield f"{found['shadow_failures']:,} shadow reads failed, which users never see"
    asked = len(found["questions"])
    yield "nobody was asked" if not asked else f"people were asked {asked} time{'s' * (asked > 1)}"


def _place(look: Mapping[str, Any]) -> str:
    return "shadow" if look["percent"] == "0 %" else str(look["percent"])
