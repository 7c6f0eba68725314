"""The eight saved queries over lines that the deployed functions wrote, against figures counted from them in Python.

A query runs in the emulator's own Insights engine if that knows every clause of it, else in `tests/insights.py`. The
engine knows `sort @timestamp`, `limit` and filters on fields that begin with @, and ignores other filters in silence.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from local_stack import faults
from local_stack.stack import Stack
from ministack.services import cloudwatch_logs
from rampctl import stage
from rampctl.session import Session

from tests import insights
from tests.emulator.test_stack import eventually
from tests.template.document import RESOURCES, of_type

NAME = "saved-queries"
PLAN = {
    "steps": [{"percent": 50, "bake_seconds": 600}, {"percent": 100, "bake_seconds": 600}],
    "look_seconds": 600,
    "shadow": {"budget_ms": 5000},
    "routing": {"deadline_ms": 5000},
}
READS = 40  # of each kind
FLAG_SECONDS = 1.5  # FLAG_STALENESS_SECONDS of the local stack, and a little
QUERIES = {query["Name"].removeprefix("huntaze/"): query for query in of_type("AWS::Logs::QueryDefinition").values()}
Line = dict[str, Any]


@dataclass(frozen=True)
class Live:
    """What a ramp and its readers left in the log groups; times in epoch seconds."""

    stack: Stack
    since: float
    until: float

    def events(self, name: str) -> list[dict[str, Any]]:
        """Events of the groups that the query reads, in the order of their groups."""
        pages = self.stack.client("logs").get_paginator("filter_log_events")
        times = {"startTime": int(self.since * 1000), "endTime": int(self.until * 1000)}
        return [
            {"timestamp": event["timestamp"], "message": event["message"]}
            for group in groups(name)
            for page in pages.paginate(logGroupName=group, **times)
            for event in page["events"]
        ]

    def lines(self, name: str) -> list[Line]:
        """Those that are JSON objects, each with `at`, its time in milliseconds."""
        events = (event for event in self.events(name) if event["message"].startswith("{"))
        return [{**json.loads(event["message"]), "at": event["timestamp"]} for event in events]

    def ask(self, name: str, query: str) -> list[dict[str, str]]:
        """What the emulator's engine makes of a query; fields that a line does not have are left out."""
        logs = self.stack.client("logs")
        times = {"startTime": int(self.since), "endTime": int(self.until) + 1}
        asked = logs.start_query(logGroupNames=groups(name), queryString=query, **times)["queryId"]
        while (answer := logs.get_query_results(queryId=asked))["status"] in {"Scheduled", "Running"}:
            time.sleep(0.1)
        return [
            {cell["field"]: cell["value"] for cell in row if cell["value"] and cell["field"] != "@ptr"}
            for row in answer["results"]
        ]


def groups(name: str) -> list[str]:
    return [str(RESOURCES[group["Ref"]]["Properties"]["LogGroupName"]) for group in QUERIES[name]["LogGroupNames"]]


@pytest.fixture(scope="module")
def live(local_stack: Stack) -> Live:
    """Half of the users on a candidate that is healthy, then answers otherwise, then fails; then the brake."""
    session, began = Session.of_stack(local_stack), time.time()
    stage.clear_the_way(session, print)
    with stage.fault_free(local_stack.database_url), stage.no_ramp_left(session, NAME, print, wait=True):
        machine, plan = session.state_machine_arn, json.dumps(PLAN)
        ramp = session.states.start_execution(stateMachineArn=machine, name=NAME, input=plan)["executionArn"]
        assert eventually(lambda: session.levers.read().share_ppm == 500_000, seconds=60)
        time.sleep(FLAG_SECONDS)
        for kind in (None, "mismatch", "errors"):
            if kind:
                faults.inject(local_stack.database_url, kind)
            read(local_stack)
            assert eventually(lambda: is_compared(local_stack, began), seconds=60)
        functions = local_stack.client("lambda")
        brake = json.dumps({"by": "ada", "reason": "enough seen"})
        functions.invoke(FunctionName="huntaze-ramp-brake", Payload=brake)
        session.states.stop_execution(executionArn=ramp)  # it would wait for its next look
    time.sleep(FLAG_SECONDS)
    return Live(local_stack, began, time.time())


