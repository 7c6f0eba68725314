"""What the tasks may expect of every adapter, held by the fakes in memory and by the real ones alike.

moto answers for DynamoDB, Lambda and Scheduler; AppConfig's deployments and Step Functions' task tokens, which moto
does not run, are the emulator's.
"""

from __future__ import annotations

import contextlib
import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from ramp.adapters.alias_lever import AliasLever
from ramp.adapters.deadline import Deadline
from ramp.adapters.executions import Executions
from ramp.adapters.exemplars import Exemplars
from ramp.adapters.flag_lever import FlagLever, FlagLocation
from ramp.adapters.table import Lock, RampTable
from ramp.core.exemplar import Source
from ramp.core.flag_document import OFF
from rampctl.rehearsal.fakes import (
    NAMES,
    Clock,
    FakeAliasLever,
    FakeDeadline,
    FakeExecutions,
    FakeExemplars,
    FakeFlagLever,
    FakeTable,
)

from tests.adapters.appconfig import CANARY, SHADOW, flags_in
from tests.sweep.memory.appconfig import APPLICATION, ENVIRONMENT, PROFILE, STRATEGY
from tests.sweep.memory.aws import Aws

FLAG, NOW, WEEK = "prismaAdapter", 1_800_000_000.0, 604_800
# Adapters in memory; the real ones over the clients in memory that the fault sweep strikes; the real ones over AWS.
both = pytest.mark.parametrize("kind", ["memory", "clients", "aws"])


def in_memory() -> Aws:
    """AWS in memory, at a clock that passes when it is slept on."""
    clock = Clock(NOW)
    return Aws(clock, clock.pass_seconds)


@pytest.fixture
def flag(kind: str, request: pytest.FixtureRequest) -> FlagLever:
    """Both flags off, in an application of the test's own."""
    if kind == "memory":
        return FakeFlagLever()
    if kind == "clients":
        aws = in_memory()
        location = FlagLocation(APPLICATION, ENVIRONMENT, PROFILE, STRATEGY)
        return FlagLever(aws.client("appconfig"), aws.client("appconfigdata"), location, NAMES, aws.sleep)  # type: ignore[arg-type]  # shaped like them
    emulated = request.getfixturevalue("emulated")
    return FlagLever(emulated("appconfig"), emulated("appconfigdata"), flags_in(emulated), NAMES, lambda _: None)


@pytest.fixture
def alias(kind: str, request: pytest.FixtureRequest) -> AliasLever:
    """An alias `live` on version 1 of a function with versions 1 and 2."""
    if kind == "memory":
        return FakeAliasLever()
    if kind == "clients":
        return AliasLever(in_memory().client("lambda"), "read", "live")  # type: ignore[arg-type]  # as above
    request.getfixturevalue("aws")
    role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    functions = boto3.client("lambda")
    functions.create_function(
        FunctionName="read", Runtime="python3.13", Role=role, Handler="a.b", Code={"ZipFile": _zip("1")}, Publish=True
    )
    functions.update_function_code(FunctionName="read", ZipFile=_zip("2"), Publish=True)
    functions.create_alias(FunctionName="read", Name="live", FunctionVersion="1")
    return AliasLever(functions, "read", "live")


