"""The data plane's half of docs/wire.md, read out of the page itself where the page has figures."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from read_path.compare import Comparator, compare
from read_path.core import event as events
from read_path.core import rules
from read_path.core.answer import Answer
from read_path.core.breaker import Breaker
from read_path.core.bucketing import bucket
from read_path.core.noise import Noise
from read_path.core.observation import CandidateError
from read_path.core.routing import AdapterFlag, Flags, Phase, ShadowFlag, parse
from read_path.serve import Invocation, Service, serve
from read_path.settings import SettingsError, candidate_settings, router_settings, shadow_settings
from read_path.sources import mock

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "wire.md").read_text()
TEMPLATE = (ROOT / "template.yaml").read_text()
PHASE = Phase("ramp-7f3a", "2", control_slow_ms=11.3, candidate_slow_ms=61.3)


def blocks() -> list[Any]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def table(heading: str) -> list[list[str]]:
    """The cells of every table row of a section."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_document_of_the_page_is_read() -> None:
    document, *_ = blocks()
    flags = parse(document, "prismaAdapter", "prismaShadow")
    assert flags == parse(document["values"], "prismaAdapter", "prismaShadow")
    assert flags.adapter is not None
    assert (flags.phase, flags.adapter.share_ppm, flags.adapter.deadline_ms) == (PHASE, 50_000, 500)


def test_every_attribute_of_the_page_is_one_the_router_knows() -> None:
    attributes = {name for row in table("The flag document")[2:] for name in names(row[0])}
    known = {*AdapterFlag._fields, *ShadowFlag._fields, *Phase._fields}
    assert attributes == known - {"phase"}


@pytest.mark.parametrize("user", ["user-1", "user-50", "ü", ""])
def test_the_bucket_is_the_pages_formula(user: str) -> None:
    expected = int.from_bytes(sha256(f"ramp-7f3a:{user}".encode()).digest()[:8], "big") % 1_000_000
    assert bucket("ramp-7f3a", user) == expected


def test_the_event_of_the_page_is_the_event_of_the_code() -> None:
    _, event, _ = blocks()
    assert events.parse(event).to_wire() == event


def test_the_rules_of_the_page_are_read() -> None:
    *_, listed = blocks()
    assert rules.parse(json.dumps(listed)).of("body.items[].seen").ignore
    assert {name for rule in listed for name in rule} == {"field", *(each.name for each in fields(rules.Rule))}


class Requests:
    """Real router and comparator, fed so that every metric comes up."""

    def __init__(self, told: Any) -> None:
        self.told = told
        self.sent: list[events.ComparisonEvent] = []

    def serve(self, candidate: Answer | Exception, *, routed: bool) -> dict[str, Any]:
        adapter = AdapterFlag(PHASE, share_ppm=1_000_000, salt="s", deadline_ms=500, fallback=True)
        service = Service(
            flags=lambda: Flags(adapter if routed else None, ShadowFlag(PHASE, 1_000_000, 500), age_seconds=1.0),
            control=mock.read,
            candidate=reading(candidate),
            dispatch=self.sent.append,
            telemetry=self.told.telemetry,
            clock=lambda: 0.0,
            breaker=Breaker(),
        )
        serve({"userId": "user-1"}, Invocation("request-1", "1"), service)
        return self.record()

    def compare(self, candidate: Answer | Exception) -> dict[str, Any]:
        """Through JSON, as Lambda carries it."""
        event = json.loads(json.dumps(self.sent.pop().to_wire()))
        compare(
            event,
            Comparator(mock.read, reading(candidate), self.told.telemetry, lambda: 0.0, b"k", Noise(rules.Rules())),
        )
        return self.record()

    def record(self) -> dict[str, Any]:
        (record,) = self.told.records()
        assert isinstance(record, dict)
        return record


def reading(candidate: Answer | Exception) -> Any:
    def read(_user_id: str, _deadline_ms: int) -> Answer:
        if isinstance(candidate, Exception):
            raise candidate
        return candidate

    return read


