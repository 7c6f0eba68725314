"""The eight saved queries, run over the lines that the real router, comparator and flag lever write."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from ramp.adapters import alias_lever, flag_lever
from ramp.adapters.alias_lever import AliasPosition
from ramp.core.flag_document import OFF, Setting
from read_path.compare import Comparator, compare
from read_path.core.answer import Answer
from read_path.core.breaker import Breaker
from read_path.core.event import ComparisonEvent
from read_path.core.noise import Noise
from read_path.core.observation import CandidateError
from read_path.core.routing import AdapterFlag, Flags, Phase, ShadowFlag
from read_path.core.rules import Rules
from read_path.serve import Invocation, Service, serve
from read_path.sources import mock

from tests import insights
from tests.template.document import FUNCTIONS, RESOURCES, of_type

QUERIES: Mapping[str, Mapping[str, Any]] = {
    query["Name"].removeprefix("huntaze/"): query for query in of_type("AWS::Logs::QueryDefinition").values()
}
PHASE = Phase("ramp-1", "1")
MOVED = "[SHADOW-OK] not compared: control moved"
MINUTE_MS = 60_000
STARTED_MS = 1_790_000_040_000 // MINUTE_MS * MINUTE_MS
"""The epoch millisecond of the first request; each further one comes a second later."""


class Lines:
    """Log events of read requests, one a second."""

    def __init__(self, told: Any) -> None:
        self._told = told
        self._sent: list[ComparisonEvent] = []
        self._moments = iter(x / 1000 for x in range(10**6))
        self.events: list[dict[str, Any]] = []

    def read(self, user: str, *, routed: bool, candidate: Answer | Exception) -> None:
        """One request, and its comparison."""
        adapter = AdapterFlag(PHASE, share_ppm=1_000_000, salt="s", deadline_ms=500, fallback=True)
        service = Service(
            flags=lambda: Flags(adapter if routed else None, ShadowFlag(PHASE, 1_000_000, 500)),
            control=mock.read,
            candidate=lambda _user, _deadline: answered(candidate),
            dispatch=self._sent.append,
            telemetry=self._told.telemetry,
            clock=lambda: next(self._moments),
            breaker=Breaker(),
        )
        serve({"userId": user}, Invocation(f"request-{len(self.events)}", "1"), service)
        for sent in self._sent:
            comparator = Comparator(
                mock.read,
                lambda _user, _budget: answered(candidate),
                self._told.telemetry,
                service.clock,
                b"k",
                Noise(Rules()),
            )
            compare(json.loads(json.dumps(sent.to_wire())), comparator)
        self._sent.clear()
        at = STARTED_MS + 1000 * len({event["timestamp"] for event in self.events})
        new = self._told.lines()[len(self.events) :]
        self.events += [{"timestamp": at, "message": json.dumps(line)} for line in new]


def answered(candidate: Answer | Exception) -> Answer:
    if isinstance(candidate, Exception):
        raise candidate
    return candidate


@pytest.fixture
def events(told: Any) -> list[dict[str, Any]]:
    """Ten by control with 6 equal shadow reads, 2 that differ, 1 late, 1 failed; then five canary reads, 2 failed."""
    lines = Lines(told)
    late, failed, other = CandidateError("Timeout", timed_out=True), CandidateError("FunctionError"), Answer(200, "{}")
    for number in range(1, 11):
        user = f"user-{number}"
        unlike: dict[int, Answer | Exception] = {7: other, 8: other, 9: late, 10: failed}
        shadow = unlike.get(number, mock.read(user))
        lines.read(user, routed=False, candidate=shadow)
    for number in range(1, 6):
        user = f"user-{number}"
        lines.read(user, routed=True, candidate=failed if number > 3 else mock.read(user))
    return lines.events


def answer(name: str, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return insights.run(QUERIES[name]["QueryString"], events)


def test_there_are_eight_and_each_reads_groups_that_the_stack_makes() -> None:
    """Logical names of log groups, whose own names are those of the functions."""
    assert len(QUERIES) == 8
    names = {f"/aws/lambda/{properties['FunctionName']}" for properties in FUNCTIONS.values()}
    for query in QUERIES.values():
        assert query["LogGroupNames"]
        for group in query["LogGroupNames"]:
            assert RESOURCES[group["Ref"]]["Properties"]["LogGroupName"] in names


def test_what_could_not_be_compared_is_no_comparison_that_agreed(events: list[dict[str, Any]]) -> None:
    """Control's answer had moved since: its line tells of the read, and counts in no rate."""
    moved = [{**event, "message": event["message"].replace("[SHADOW-OK]", MOVED)} for event in events]
    assert any(MOVED in event["message"] for event in moved)
    (row,) = answer("shadow-diffs", moved)
    assert (row["compared"], row["mismatches"]) == (2, 2)


def test_shadow_diffs_come_with_their_rate_per_minute(events: list[dict[str, Any]]) -> None:
    """8 of 10 shadow reads and 3 of 5 canary reads could be compared, and 2 differ."""
    (row,) = answer("shadow-diffs", events)
    assert (row["compared"], row["mismatches"]) == (11, 2)
    assert row["mismatch_percent"] == pytest.approx(100 * 2 / 11)
    assert row["minute"] * 1000 == STARTED_MS