def read(stack: Stack) -> None:
    functions = stack.client("lambda")
    for number in range(1, READS + 1):
        event = json.dumps({"userId": f"user-{number}"})
        functions.invoke(FunctionName="huntaze-mock-read", Qualifier="live", Payload=event)


def is_compared(stack: Stack, since: float) -> bool:
    """Whether every answer that is compared has been: what control served, and what the candidate did."""
    found = Live(stack, since, time.time() + 60)
    sent = [line for line in found.lines("error-rate") if begins(line, "[MOCK-SUCCESS]", "[CANARY-SUCCESS]")]
    ramp = [line for line in sent if line.get("ramp") == NAME]
    return len([line for line in found.lines("shadow-diffs") if line.get("ramp") == NAME]) == len(ramp) > 0


def begins(line: Line, *prefixes: str) -> bool:
    return str(line.get("message")).startswith(prefixes)


ENGINE: Any = cloudwatch_logs  # without types
KNOWN: Mapping[str, Callable[[str], bool]] = {
    "fields": lambda clause: not re.search(r"\(| as ", clause),
    "filter": lambda clause: ENGINE._compile_insights_filter(clause) is not None,
    "sort": lambda clause: ENGINE._parse_insights_sort(clause) is not None,
    "limit": lambda clause: True,
}


def unknown(query: str) -> list[str]:
    """The clauses of a query that the emulator's engine does not know, by its own parsers."""
    clauses = [clause.strip() for clause in re.split(r"\n\s*\|", query.strip())]
    return [clause for clause in clauses if not ((word := clause.split()[0]) in KNOWN and KNOWN[word](clause))]