def test_every_record_has_the_pages_metrics_dimensions_and_resolution(told: Any) -> None:
    """Rows of the page's table, in its order: control, candidate by router, candidate by comparator, shadow."""
    requests = Requests(told)
    answer, failure = mock.read("user-1"), CandidateError("Timeout", timed_out=True)
    control = requests.serve(answer, routed=False)
    shadow = requests.compare(failure)
    canary = requests.serve(answer, routed=True)
    compared = requests.compare(answer)
    failed = requests.serve(failure, routed=True)
    rows = table("Metrics")[2:6]
    for row, records in zip(rows, [[control], [canary, failed], [compared], [shadow]], strict=True):
        for record in records:
            (directive,) = record["_aws"]["CloudWatchMetrics"]
            assert directive["Namespace"] == "Huntaze/ReadPath"
            assert directive["Dimensions"] == [["ramp", "step", "arm"], ["arm"]]
            assert {metric["Name"] for metric in directive["Metrics"]} == set(names(row[2]))
            assert {metric["StorageResolution"] for metric in directive["Metrics"]} == {1}
            assert (record["arm"], record["ramp"], record["step"]) == (names(row[0])[0], "ramp-7f3a", "2")
            counts = [record[name] for name in names(row[2]) if name not in {"latency_ms", "flag_age_seconds"}]
            assert set(counts) <= {0, 1}
    assert not requests.sent


def test_every_message_begins_with_a_prefix_of_the_page(told: Any) -> None:
    prefixes = set(re.findall(r"\[[A-Z-]+\]", PAGE.split("\n## Log messages\n")[1].split("\n## ")[0]))
    requests = Requests(told)
    other = Answer(200, "{}")
    for routed in (True, False):
        for candidate in (mock.read("user-1"), other, CandidateError("FunctionError")):
            requests.serve(candidate, routed=routed)
            if requests.sent:
                requests.compare(candidate)
    assert set(told.messages()) == prefixes - {"[ERROR]"}


def test_every_variable_of_the_page_is_read_and_no_other() -> None:
    class Environment(dict[str, str]):
        asked: set[str]

        def get(self, key: str, default: Any = None) -> Any:
            self.asked.add(key)
            return super().get(key, default)

    environment = Environment(
        dict.fromkeys(["APPCONFIG_APPLICATION", "APPCONFIG_ENVIRONMENT", "APPCONFIG_PROFILE"], "x")
    )
    environment.update(CANDIDATE_FUNCTION="x", SHADOW_FUNCTION="x", DATABASE_SECRET="x")  # noqa: S106 - a name
    environment.asked = set()
    for read in (router_settings, candidate_settings, shadow_settings):
        read(environment)
    readers = ("router", "candidate", "comparator")
    rows = [row for row in table("Names from the environment")[2:] if any(reader in row[1] for reader in readers)]
    assert environment.asked == {name for row in rows for name in names(row[0])}


def test_the_staleness_of_the_page_is_the_routers_and_the_templates() -> None:
    """A stack takes no value that its routers refuse."""
    (meaning,) = [row[2] for row in table("Names from the environment")[2:] if "FLAG_STALENESS_SECONDS" in row[0]]
    found = re.search(r"; (\d+)–(\d+), `(\d+)`", meaning)
    assert found
    low, high, default = map(int, found.groups())
    given = re.search(r"FlagStalenessSeconds:\n.*\n +Default: (\d+)\n +MinValue: (\d+)\n +MaxValue: (\d+)", TEMPLATE)
    assert given
    assert tuple(map(int, given.groups())) == (default, low, high)
    needed = dict.fromkeys(["APPCONFIG_APPLICATION", "APPCONFIG_ENVIRONMENT", "APPCONFIG_PROFILE"], "x")
    needed |= {"CANDIDATE_FUNCTION": "x", "SHADOW_FUNCTION": "x"}
    assert router_settings(needed).flag_staleness_seconds == default
    for seconds in (low, high):
        assert router_settings({**needed, "FLAG_STALENESS_SECONDS": str(seconds)}).flag_staleness_seconds == seconds
    for seconds in (low - 1, high + 1):
        with pytest.raises(SettingsError):
            router_settings({**needed, "FLAG_STALENESS_SECONDS": str(seconds)})
