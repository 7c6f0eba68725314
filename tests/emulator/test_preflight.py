"""`ramp preflight`, `verify` and `monitor` on the local stack: healthy, and with six faults named by their checks."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from local_stack.stack import Stack
from rampctl.main import app
from rampctl.session import Session
from typer.testing import CliRunner

GUARD = "huntaze-lambda-error-rate-gt-2pct"
READ, ALIAS, SECRET = "huntaze-mock-read", "live", "huntaze/database"
WRITABLE = (
    "AlarmName", "AlarmDescription", "ActionsEnabled", "AlarmActions", "Metrics", "EvaluationPeriods",
    "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData",
)  # fmt: skip


def ramp(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run `ramp … --json` on the local stack."""
    ended = CliRunner().invoke(app, [*arguments, "--local", "--json"])
    return ended.exit_code, json.loads(ended.stdout)


def failed(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {finding["name"]: finding for finding in told["findings"] if not finding["passed"]}


@pytest.fixture(autouse=True)
def busy(local_stack: Stack, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the checkout, with a few requests made."""
    monkeypatch.chdir(repository)
    functions = local_stack.client("lambda")
    for user in range(1, 6):
        functions.invoke(FunctionName=READ, Qualifier=ALIAS, Payload=json.dumps({"userId": f"user-{user}"}))


def test_a_healthy_stack_passes_all_fifteen() -> None:
    code, told = ramp("preflight")
    assert (code, failed(told), len(told["findings"])) == (0, {}, 15)


def test_a_healthy_deployment_passes_all_twelve() -> None:
    code, told = ramp("verify")
    assert (code, failed(told), len(told["findings"])) == (0, {}, 12)


def test_the_monitor_shows_what_users_do() -> None:
    """One screen: requests by arm, states of alarms, the deployment, and the lines that operators grep for."""
    code, reading = ramp("monitor")
    assert code == 0
    assert reading["arms"]["control"]["requests"] >= 5
    assert reading["alarms"][GUARD] == "OK"
    assert reading["unsound"] == {}
    assert "COMPLETE" in reading["deployment"]
    assert any("[MOCK-SUCCESS] user-" in line for line in reading["lines"])
    screen = CliRunner().invoke(app, ["monitor", "--local"])
    assert screen.exit_code == 0
    assert GUARD in screen.stdout


@contextmanager
def missing_secret(stack: Stack) -> Iterator[None]:
    secrets = stack.client("secretsmanager")
    secrets.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)
    yield
    with suppress(secrets.exceptions.ResourceExistsException):
        secrets.create_secret(Name=SECRET, SecretString=json.dumps({"DATABASE_URL": stack.database_url}))


@contextmanager
def split_alias(stack: Stack) -> Iterator[None]:
    functions = stack.client("lambda")
    version = functions.publish_version(FunctionName=READ, Description="for a split")["Version"]
    live = {"FunctionName": READ, "Name": ALIAS}
    before = functions.get_alias(**live)["FunctionVersion"]
    functions.update_alias(**live, RoutingConfig={"AdditionalVersionWeights": {version: 0.1}})
    yield
    functions.update_alias(**live, FunctionVersion=before, RoutingConfig={"AdditionalVersionWeights": {}})


@contextmanager
def changed_alarm(stack: Stack, change: Callable[[dict[str, Any]], dict[str, Any]], state: str) -> Iterator[None]:
    cloudwatch = stack.client("cloudwatch")
    found = cloudwatch.describe_alarms(AlarmNames=[GUARD])["MetricAlarms"][0]
    before = {name: found[name] for name in WRITABLE if name in found}
    cloudwatch.put_metric_alarm(**change(before))
    cloudwatch.set_alarm_state(AlarmName=GUARD, StateValue=state, StateReason="the test")
    yield
    cloudwatch.put_metric_alarm(**before)
    cloudwatch.set_alarm_state(AlarmName=GUARD, StateValue="OK", StateReason="the test")


def red_alarm(stack: Stack) -> AbstractContextManager[None]:
    """On a metric that nobody writes, so that the state stays as it is set."""
    silent = {"Namespace": "Nobody", "MetricName": "none", "Statistic": "Sum", "Period": 60}

    def change(alarm: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in alarm.items() if name != "Metrics"} | silent

    return changed_alarm(stack, change, "ALARM")


def deaf_alarm(stack: Stack) -> AbstractContextManager[None]:
    """As if users read through another alias."""

    def change(alarm: dict[str, Any]) -> dict[str, Any]:
        metrics = json.loads(json.dumps(alarm["Metrics"]).replace(f"{READ}:{ALIAS}", f"{READ}:retired"))
        return alarm | {"Metrics": metrics}

    return changed_alarm(stack, change, "OK")


@contextmanager
def unmigrated_database(stack: Stack) -> Iterator[None]:
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE users RENAME TO users_gone")
        yield
        connection.execute("ALTER TABLE users_gone RENAME TO users")


@contextmanager
def empty_database(stack: Stack) -> Iterator[None]:
    """Migrated, and nobody has loaded the users."""
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute("UPDATE users SET deleted_at = now(), plan = plan || '?' WHERE deleted_at IS NULL")
        yield
        connection.execute("UPDATE users SET deleted_at = NULL, plan = rtrim(plan, '?') WHERE plan LIKE '%?'")


@contextmanager
def malformed_flag(stack: Stack) -> Iterator[None]:
    settings, appconfig = Session.open(local=True).settings, stack.client("appconfig")
    profile = {"ApplicationId": settings.application, "ConfigurationProfileId": settings.profile}

    def deploy(values: dict[str, Any]) -> None:
        document = {"version": "1", "flags": {name: {"name": name} for name in values}, "values": values}
        version = appconfig.create_hosted_configuration_version(
            **profile, Content=json.dumps(document).encode(), ContentType="application/json"
        )["VersionNumber"]
        where = {"EnvironmentId": settings.environment, "DeploymentStrategyId": settings.strategy}
        number = appconfig.start_deployment(**profile, **where, ConfigurationVersion=str(version))["DeploymentNumber"]
        where = {"ApplicationId": settings.application, "EnvironmentId": settings.environment}
        while appconfig.get_deployment(**where, DeploymentNumber=number)["State"] != "COMPLETE":
            pass

    bad = {"enabled": True, "ramp": "by-hand", "step": 0, "salt": "x", "deadline_ms": 500, "share_ppm": "lots"}
    deploy({settings.adapter_flag: bad, settings.shadow_flag: {"enabled": False}})
    yield
    deploy({name: {"enabled": False} for name in (settings.adapter_flag, settings.shadow_flag)})


@pytest.mark.parametrize(
    ("plant", "check", "verify", "monitor", "said"),
    [
        (missing_secret, "secret", "candidate", "secret", "no secret huntaze/database"),
        (split_alias, "alias", "alias", "alias", "huntaze-mock-read:live is split: 10 % on "),
        (red_alarm, "alarms", "alarms", "alarm dimensions", f"{GUARD} is ALARM"),
        (
            deaf_alarm, "alarm dimensions", "alarms", "alarm dimensions",
            "hears nothing of Errors of FunctionName=huntaze-mock-read",
        ),
        (
            unmigrated_database, "database", "candidate", None,
            "the database is not migrated (UndefinedTable, SQLSTATE 42P01)",
        ),
        (empty_database, "database", "candidate", None, "404 for user-1, whom control has; it has 0 users"),
        (
            malformed_flag, "flag", "flag retrieved", "flag",
            "prismaAdapter.share_ppm: is unusable, got str, expected an integer of 0-1,000,000",
        ),
    ],
    ids=[
        "missing secret", "split alias", "red alarm", "wrong dimensions", "unmigrated database", "empty database",
        "malformed flag",
    ],
)  # fmt: skip
def test_a_planted_fault_is_named_by_its_check_with_a_command_that_mends_it(
    plant: Callable[[Stack], AbstractContextManager[None]],
    check: str,
    verify: str,
    monitor: str | None,
    said: str,
    local_stack: Stack,
) -> None:
    """By preflight, by verify, and on the monitor's screen, which shows alarms and failing reads in words of their own.

    Nothing of the fault is left behind: the last look is healthy again, but for the alarm's own drift.
    """
    with plant(local_stack):
        before, deployment, (shown, reading) = ramp("preflight"), ramp("verify"), ramp("monitor")
    assert (before[0], deployment[0], shown) == (4, 4, 0)
    found = failed(before[1])[check]
    assert said in found["found"]
    assert found["why"]
    assert found["mends"].split()[0] in {"aws", "ramp", "sam", "psql"}
    assert verify in failed(deployment[1])
    assert list(reading["unsound"]) == ([monitor] if monitor else [])
    if plant is red_alarm:
        assert reading["alarms"][GUARD] == "ALARM"
    if plant is unmigrated_database:
        assert any("[PRISMA-ERROR]" in line for line in reading["lines"])
    assert failed(ramp("preflight")[1]) == {}


@pytest.mark.parametrize(
    ("plant", "check"),
    [(missing_secret, "secret"), (split_alias, "alias"), (malformed_flag, "flag")],
    ids=["missing secret", "split alias", "malformed flag"],
)
def test_the_command_that_a_check_names_mends_what_it_found(
    plant: Callable[[Stack], AbstractContextManager[None]], check: str, local_stack: Stack, repository: Path
) -> None:
    """As it stands, in a shell whose AWS is the local stack; the secret's document is the operator's to write."""
    (repository / "database.json").write_text(json.dumps({"DATABASE_URL": local_stack.database_url}))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with plant(local_stack):
        command = failed(ramp("preflight")[1])[check]["mends"]
        ended = subprocess.run(  # noqa: S602  # in a shell, as an operator would: the text is our own check's
            command,
            shell=True,
            cwd=repository,
            env={**os.environ, **local_stack.environment, "PATH": path},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        after = failed(ramp("preflight")[1])
    assert ended.returncode == 0, ended.stderr
    assert check not in after