def test_the_error_rate_counts_each_request_once(events: list[dict[str, Any]]) -> None:
    """A candidate that failed is an error even where control answered; the fall-back's own line counts for nothing."""
    (row,) = answer("error-rate", events)
    assert (row["requests"], row["errors"], row["error_percent"]) == (15, 2, pytest.approx(100 * 2 / 15))


def test_latency_is_told_by_arm(events: list[dict[str, Any]]) -> None:
    """Of reads that succeeded."""
    rows = {row["arm"]: row for row in answer("latency", events)}
    assert {arm: row["requests"] for arm, row in rows.items()} == {"control": 10, "candidate": 3}
    for row in rows.values():
        assert 0 < row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"]


def test_canary_success_is_a_share_of_canary_requests(events: list[dict[str, Any]]) -> None:
    (row,) = answer("canary-success", events)
    assert (row["requests"], row["successes"], row["success_percent"]) == (5, 3, 60)


def test_shadow_performance_counts_failures_and_among_them_time_outs(events: list[dict[str, Any]]) -> None:
    (row,) = answer("shadow-performance", events)
    assert (row["reads"], row["failures"], row["timeouts"]) == (10, 2, 1)
    assert 0 < row["p50_ms"] <= row["p95_ms"] <= row["slowest_ms"]


def test_traffic_distribution_is_the_share_that_was_observed(events: list[dict[str, Any]]) -> None:
    (row,) = answer("traffic-distribution", events)
    assert (row["requests"], row["canary"], row["users"]) == (15, 5, 10)
    assert row["canary_percent"] == pytest.approx(100 / 3)


def test_error_details_name_user_and_duration(events: list[dict[str, Any]]) -> None:
    """Newest first."""
    rows = answer("error-details", events)
    assert [row["user_id"] for row in rows] == ["user-5", "user-4", "user-10", "user-9"]
    assert all(row["duration_ms"] > 0 and row["failure"] and row["request_id"] for row in rows)


def test_flag_changes_tell_who_moved_users_from_where_to_where() -> None:
    """As the flag lever logs them, in the task's own Powertools line."""
    adapter = {"ramp": "ramp-1", "step": 2, "share_ppm": 50_000}
    change = flag_lever.change(OFF, Setting(adapter, {"sample_ppm": 1_000_000}), "ramp ramp-1")
    stream = io.StringIO()
    Logger(service=uuid.uuid4().hex, stream=stream).info("flag changed", extra=change)
    (row,) = answer("flag-changes", [{"timestamp": STARTED_MS, "message": stream.getvalue()}])
    assert (row["changed_by"], row["ramp"], row["step"]) == ("ramp ramp-1", "ramp-1", 2)
    assert (row["users_before"], row["users_after"]) == ("0 %", "5 %")
    assert (row["shadow_before"], row["shadow_after"]) == ("0 %", "100 %")


def test_moves_of_the_alias_are_told_beside_those_of_the_flag() -> None:
    """In versions, since that is what the alias knows."""
    stream = io.StringIO()
    before, after = AliasPosition("3", {}, ""), AliasPosition("3", {"4": 100_000}, "")
    moved = {"users_before": alias_lever.told(before), "users_after": alias_lever.told(after)}
    Logger(service=uuid.uuid4().hex, stream=stream).info("alias changed", extra=moved)
    (row,) = answer("flag-changes", [{"timestamp": STARTED_MS, "message": stream.getvalue()}])
    assert (row["users_before"], row["users_after"]) == ("all to version 3", "10 % to version 4, the rest to 3")


def test_every_task_that_may_move_users_is_among_the_groups_of_flag_changes() -> None:
    """Also Prepare Ramp, which settles what a dead ramp left."""
    read = {group["Ref"] for group in QUERIES["flag-changes"]["LogGroupNames"]}
    movers = {
        str(properties["LoggingConfig"]["LogGroup"]["Ref"])
        for properties in FUNCTIONS.values()
        if {"Ref": "MoveTrafficPolicy"} in properties.get("Policies", [])
    }
    assert movers
    assert movers <= read


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_a_query_says_nothing_of_lines_of_other_kinds(name: str) -> None:
    """Lambda's own lines are no JSON; lines of Powertools without our message count nowhere."""
    lines = ["START RequestId: 1 Version: 1", json.dumps({"level": "INFO", "message": "look"})]
    assert answer(name, [{"timestamp": STARTED_MS, "message": line} for line in lines]) == []


def test_what_the_interpreter_does_not_know_it_refuses() -> None:
    """So that a query cannot pass by being read otherwise than AWS reads it."""
    event = [{"timestamp": STARTED_MS, "message": "{}"}]
    for query in ("parse @message /x/", "filter median(x) = 1", "fields x ? 1"):
        with pytest.raises(insights.QueryError):
            insights.run(query, event)
