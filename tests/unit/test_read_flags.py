"""Flags are at most so old, and once read they are never lost."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from read_path.aws import AwsError, Reply
from read_path.core.routing import Flags
from read_path.flags import AppConfigExtension, AppConfigSession, FlagReader
from read_path.settings import RouterSettings

SETTINGS = RouterSettings("app", "production", "profile", "prismaAdapter", "prismaShadow", 20, None, "c", "s", "")
SHADOW = {"prismaShadow": {"enabled": True, "ramp": "r", "step": 0, "sample_ppm": 1, "budget_ms": 500}}
GOOD, OFF = json.dumps(SHADOW).encode(), b"{}"


class Scripted:
    """A fetch that gives these in turn, and a clock that is set by hand."""

    def __init__(self, *script: bytes | Exception) -> None:
        self.script = list(script)
        self.now = 1000.0
        self.calls = 0

    def fetch(self) -> bytes:
        self.calls += 1
        content = self.script.pop(0)
        if isinstance(content, Exception):
            raise content
        return content

    def reader(self, told: Any) -> FlagReader:
        return FlagReader(self, SETTINGS, lambda: self.now, told.telemetry)


def is_on(flags: Flags) -> bool:
    return flags.shadow is not None


def settled(condition: Any) -> bool:
    """Whether a condition comes true within two seconds: the reading thread is a real one."""
    for _ in range(200):
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_a_reading_that_is_due_happens_beside_the_request(told: Any) -> None:
    """The request that finds the flags old does not wait; a later one goes by the new ones."""
    answered = threading.Event()

    class Slow(Scripted):
        def fetch(self) -> bytes:
            if self.calls:
                answered.wait(5)
            return super().fetch()

    source = Slow(GOOD, OFF)
    reader = source.reader(told)
    seen = []
    for moment in (1000.0, 1019.9, 1020.0):
        source.now = moment
        seen.append(is_on(reader.current()))
    assert seen == [True, True, True]
    answered.set()
    assert settled(lambda: not is_on(reader.current()))
    assert source.calls == 2


def test_after_a_long_sleep_the_request_waits_for_the_reading(told: Any) -> None:
    """A third more than the staleness: nobody is routed by flags that are older."""

    class Slow(Scripted):
        def fetch(self) -> bytes:
            time.sleep(0.1 if self.calls else 0)
            return super().fetch()

    source = Slow(GOOD, OFF)
    reader = source.reader(told)
    reader.current()
    source.now += 27
    assert not is_on(reader.current())


def test_a_reading_that_froze_with_its_sandbox_is_waited_for_and_not_trusted(told: Any) -> None:
    """It was begun before the sleep; what it brings is as old as its beginning, so one more is made."""
    thawed = threading.Event()

    class Frozen(Scripted):
        def fetch(self) -> bytes:
            content = super().fetch()
            if self.calls == 2:
                thawed.wait(5)
            return content

    source = Frozen(GOOD, GOOD, OFF)
    reader = source.reader(told)
    reader.current()
    source.now += 20
    assert is_on(reader.current())
    assert settled(lambda: source.calls == 2)
    source.now += 600
    threading.Timer(0.1, thawed.set).start()
    assert not is_on(reader.current())


def test_the_age_counts_from_the_last_reading_that_was_answered_well(told: Any) -> None:
    source = Scripted(GOOD, b"", AwsError("InternalServerException"))
    reader = source.reader(told)
    ages = []
    for moment in (1000.0, 1007.0, 1040.0, 1100.0):
        source.now = moment
        ages.append(reader.current().age_seconds)
    assert ages == [0, 7, 0, 60]


@pytest.mark.parametrize(
    "trouble",
    [b"", b"{", b"[]", b'{"prismaShadow": {"enabled": 1}}', AwsError("Timeout")],
    ids=str,
)
def test_the_last_good_flags_stay_whatever_comes_next(told: Any, trouble: bytes | Exception) -> None:
    """An empty document says: nothing new."""
    source = Scripted(GOOD, trouble)
    reader = source.reader(told)
    reader.current()
    source.now += 40
    assert is_on(reader.current())
    assert told.messages() == ([] if trouble == b"" else ["[ERROR]"])


@pytest.mark.parametrize("refused", [b"{", b'{"prismaShadow": {"enabled": 1}}'], ids=["no JSON", "no flag"])
def test_flags_age_for_as_long_as_a_refused_document_is_served(told: Any, refused: bytes) -> None:
    """A session gives a document once: the empty replies after it say that this one still stands."""
    source = Scripted(GOOD, refused, b"", b"", OFF, b"")
    reader = source.reader(told)
    ages = []
    for moment in (1000.0, 1040.0, 1080.0, 1120.0, 1160.0, 1200.0):
        source.now = moment
        ages.append(reader.current().age_seconds)
    assert ages == [0, 40, 80, 120, 0, 0]
    assert told.messages() == ["[ERROR]"] * 3


def test_what_new_flags_will_need_is_foreseen_before_a_request_goes_by_them(told: Any) -> None:
    """A document that has not changed, or is refused, needs nothing new."""
    source = Scripted(GOOD, b"", b"{", OFF)
    seen: list[bool] = []
    reader = FlagReader(source, SETTINGS, lambda: source.now, told.telemetry, lambda new: seen.append(is_on(new)))
    for _ in range(4):
        reader.current()
        source.now += 40
    assert seen == [True, False]


def test_without_good_flags_everybody_is_served_by_control(told: Any) -> None:
    source = Scripted(AwsError("Timeout"))
    reader = source.reader(told)
    assert reader.current() == reader.current() == Flags()
    assert source.calls == 1


def test_a_refused_document_is_told_with_the_path_of_its_fault(told: Any) -> None:
    Scripted(b'{"prismaShadow": {"enabled": "yes"}}').reader(told).current()
    assert told.lines()[0]["faults"] == ["prismaShadow.enabled: is not a boolean, got str, expected true or false"]


class AppConfigData:
    """The service as AppConfigSession calls it: scripted replies, and what was asked."""

    def __init__(self, *replies: Reply | AwsError) -> None:
        self.replies = list(replies)
        self.asked: list[str] = []

    def call(self, method: str, path: str, **more: Any) -> Reply:
        self.asked.append(f"{method} {path} {more.get('query', {}).get('configuration_token', '')}".strip())
        if body := more.get("body"):
            self.wanted = json.loads(body)
        reply = self.replies.pop(0)
        if isinstance(reply, AwsError):
            raise reply
        return reply


def begun(token: str) -> Reply:
    return Reply({}, json.dumps({"InitialConfigurationToken": token}).encode())


def polled(following: str, content: bytes) -> Reply:
    return Reply({"next-poll-configuration-token": following}, content)


def session(*replies: Reply | AwsError) -> tuple[AppConfigSession, AppConfigData]:
    service: Any = AppConfigData(*replies)
    return AppConfigSession(SETTINGS, service), service


BEGIN, POLL = "POST /configurationsessions", "GET /configuration"


def test_one_session_serves_a_sandbox() -> None:
    reader, service = session(begun("t1"), polled("t2", GOOD), polled("t3", b""))
    assert (reader.fetch(), reader.fetch()) == (GOOD, b"")
    assert service.asked == [BEGIN, f"{POLL} t1", f"{POLL} t2"]
    assert service.wanted == {
        "ApplicationIdentifier": "app",
        "EnvironmentIdentifier": "production",
        "ConfigurationProfileIdentifier": "profile",
        "RequiredMinimumPollIntervalInSeconds": 20,
    }


def test_a_session_that_expired_is_begun_anew_in_the_same_reading() -> None:
    expired = AwsError("BadRequestException")
    reader, service = session(begun("t1"), polled("t2", GOOD), expired, begun("u1"), polled("u2", OFF))
    assert (reader.fetch(), reader.fetch()) == (GOOD, OFF)
    assert service.asked[2:] == [f"{POLL} t2", BEGIN, f"{POLL} u1"]


def test_a_token_spent_on_a_failure_is_not_used_again() -> None:
    broken = AwsError("InternalServerException")
    reader, service = session(begun("t1"), polled("t2", GOOD), broken, begun("u1"), polled("u2", OFF))
    assert reader.fetch() == GOOD
    with pytest.raises(AwsError, match="InternalServerException"):
        reader.fetch()
    assert reader.fetch() == OFF
    assert service.asked[2:] == [f"{POLL} t2", BEGIN, f"{POLL} u1"]


def test_appconfig_is_never_asked_for_less_than_its_shortest_interval() -> None:
    """A local stack polls every second; AWS refuses a session of less than fifteen."""
    service: Any = AppConfigData(begun("t1"), polled("t2", GOOD))
    assert AppConfigSession(SETTINGS._replace(flag_staleness_seconds=1), service).fetch() == GOOD
    assert service.wanted["RequiredMinimumPollIntervalInSeconds"] == 15


def test_the_extension_is_asked_for_the_profile() -> None:
    service: Any = AppConfigData(Reply({}, GOOD))
    assert AppConfigExtension(SETTINGS, service).fetch() == GOOD
    assert service.asked == ["GET /applications/app/environments/production/configurations/profile"]