def _zip(content: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.py", content)
    return packed.getvalue()


@pytest.fixture
def table(kind: str, request: pytest.FixtureRequest) -> RampTable:
    """An empty ramp table, keyed as the template keys it."""
    if kind == "memory":
        return FakeTable()
    if kind == "clients":
        return RampTable(in_memory().resource("dynamodb").Table("huntaze-ramps"))
    request.getfixturevalue("aws")
    return RampTable(
        boto3.resource("dynamodb").create_table(
            TableName="huntaze-ramps",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
    )


@both
def test_the_flag_starts_off_and_reads_back_what_was_put(flag: FlagLever) -> None:
    """Canary, shadow, off: each replaces the one before, and off leaves nothing of it."""
    assert flag.read() == OFF
    for setting in (CANARY, SHADOW, CANARY, OFF):
        flag.put(setting, "ramp ramp-1")
        assert flag.read() == setting
    assert flag.in_flight() is None


@both
def test_putting_what_is_served_writes_no_version(flag: FlagLever) -> None:
    """A retried Shift Traffic deploys once."""
    flag.put(CANARY, "ramp ramp-1")
    flag.put(CANARY, "ramp ramp-1")
    flag.put(OFF, "ramp ramp-1")
    assert flag.prune("ramp ramp-1") == 1


@both
def test_pruning_keeps_what_is_deployed_and_what_no_ramp_wrote(flag: FlagLever) -> None:
    """Only superseded versions of ramps go, this one's and what another had to leave; a second time there are none."""
    flag.put(CANARY, "by hand")
    flag.put(SHADOW, "ramp another")
    flag.put(CANARY, "ramp ramp-1")
    flag.put(SHADOW, "ramp ramp-1")
    flag.put(CANARY, "ramp ramp-1")
    assert flag.prune("ramp ramp-1") == 3
    assert flag.prune("ramp ramp-1") == 0
    assert flag.read() == CANARY


@both
def test_stopping_nothing_is_fine(flag: FlagLever) -> None:
    """A rollback with no deployment in flight."""
    assert not flag.stop()


@both
def test_the_alias_reads_back_what_was_put(alias: AliasLever) -> None:
    """Split by one part in ten thousand, then whole on either version."""
    assert (alias.read().version, alias.read().is_whole) == ("1", True)
    for version, weights in (("1", {"2": 100}), ("1", {"2": 500_000}), ("2", {}), ("1", {})):
        alias.put(version, weights)
        assert (alias.read().version, alias.read().weights) == (version, weights)


@both
def test_the_alias_knows_published_versions(alias: AliasLever) -> None:
    """A plan may name only one that exists."""
    assert alias.has_version("2")
    assert not alias.has_version("9")


@both
def test_a_lock_has_one_owner_until_it_is_released(table: RampTable) -> None:
    """Taking one's own again is fine; another's is named; releasing another's does nothing."""
    mine, theirs = Lock("ramp-1", "arn:1"), Lock("ramp-2", "arn:2")
    assert table.lock(FLAG) is None
    assert table.acquire(FLAG, mine, NOW, WEEK) is None
    assert table.acquire(FLAG, mine, NOW + 1, WEEK) is None
    assert table.acquire(FLAG, theirs, NOW + 2, WEEK) == mine
    for anothers in (theirs, Lock("ramp-1", "arn:2"), Lock("ramp-2", "arn:1")):
        table.release(FLAG, anothers)
        assert not table.renew(FLAG, anothers, NOW + 2, WEEK)
    assert table.lock(FLAG) == mine
    table.release(FLAG, mine)
    table.release(FLAG, mine)
    assert table.lock(FLAG) is None
    assert table.acquire(FLAG, theirs, NOW + 3, WEEK) is None


@both
def test_a_lock_is_taken_only_from_the_holder_that_is_known_to_be_dead(table: RampTable) -> None:
    """A lease that has run out gives it to nobody by itself; renewing one's own moves its end."""
    first, second, third = (Lock(f"ramp-{number}", f"arn:{number}") for number in (1, 2, 3))
    assert table.acquire(FLAG, first, NOW, 60) is None
    assert table.renew(FLAG, first, NOW + 30, 60)
    held = table.lock(FLAG)
    assert held is not None
    assert held.expires_at == NOW + 90
    assert table.acquire(FLAG, second, NOW + 1_000, 60) == first
    assert table.acquire(FLAG, second, NOW + 1_000, 60, dead=first) is None
    assert table.acquire(FLAG, third, NOW + 1_000, 60, dead=first) == second
    assert table.lock(FLAG) == second
    assert not table.renew(FLAG, first, NOW + 1_000, 60)
    table.release(FLAG, second)
    assert not table.renew(FLAG, second, NOW + 1_000, 60)
    assert table.lock(FLAG) is None


@both
@pytest.mark.parametrize("end", ["promoted", "rolled_back", "undone", "rollback_failed"])
def test_a_ramp_that_has_ended_runs_no_more(table: RampTable, end: str) -> None:
    """Whatever a task that goes on behind its execution's end writes; traffic that was taken back is written always."""

    def write(status: str) -> bool:
        return table.put_ramp("ramp-1", status, NOW, {})

    def enlist(status: str) -> bool:
        return table.enlist(FLAG, "ramp-1", status, NOW, NOW)

    for put in (write, enlist):
        assert put("running")
        assert put("running")
        assert put(end)
        assert not put("running")
        assert put("promoted") is (end == "promoted")
        assert put("rolled_back")
    assert (table.ramp("ramp-1") or {})["status"] == "rolled_back"
    assert [entry["status"] for entry in table.listed(FLAG)] == ["rolled_back"]


@both
def test_two_flags_are_two_locks(table: RampTable) -> None:
    """Several routes may ramp at once."""
    assert table.acquire(FLAG, Lock("ramp-1", "arn:1"), NOW, WEEK) is None
    assert table.acquire("otherAdapter", Lock("ramp-2", "arn:2"), NOW, WEEK) is None


@both
def test_a_ramps_record_keeps_floats_and_is_written_whole(table: RampTable) -> None:
    """The document is JSON text in the table, since DynamoDB takes no floats."""
    assert table.ramp("ramp-1") is None
    table.put_ramp("ramp-1", "running", NOW, {"p95_ms": 12.5, "list": []}, step=1, share_ppm=17, reason="so")
    table.put_ramp("ramp-1", "promoted", NOW, {"p95_ms": 0.1}, step=2, share_ppm=1_000_000, reason="done")
    found = table.ramp("ramp-1")
    assert found is not None
    assert found["document"] == {"p95_ms": 0.1}
    assert (found["status"], int(found["step"]), int(found["share_ppm"])) == ("promoted", 2, 1_000_000)


@both
def test_looks_are_found_by_their_place(table: RampTable) -> None:
    """However many there are; a place that has none gives none."""
    for step, looks in ((0, 130), (1, 3)):
        for look in range(1, looks + 1):
            table.put_look("ramp-1", step, look, NOW, {"at": [step, look]})
    places = [(0, look) for look in range(1, 131)] + [(1, 3), (2, 1)]
    found = sorted(item["document"]["at"] for item in table.looks_at("ramp-1", places))
    assert found == [*([0, look] for look in range(1, 131)), [1, 3]]


@both
def test_more_is_written_into_a_look_that_is_there(table: RampTable) -> None:
    """Beside when it was, which stays."""
    table.put_look("ramp-1", 0, 1, NOW, {"checks": []})
    table.amend_look("ramp-1", 0, 1, {"checks": [1.5]})
    (found,) = table.looks_at("ramp-1", [(0, 1)])
    assert (found["document"], int(found["at"])) == ({"checks": [1.5]}, int(NOW))


Written = Callable[[int, Source, str], None]
GROUPS = {Source.ROUTER: "/aws/lambda/router", Source.COMPARATOR: "/aws/lambda/comparator"}


@pytest.fixture
def logged(kind: str, request: pytest.FixtureRequest) -> tuple[Exemplars, RampTable, Written]:
    """What finds exemplars, the table that it writes into, and what writes a line, seconds ago; groups come with lines.

    The emulator keeps the real time, and its table is one in memory: the lines are what matters.
    """
    table = FakeTable()
    if kind == "memory":
        fake = FakeExemplars(table, lambda: NOW)
        return fake, table, lambda ago, source, line: fake.written.append((NOW - ago, source, line))
    if kind == "clients":
        aws = in_memory()
        logs: Any = aws.client("logs")
        lines = aws.services["logs"].lines

        def write(ago: int, source: Source, line: str) -> None:
            lines.setdefault(GROUPS[source], []).append((int((NOW - ago) * 1000), line))

        return Exemplars(logs, GROUPS, table, lambda: NOW), table, write
    client = request.getfixturevalue("emulated")("logs")
    mark = uuid.uuid4().hex[:8]
    groups = {source: f"{name}-{mark}" for source, name in GROUPS.items()}

    def put(ago: int, source: Source, line: str) -> None:
        with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_group(logGroupName=groups[source])
            client.create_log_stream(logGroupName=groups[source], logStreamName="s")
        event = {"timestamp": int((time.time() - ago) * 1000), "message": line}
        client.put_log_events(logGroupName=groups[source], logStreamName="s", logEvents=[event])

    return Exemplars(client, groups, table, time.time), table, put


def a_line(number: int, message: str, **counts: float) -> str:
    said = {"message": message, "ramp": "ramp-1", "step": "2", "duration_ms": 1.0, **counts}
    return json.dumps({**said, "xray_trace_id": f"1-{number:08x}-{0:024x}"})


@both
def test_a_check_that_fails_gets_the_newest_trace_that_shows_it(
    logged: tuple[Exemplars, RampTable, Written], kind: str
) -> None:
    """From the log of the function that counted it; a check without a line, or that passes, stays as it was."""
    exemplars, table, write = logged
    now = time.time() if kind == "aws" else NOW
    failed = {"verdict": "FAIL", "numbers": {"trials": 9, "events": 3}}
    checks = [
        {"name": "errors", **failed},
        {"name": "mismatches", **failed},
        {"name": "misrouted", **failed},
        {"name": "latency", "verdict": "PASS", "numbers": {"trials": 9, "events": 3}},
    ]
    table.put_look("ramp-1", 2, 1, now, {"checks": checks})
    exemplars.note("ramp-1", 2, 1, now - 3_000)  # before any function has run
    assert (table.look("ramp-1", 2, 1) or {})["checks"] == checks
    write(2_000, Source.COMPARATOR, a_line(1, "[SHADOW-DIFF]", mismatches=1.0))
    for number, ago in ((2, 90), (3, 60), (4, 30)):
        write(ago, Source.ROUTER, a_line(number, "[PRISMA-ERROR] candidate failed", errors=1.0))
    write(20, Source.ROUTER, a_line(5, "[CANARY-SUCCESS]", errors=0.0))
    exemplars.note("ramp-1", 2, 1, now - 3_000)
    noted = {check["name"]: check.get("trace_id") for check in (table.look("ramp-1", 2, 1) or {})["checks"]}
    first, last = f"1-{1:08x}-{0:024x}", f"1-{4:08x}-{0:024x}"
    assert noted == {"errors": last, "mismatches": first, "misrouted": None, "latency": None}


@both
def test_what_people_were_told_is_noted_in_the_question_that_stands(table: RampTable) -> None:
    """And in no other one; a question that is gone does not come back by it."""
    table.ask("ramp-1", "1-2", "token", NOW, look=(1, 2))
    table.note("ramp-1", "0-1", "told_at", NOW)
    assert "told_at" not in (table.request("ramp-1") or {})
    table.note("ramp-1", "1-2", "told_at", NOW)
    table.ask("ramp-1", "1-2", "another", NOW + 900, look=(1, 2))
    table.note("ramp-1", "1-2", "reminded_at", NOW + 900)
    request = table.request("ramp-1") or {}
    assert (request["told_at"], request["reminded_at"]) == (int(NOW), int(NOW + 900))
    table.ask("ramp-1", "2-1", "token", NOW, look=(2, 1))
    assert "told_at" not in (table.request("ramp-1") or {})
    table.close_request("ramp-1")
    table.note("ramp-1", "2-1", "told_at", NOW)
    assert table.request("ramp-1") is None


@both
def test_a_link_leads_to_its_question(table: RampTable) -> None:
    """By its digest; another one leads nowhere."""
    table.put_link("digest", "ramp-1", "1-2", NOW, NOW + 60)
    found = table.link("digest")
    assert found is not None
    assert (found["ramp"], found["request_id"], found["created_at"]) == ("ramp-1", "1-2", int(NOW))
    assert found["expires_at"] == NOW + 60
    assert table.link("another") is None


@both
def test_looks_come_back_in_the_order_of_steps_and_looks(table: RampTable) -> None:
    """Past nine and past ninety-nine too; the same look twice is one record; other ramps' looks are theirs."""
    for step, look in ((1, 1), (0, 10), (0, 9), (10, 2), (2, 1), (0, 9), (0, 100)):
        table.put_look("ramp-1", step, look, NOW, {"at": [step, look]})
    table.put_look("ramp-11", 0, 1, NOW, {"at": []})
    assert [look["document"]["at"] for look in table.looks("ramp-1")] == [
        [0, 9],
        [0, 10],
        [0, 100],
        [1, 1],
        [2, 1],
        [10, 2],
    ]


@both
def test_a_question_keeps_its_answer_and_that_people_were_told_through_new_tokens(table: RampTable) -> None:
    """The token's short time-out must neither tell people twice nor lose what they said in between."""
    table.ask("ramp-1", "1-3", "token-1", NOW, look=(1, 3), question="go?", step=1)
    table.note("ramp-1", "1-3", "told_at", NOW)
    table.ask("ramp-1", "1-3", "token-2", NOW + 300, look=(1, 3), question="go?", step=1)
    assert table.answer("ramp-1", "1-3", "approve", "ada", "fine", NOW + 400)
    table.ask("ramp-1", "1-3", "token-3", NOW + 600, look=(1, 3), question="go?", step=1)
    request = table.request("ramp-1")
    assert request is not None
    assert (request["token"], request["answer"], request["by"]) == ("token-3", "approve", "ada")
    assert (int(request["asked_at"]), int(request["told_at"])) == (int(NOW), int(NOW))


@both
def test_an_answer_counts_once_and_only_for_the_question_that_stands(table: RampTable) -> None:
    """The second person hears that it is decided; an old link answers nothing."""
    assert not table.answer("ramp-1", "1-3", "approve", "ada", "fine", NOW)
    table.ask("ramp-1", "1-3", "token-1", NOW, look=(1, 3))
    assert not table.answer("ramp-1", "1-2", "approve", "ada", "old link", NOW)
    assert table.answer("ramp-1", "1-3", "reject", "ada", "no", NOW)
    assert not table.answer("ramp-1", "1-3", "approve", "bob", "yes", NOW)
    table.ask("ramp-1", "1-4", "token-2", NOW, look=(1, 4))
    assert "answer" not in (table.request("ramp-1") or {})
    table.close_request("ramp-1")
    table.close_request("ramp-1")
    assert table.request("ramp-1") is None


@both
def test_a_question_is_withdrawn_unless_it_was_answered(table: RampTable) -> None:
    """Then it stands, and comes back with the answer; what was withdrawn nobody answers, and may be asked anew."""
    assert table.withdraw("ramp-1", "1-3", NOW, look=(1, 9)) is None
    assert table.ask("ramp-1", "1-3", "token-1", NOW, look=(1, 3))
    for _ in range(2):
        assert table.withdraw("ramp-1", "1-3", NOW, look=(1, 4)) is None
    assert table.request("ramp-1") is None
    assert not table.answer("ramp-1", "1-3", "approve", "ada", "fine", NOW)
    assert table.ask("ramp-1", "1-3", "token-2", NOW, look=(1, 4))
    assert table.answer("ramp-1", "1-3", "approve", "ada", "fine", NOW)
    assert (table.withdraw("ramp-1", "1-3", NOW, look=(1, 5)) or {})["answer"] == "approve"
    assert (table.request("ramp-1") or {})["answer"] == "approve"
    assert table.ask("ramp-1", "1-5", "token-3", NOW, look=(1, 5))
    assert table.withdraw("ramp-1", "1-3", NOW, look=(1, 5)) is None
    assert (table.request("ramp-1") or {})["request_id"] == "1-5"


@both
def test_what_an_earlier_look_asks_comes_too_late(table: RampTable) -> None:
    """Neither a later question nor its answer, nor the quiet after a question, is touched by it."""
    assert table.ask("ramp-1", "1-9", "token-9", NOW, look=(1, 10))
    table.answer("ramp-1", "1-9", "reject", "ada", "no", NOW)
    before = table.request("ramp-1")
    assert not table.ask("ramp-1", "1-2", "token-2", NOW, look=(1, 2))
    assert not table.ask("ramp-1", "1-9", "token-1", NOW, look=(1, 9))
    assert table.withdraw("ramp-1", "1-2", NOW, look=(1, 3)) is None
    assert table.request("ramp-1") == before
    assert table.ask("ramp-1", "2-1", "token", NOW, look=(2, 1))
    assert table.withdraw("ramp-1", "2-1", NOW, look=(2, 2)) is None
    assert not table.ask("ramp-1", "2-1", "token", NOW, look=(2, 1))
    assert table.request("ramp-1") is None


@both
def test_every_question_is_kept_whatever_becomes_of_it(table: RampTable) -> None:
    """Once, however often it is asked, before the words, and without the token, which is nobody's to read."""
    for request_id, token, at in (("1-3", "token-1", NOW), ("1-3", "token-2", NOW + 900), ("0-20", "token-3", NOW - 9)):
        fields = {"step": 1, "question": "go or no-go?", "causes": ["approval"]}
        table.ask("ramp-1", request_id, token, at, look=(1, 3), **fields)
    table.close_request("ramp-1")
    table.put_word("ramp-1", "abort", NOW, step=1)
    *questions, word = table.people("ramp-1")
    assert word["verb"] == "abort"
    assert {(asked["request_id"], int(asked["asked_at"])) for asked in questions} == {("0-20", NOW - 9), ("1-3", NOW)}
    assert {(int(asked["step"]), asked["question"]) for asked in questions} == {(1, "go or no-go?")}
    assert all("token" not in asked for asked in questions)
    assert [*table.people("ramp-11")] == []


@both
def test_a_command_stands_until_it_is_replaced(table: RampTable) -> None:
    """The operator's last word, for that ramp only; and an abort stands for good, in the words of the first."""
    assert table.command("ramp-1") is None
    for verb, by in (("pause", "ada"), ("resume", "bob"), ("abort", "eve")):
        assert table.put_command("ramp-1", verb, 2, by, "so", NOW)
        command = table.command("ramp-1")
        assert command is not None
        assert (command["verb"], int(command["step"]), command["by"], command["reason"]) == (verb, 2, by, "so")
    for verb in ("resume", "advance", "abort"):
        assert not table.put_command("ramp-1", verb, 2, "ada", "too late", NOW)
    assert (table.command("ramp-1") or {})["by"] == "eve"
    assert table.command("ramp-2") is None


@both
def test_every_word_is_kept_in_the_order_it_was_said(table: RampTable) -> None:
    """To the millisecond, with whatever is told about it; other ramps' words are theirs."""
    said = {"step": 1, "by": "ada", "reason": "so", "via": "cli"}
    table.put_word("ramp-1", "resume", NOW + 0.002, **said)
    table.put_word("ramp-1", "pause", NOW + 0.001, **said)
    table.put_word("ramp-11", "pause", NOW, **said)
    words = list(table.words("ramp-1"))
    assert [(word["verb"], word["by"], word["via"], int(word["step"])) for word in words] == [
        ("pause", "ada", "cli", 1),
        ("resume", "ada", "cli", 1),
    ]


@both
def test_the_list_has_each_ramp_once_the_latest_first(table: RampTable) -> None:
    """Written anew as the ramp goes on, under the key of its start."""
    for ramp, started_at in (("ramp-1", NOW), ("ramp-2", NOW + 60)):
        for status, now in (("running", started_at), ("promoted", started_at + 30)):
            assert table.enlist(FLAG, ramp, status, started_at, now, steps=3)
    assert table.enlist("otherAdapter", "ramp-3", "running", NOW, NOW, steps=3)
    listed = table.listed(FLAG)
    assert [(entry["ramp"], entry["status"], int(entry["steps"])) for entry in listed] == [
        ("ramp-2", "promoted", 3),
        ("ramp-1", "promoted", 3),
    ]
    assert (int(listed[1]["started_at"]), int(listed[1]["updated_at"])) == (NOW, NOW + 30)
    assert [entry["ramp"] for entry in table.listed(FLAG, limit=1)] == ["ramp-2"]


@both
def test_a_deadline_is_set_once_and_removed_twice(kind: str, request: pytest.FixtureRequest) -> None:
    """Both may be delivered twice."""
    if kind == "memory":
        deadline: Deadline = FakeDeadline()
    elif kind == "clients":
        role, target = "arn:aws:iam::000000000000:role/deadline", "arn:aws:lambda:f"
        deadline = Deadline(in_memory().client("scheduler"), "deadlines", role, target)  # type: ignore[arg-type]  # as above
    else:
        request.getfixturevalue("aws")
        boto3.client("scheduler").create_schedule_group(Name="deadlines")
        deadline = Deadline(boto3.client("scheduler"), "deadlines", f"arn:aws:iam::{1:012}:role/r", "arn:aws:lambda:f")
    deadline.set("ramp-1", NOW)
    deadline.set("ramp-1", NOW + 60)
    assert deadline.names() == [deadline.name("ramp-1")]
    deadline.remove("ramp-1")
    deadline.remove("ramp-1")
    assert deadline.names() == []
    deadline.set("ramp-1", NOW)


class Waiting:
    """Executions, one of which waits on a token."""

    def __init__(self, executions: Executions, arn: str, token: str, outcome: Callable[[], tuple[str, Any]]) -> None:
        self.executions, self.arn, self.token, self.outcome = executions, arn, token, outcome


@pytest.fixture
def waiting(kind: str, request: pytest.FixtureRequest) -> Waiting:
    """One execution that waits, in memory or in the emulator."""
    if kind == "memory":
        fake = FakeExecutions()
        fake.statuses["arn:1"] = "RUNNING"
        fake.waiting.add("token-1")
        return Waiting(fake, "arn:1", "token-1", lambda: fake.outcomes["token-1"])
    if kind == "clients":
        aws = in_memory()
        aws.stepfunctions.executions["arn:1"] = "RUNNING"
        aws.stepfunctions.waiting["token-1"] = "arn:1"
        client: Any = aws.client("stepfunctions")
        return Waiting(Executions(client), "arn:1", "token-1", lambda: aws.stepfunctions.outcomes["token-1"])
    return _waiting_in(request.getfixturevalue("emulated"))


def _waiting_in(emulated: Callable[[str], Any]) -> Waiting:
    queues, machines = emulated("sqs"), emulated("stepfunctions")
    queue = queues.create_queue(QueueName=f"tokens-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "Ask",
        "States": {
            "Ask": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                "Arguments": {"QueueUrl": queue, "MessageBody": {"token": "{% $states.context.Task.Token %}"}},
                "TimeoutSeconds": 60,
                "End": True,
            }
        },
    }
    machine = machines.create_state_machine(
        name=f"machine-{uuid.uuid4().hex[:8]}",
        definition=json.dumps(definition),
        roleArn=_sender_role(emulated("iam")),
    )["stateMachineArn"]
    arn = machines.start_execution(stateMachineArn=machine)["executionArn"]
    message = queues.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"][0]

    def outcome() -> tuple[str, Any]:
        while (found := machines.describe_execution(executionArn=arn))["status"] == "RUNNING":
            pass
        if found["status"] == "SUCCEEDED":
            return "success", json.loads(found["output"])
        return "failure", {"Error": found["error"], "Cause": found["cause"]}

    return Waiting(Executions(machines), arn, json.loads(message["Body"])["token"], outcome)


def _sender_role(iam: Any) -> str:
    """The ARN of a role that may send messages: the emulator enforces IAM."""
    name = f"sender-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    sends = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    trusted, allowed = (json.dumps({"Version": "2012-10-17", "Statement": [each]}) for each in (trust, sends))
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="send", PolicyDocument=allowed)
    return arn


