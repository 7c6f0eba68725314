"""Personal data and secrets are planted, a ramp goes wrong over them, and nothing that it leaves behind shows any."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from local_stack import emulator, faults, stack, state, traces
from local_stack.stack import Stack
from local_stack.traffic import Traffic

pytestmark = pytest.mark.long

RAMP = Path(sys.executable).with_name("ramp")
NAME = "canaries"
PLAN = {
    "steps": [{"percent": share, "bake_seconds": 3, "patience_seconds": 3} for share in (0, 50, 100)],
    "look_seconds": 2,
    "gate": "fixed",
    "gates": {"min_requests": 10, "latency_allowance_ms": 3000, "shadow_p95_ms_max": 9000, "error_percent_max": 50},
    "shadow": {"budget_ms": 5000},
    "routing": {"deadline_ms": 5000},
    "deadline_seconds": 10_800,
    "evidence": {"period_seconds": 1, "delay_seconds": 1},
}
ENDS_SECONDS = 90.0
# Control's users are in its code, the candidate's are planted below.
PERSONAL = re.compile(r"@example\.com|User \d|PLANTED|legacy|\buser-\d", re.IGNORECASE)


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Mapping[str, str]]]:
    """The stack, and the text of everything that a ramp over faulty data left behind, by where it lies."""
    from tests.emulator.conftest import application_in  # noqa: PLC0415  # the folder's own helper

    repository = application_in(tmp_path_factory.mktemp("canaries"))
    running = stack.up(repository, print, {"UserIds": "hashed"})
    with psycopg.connect(running.database_url) as connection:
        connection.execute("UPDATE users SET name = 'PLANTED ' || id, email = 'planted-' || id || '@example.com'")
    said = _run(running, repository)
    yield running, {**dict(_kept(running)), **dict(_files(repository / state.FOLDER)), **said}
    stack.down(repository, print)


def _run(running: Stack, repository: Path) -> Mapping[str, str]:
    """A ramp with mismatches, then failures, then a database that is gone; what the command said on the way."""
    states = running.client("stepfunctions")
    machine = states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    said: dict[str, str] = {}
    with Traffic(running.endpoint_url):
        execution = states.start_execution(stateMachineArn=machine, name=NAME, input=json.dumps(PLAN))["executionArn"]
        until, faulty = time.monotonic() + ENDS_SECONDS, iter(("mismatch", "errors", "down"))
        while states.describe_execution(executionArn=execution)["status"] == "RUNNING":
            assert time.monotonic() < until
            if (kind := next(faulty, None)) is not None:
                faults.inject(running.database_url, kind)
                time.sleep(4)
            said[f"ramp status {kind}"] = _command(repository, "status", NAME, "--local", "--json")
            word = "approve" if kind == "mismatch" else "reject"
            said[f"ramp {word} {kind}"] = _command(repository, word, NAME, "--local", "--reason", "looked into it")
    faults.clear(running.database_url)
    said["ramp watch"] = _command(repository, "watch", NAME, "--local")
    said["ramp check"] = _command(repository, "check", "events/plans/demo.json")
    return said


def _command(repository: Path, *words: str) -> str:
    done = subprocess.run(
        [RAMP, *words],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    return done.stdout + done.stderr


def _kept(running: Stack) -> Iterator[tuple[str, str]]:
    """What AWS keeps: logs, table, metrics, executions, the page."""
    logs = running.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        yield group["logGroupName"], "\n".join(event["message"] for page in pages for event in page["events"])
    pages = running.client("dynamodb").get_paginator("scan").paginate(TableName="huntaze-ramps")
    yield "table", json.dumps([page["Items"] for page in pages], default=str)
    pages = running.client("cloudwatch").get_paginator("list_metrics").paginate()
    yield "metrics", json.dumps([page["Metrics"] for page in pages])
    states = running.client("stepfunctions")
    machine = states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    for each in states.list_executions(stateMachineArn=machine)["executions"]:
        arn = each["executionArn"]
        pages = states.get_paginator("get_execution_history").paginate(executionArn=arn)
        whole = [states.describe_execution(executionArn=arn), [page["events"] for page in pages]]
        yield f"execution {each['name']}", json.dumps(whole, default=str)
    for path in ("/", f"/ramps/{NAME}", f"/ramp/{NAME}"):
        yield f"page {path}", _page(running, path)


def _page(running: Stack, path: str) -> str:
    event = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "page.example"},
        "requestContext": {
            "http": {"method": "GET", "path": path},
            "domainName": "page.example",
            "stage": "$default",
            "requestId": "canaries",
            "authorizer": {"iam": {"userArn": "arn:aws:iam::000000000000:user/ada"}},
        },
        "isBase64Encoded": False,
    }
    answer = running.client("lambda").invoke(FunctionName="huntaze-ramp-page", Payload=json.dumps(event))
    return json.dumps(json.load(answer["Payload"]))


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    for name in (traces.FILE_NAME, "emulator.log", "sidecar.log", emulator.AUTHORIZATIONS_FILE):
        yield name, (folder / name).read_text(errors="replace")


def test_the_search_would_find_something(left: tuple[Stack, Mapping[str, str]]) -> None:
    """The ramp's name is where it must be, with what went wrong: the places searched are those that were written."""
    _, found = left
    for place in (
        "table",
        "metrics",
        f"execution {NAME}",
        "page /",
        "/aws/lambda/huntaze-shadow-compare",
    ):
        assert NAME in found[place], place
    assert "reads back at 0 %" in found["ramp watch"]
    assert "[SHADOW-DIFF]" in found["/aws/lambda/huntaze-shadow-compare"]
    assert "[PRISMA-ERROR]" in found["/aws/lambda/huntaze-prisma-read"]
    assert "postgresql" in found[traces.FILE_NAME]


def test_no_personal_data_is_left_anywhere(left: tuple[Stack, Mapping[str, str]]) -> None:
    """Names, addresses, what differed, and with UserIds hashed no user's id either."""
    leaks = {place: sorted(set(PERSONAL.findall(text)))[:5] for place, text in left[1].items() if PERSONAL.search(text)}
    assert leaks == {}


def test_no_secret_is_left_anywhere(left: tuple[Stack, Mapping[str, str]]) -> None:
    """The database's password, and its URL."""
    running, found = left
    password = urlsplit(running.database_url).password
    assert password
    assert [place for place, text in found.items() if password in text or running.database_url in text] == []