def answer(live: Live, name: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The query's rows, and a word on where it ran."""
    query, events = QUERIES[name]["QueryString"], live.events(name)
    missing = unknown(query)
    where = f"tests/insights.py; MiniStack knows no {missing[0]!r}" if missing else "MiniStack"
    with capsys.disabled():
        print(f"\n{name}: over {len(events)} live events, in {where}")
    return insights.run(query, events) if missing else live.ask(name, query)


def by_time(lines: Iterable[Line], seconds: int) -> dict[int, list[Line]]:
    """Lines by the beginning of their bin, in epoch seconds."""
    found = defaultdict(list)
    for line in lines:
        found[line["at"] // 1000 // seconds * seconds].append(line)
    return dict(found)


def percentile(lines: Iterable[Line], percent: float) -> float:
    """As numpy has it: the smallest that so many are not above."""
    return float(np.percentile([line["duration_ms"] for line in lines], percent, method="inverted_cdf"))


def served(live: Live) -> list[Line]:
    """One line a request."""
    lines = live.lines("error-rate")
    prefixes = ("[MOCK-SUCCESS]", "[CANARY-SUCCESS]", "[PRISMA-ERROR]", "[ERROR] control failed")
    return [line for line in lines if begins(line, *prefixes)]


def rates(
    lines: Iterable[Line], seconds: int, counts: Callable[[Line], bool], names: tuple[str, str, str, str]
) -> list[Mapping[str, Any]]:
    """A row for each bin, newest first: its beginning, lines, those that count, and their percent."""
    found: list[Mapping[str, Any]] = []
    for begin, members in sorted(by_time(lines, seconds).items(), reverse=True):
        events = sum(map(counts, members))
        values = (begin, len(members), events, pytest.approx(100 * events / len(members)))
        found.append(dict(zip(names, values, strict=True)))
    return found


def test_the_lines_are_of_every_kind(live: Live) -> None:
    """Else a query might pass on nothing."""
    prefixes = Counter(str(line.get("message")).split("]")[0] for line in served(live))
    assert set(prefixes) == {"[MOCK-SUCCESS", "[CANARY-SUCCESS", "[PRISMA-ERROR"}
    compared = Counter(str(line.get("message")).split("]")[0] for line in live.lines("shadow-diffs"))
    assert {"[SHADOW-OK", "[SHADOW-DIFF", "[SHADOW-FAILED"} <= set(compared)


def test_shadow_diffs(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line for line in live.lines("shadow-diffs") if line.get("message") in {"[SHADOW-OK]", "[SHADOW-DIFF]"}]
    names = ("minute", "compared", "mismatches", "mismatch_percent")
    expected = rates(lines, 60, lambda line: begins(line, "[SHADOW-DIFF]"), names)
    assert answer(live, "shadow-diffs", capsys) == expected
    assert sum(row["mismatches"] for row in expected) > 0


def test_error_rate(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("minute", "requests", "errors", "error_percent")
    expected = rates(served(live), 60, lambda line: begins(line, "[PRISMA-ERROR]", "[ERROR]"), names)
    assert answer(live, "error-rate", capsys) == expected
    assert sum(row["requests"] for row in expected) == 3 * READS
    assert sum(row["errors"] for row in expected) > 0


def test_latency(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line for line in served(live) if begins(line, "[MOCK-SUCCESS]", "[CANARY-SUCCESS]")]
    expected = []
    for begin, members in sorted(by_time(lines, 300).items(), reverse=True):
        for arm in ("candidate", "control"):
            timed = [line for line in members if line["arm"] == arm and "duration_ms" in line]
            if timed:
                found = {f"p{percent}_ms": percentile(timed, percent) for percent in (50, 95, 99)}
                expected.append({"minutes": begin, "arm": arm, "requests": len(timed), **found})
    assert answer(live, "latency", capsys) == expected


def test_canary_success(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line for line in served(live) if line["arm"] == "candidate"]
    names = ("minutes", "requests", "successes", "success_percent")
    expected = rates(lines, 300, lambda line: begins(line, "[CANARY-SUCCESS]"), names)
    assert answer(live, "canary-success", capsys) == expected
    assert 0 < sum(row["successes"] for row in expected) < len(lines)


def test_shadow_performance(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        line for line in live.lines("shadow-performance") if line.get("kind") == "shadow" and "duration_ms" in line
    ]
    expected = [
        {
            "minutes": begin,
            "reads": len(members),
            "failures": sum(begins(line, "[SHADOW-FAILED]") for line in members),
            "timeouts": sum("Timeout" in line.get("failure", "") for line in members),
            "p50_ms": percentile(members, 50),
            "p95_ms": percentile(members, 95),
            "slowest_ms": max(line["duration_ms"] for line in members),
        }
        for begin, members in sorted(by_time(lines, 300).items(), reverse=True)
    ]
    assert answer(live, "shadow-performance", capsys) == expected
    assert sum(row["failures"] for row in expected) > 0


def test_traffic_distribution(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("minutes", "requests", "canary", "canary_percent")
    found = rates(served(live), 300, lambda line: line["arm"] == "candidate", names)
    users = {begin: len({line["user_id"] for line in lines}) for begin, lines in by_time(served(live), 300).items()}
    assert answer(live, "traffic-distribution", capsys) == [{**row, "users": users[row["minutes"]]} for row in found]


def newest_first(rows: list[dict[str, Any]]) -> bool:
    times = [row["@timestamp"] for row in rows]
    return times == sorted(times, reverse=True)


def plain(rows: Iterable[Mapping[str, Any]]) -> list[list[tuple[str, str]]]:
    """Rows without their time and what they do not have, as text, in no order: lines of one millisecond have none."""
    return sorted(
        sorted((name, str(value)) for name, value in row.items() if name != "@timestamp" and value is not None)
        for row in rows
    )


@pytest.mark.parametrize("name", ["error-details", "flag-changes"])
def test_details(live: Live, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every line that is asked for, with the fields that are asked for, the newest first."""
    query = QUERIES[name]["QueryString"]
    fields = [field.strip() for field in query.splitlines()[0].removeprefix("fields ").split(",")]
    prefixes = {
        "error-details": ("[ERROR]", "[PRISMA-ERROR]", "[SHADOW-FAILED]"),
        "flag-changes": ("flag changed", "alias changed"),
    }
    lines = [line for line in live.lines(name) if begins(line, *prefixes[name])]
    rows = answer(live, name, capsys)
    assert plain(rows) == plain({field: line.get(field) for field in fields} for line in lines)
    assert newest_first(rows)
    assert rows