@both
def test_an_answer_ends_the_waiting_once(waiting: Waiting) -> None:
    """The state that waits gets the answer; a token that nobody waits on is no error."""
    said = {"answer": "approve", "by": "ada", "reason": "fine"}
    assert waiting.executions.status(waiting.arn) == "RUNNING"
    assert waiting.executions.answer(waiting.token, said)
    assert waiting.outcome() == ("success", said)
    assert not waiting.executions.answer(waiting.token, said)
    assert not waiting.executions.fail(waiting.token, "Aborted", "too late")


@both
def test_a_failure_ends_the_waiting_with_its_error(waiting: Waiting) -> None:
    """The brake's way to Roll Back."""
    assert waiting.executions.fail(waiting.token, "Aborted", "ada aborted the ramp")
    assert waiting.outcome() == ("failure", {"Error": "Aborted", "Cause": "ada aborted the ramp"})


@both
def test_an_execution_that_never_was_has_no_status(waiting: Waiting) -> None:
    """The clean-up asks about owners that are long gone."""
    assert waiting.executions.status(waiting.arn + "-never") is None


def test_the_fakes_leave_out_nothing() -> None:
    """Each fake answers every public method of its adapter, and inherits none that would reach for a client."""
    fakes: list[type[Any]] = [FakeFlagLever, FakeAliasLever, FakeTable, FakeDeadline, FakeExecutions]
    for fake in fakes:
        (real,) = fake.__bases__
        public = {name for name in vars(real) if not name.startswith("_")}
        assert public <= set(vars(fake)), fake
