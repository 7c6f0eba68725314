"""The `ramp` command: every command's name, options and help. What each does is in the module it calls."""

import json
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from rampctl.exits import DONE, USAGE, Exit
from rampctl.guard import Guarded

# ruff: noqa: PLC0415  # boto3, jsonschema, psycopg: imported by the command that needs them, so that --help is quick

HELP = """Move a Lambda read path from control to candidate, step by step, on evidence.

Exit codes: 0 promoted, 1 rolled back, 2 bad plan or usage, 3 rollback failed, 4 unknown or timed out. A command that
follows no ramp to its end exits with 0 when it did its work.
"""

app = typer.Typer(cls=Guarded, no_args_is_help=True, help=HELP, rich_markup_mode=None, pretty_exceptions_enable=False)
local_app = typer.Typer(no_args_is_help=True)
app.add_typer(
    local_app, name="local", help="The local stack: emulator, PostgreSQL, template.yaml; no Docker, no account."
)


class Fault(StrEnum):
    """What can be wrong with the demo's candidate; the words of local_stack.faults."""

    ERRORS = "errors"
    SLOW = "slow"
    MISMATCH = "mismatch"
    DOWN = "down"


class Word(StrEnum):
    """How the people of a rehearsal answer."""

    APPROVE = "approve"
    REJECT = "reject"
    NONE = "none"


class Approve(StrEnum):
    """Who answers the demo's go/no-go."""

    ASK = "ask"
    AUTO = "auto"


Local = Annotated[bool, typer.Option("--local", help="The local stack instead of what the AWS environment names.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, for scripts.")]
Plan = Annotated[str, typer.Argument(metavar="PLAN", help="A plan's JSON file, or - for standard input.")]
RunningRamp = Annotated[str | None, typer.Argument(metavar="[RAMP]", help="Default: the only ramp that runs.")]
RecordedRamp = Annotated[str | None, typer.Argument(metavar="[RAMP]", help="Default: the running ramp, else the last.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the ramp's records.")]
By = Annotated[str | None, typer.Option(help="Your name, put before the AWS identity that is recorded anyway.")]
Question = Annotated[
    str | None, typer.Option(metavar="ID", help="Answer this question and no other; its id is in ramp status --json.")
]
NO_REASON = "no reason given"
Jobs = Annotated[int | None, typer.Option(min=1, help="Processes for many runs. Default: one for each processor.")]
Limit = Annotated[
    float | None, typer.Option("--limit", min=1, help="Seconds after which watching ends with exit code 4.")
]


@app.command()
def check(
    plan: Plan,
    traffic: Annotated[str | None, typer.Option(help="1000/day, 600/m, 50/s: forecast every step.")] = None,
    users: Annotated[int | None, typer.Option(min=1, help="Default: as many as ask 20 times a day.")] = None,
    from_cloudwatch: Annotated[
        str | None, typer.Option(metavar="DAYS", help="Measure the traffic instead, over the last 14d at most.")
    ] = None,
    local: Local = False,
    as_json: Json = False,
) -> Exit:
    """Check a plan: its steps and thresholds, or every fault at once (exit code 2); with traffic, what it will take."""
    from rampctl import checking

    expected = checking.expected_traffic(traffic, users, from_cloudwatch, local=local)
    return checking.check(plan, expected, _console(), as_json=as_json)


@app.command()
def rehearse(
    plan: Plan,
    traffic: Annotated[str, typer.Option(help="1000/day, 50/s; uneven: 1000/day,diurnal=80%,burst=1")],
    users: Annotated[int | None, typer.Option(min=1, help="Default: as many as ask 20 times a day.")] = None,
    candidate: Annotated[
        str,
        typer.Option(
            help="errors=5%@2h,live-errors=5%@2h..6h,latency=+40%@30m,mismatch=2%,outage=10m@6h,down@1d,cluster=5,"
            "broken-users=5%,cold-starts"
        ),
    ] = "",
    control: Annotated[
        str, typer.Option(help="errors=1%,latency=+20%@2h..1d,outage=10m@6h,down@1d,cluster=5,broken-account")
    ] = "",
    p95_ms: Annotated[float, typer.Option(min=1, max=10_000, help="Control's p95.")] = 200,
    answer: Annotated[Word, typer.Option(help="What people say when they are asked.")] = Word.NONE,
    answer_after: Annotated[str, typer.Option(help="How long they take.")] = "30m",
    alarms: Annotated[bool, typer.Option(help="Whether the template's alarms may pull the brake.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="The same seed, the same ramp.")] = 1,
    runs: Annotated[int, typer.Option(min=1, max=100_000, help="More than one: the distribution.")] = 1,
    jobs: Jobs = None,
    picture: Annotated[Path | None, typer.Option(help="Draw it into this .svg or .png file.")] = None,
    as_json: Json = False,
) -> Exit:
    """Play a plan in a simulated world, days in seconds, and exit with its outcome. Touches nothing."""
    from rampctl.rehearsing import Options
    from rampctl.rehearsing import rehearse as run_rehearsal

    options = Options(
        traffic, users, candidate, control, p95_ms, answer.value, answer_after, alarms, seed, runs, jobs, picture
    )
    return run_rehearsal(plan, options, _console(), as_json=as_json)


@app.command()
def backtest(
    plan: Plan,
    source: Annotated[str, typer.Option("--from", help="A .json or .csv file of recorded minutes, or cloudwatch.")],
    days: Annotated[int, typer.Option(min=1, max=14, help="How far back CloudWatch is read.")] = 14,
    runs: Annotated[int, typer.Option(min=1, max=100_000, help="Ramps, each from another recorded day on.")] = 100,
    jobs: Jobs = None,
    alarms: Annotated[bool, typer.Option(help="Whether the template's alarms may pull the brake.")] = False,
    local: Local = False,
    as_json: Json = False,
) -> Exit:
    """Recorded minutes through a plan: how often a healthy candidate would be rolled back. Touches nothing."""
    from rampctl import backtesting

    recorded = backtesting.read(source, days, local=local)
    return backtesting.backtest(plan, recorded, _console(), alarms=alarms, runs=runs, jobs=jobs, as_json=as_json)


@app.command()
def start(
    plan: Plan,
    name: Annotated[str | None, typer.Option(help="The ramp's name. Default: from the time.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it, and exit with its outcome.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until Prepare Ramp has let it start, or refused it.")] = True,
    limit: Limit = None,
    local: Local = False,
    as_json: Json = False,
) -> Exit:
    """Check a plan and start a ramp with it: 0 once it is prepared, 2 when it is refused, before any traffic moves."""
    from rampctl import following, plans, ramps
    from rampctl.session import Session

    raw, _ = plans.read(plan)
    session = Session.open(local=local)
    ramp = name or ramps.default_name(datetime.now(UTC))
    arn = ramps.start(session, raw, ramp)
    typer.echo(
        json.dumps({"ramp": ramp, "execution_arn": arn}) if as_json and not watch else arn, err=as_json and watch
    )
    if watch:
        return following.watch(session, ramp, _console(stderr=as_json), limit, as_json=as_json)
    return following.prepared(session, ramp, _console(stderr=True), limit) if wait else DONE


@app.command()
def status(
    ramp: RecordedRamp = None,
    local: Local = False,
    as_json: Json = False,
) -> Exit:
    """Where a ramp is, with the evidence of its last look. Exits with 0 however the ramp does; see watch."""
    from rampctl import ramps
    from rampctl.session import Session
    from rampctl.view import view

    session = Session.open(local=local)
    found = ramps.Reader(session, ramps.the_latest(session, ramp)).read()
    if as_json:
        typer.echo(json.dumps(found.to_json(), ensure_ascii=False))
    else:
        _console().print(view(found))
    return DONE


@app.command()
def watch(ramp: RunningRamp = None, limit: Limit = None, local: Local = False, as_json: Json = False) -> Exit:
    """Follow a ramp to its end, and exit with its outcome. Ctrl-C stops the watching, not the ramp."""
    from rampctl import following, ramps
    from rampctl.session import Session

    session = Session.open(local=local)
    return following.watch(session, ramps.the_running(session, ramp), _console(stderr=as_json), limit, as_json=as_json)


@app.command()
def explain(
    ramp: RecordedRamp = None,
    step: Annotated[int | None, typer.Option(min=1, help="Which step, from 1. Default: the latest look.")] = None,
    local: Local = False,
    as_json: Json = False,
) -> Exit:
    """Why this verdict, in one screen: each check with its numbers, its bounds, and what would change it."""
    from rampctl import explaining, ramps
    from rampctl.session import Session

    session = Session.open(local=local)
    return explaining.explain(session, ramps.the_latest(session, ramp), step, _console(), as_json=as_json)


@app.command()
def history(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of each flag.")] = 20,
    local: Local = False,
    as_json: Json = False,
) -> Exit:
    """The ramps so far: when, how far, how long, and why they ended."""
    from rampctl import history as ramp_history
    from rampctl.session import Session

    return ramp_history.history(Session.open(local=local), limit, _console(), as_json=as_json)


@app.command()
def report(
    ramp: RecordedRamp = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the page, self-contained, into it.")] = None,
    local: Local = False,
    as_json: Json = False,
) -> Exit:
    """The page of a ramp as one file, charts included, to keep or to send."""
    from rampctl import ramps, reporting
    from rampctl.session import Session

    session = Session.open(local=local)
    return reporting.report(session, ramps.the_latest(session, ramp), html, as_json=as_json)


@app.command()
def page(
    browser: Annotated[bool, typer.Option(help="Open it in a browser.")] = True,
    local: Local = False,
) -> Exit:
    """Serve the ramp page here, with your own credentials, until Ctrl-C."""
    from rampctl import paging
    from rampctl.session import Session

    return paging.page(Session.open(local=local), opens=browser)


@app.command()
def approve(
    ramp: RunningRamp = None,
    reason: Reason = NO_REASON,
    by: By = None,
    question: Question = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Whatever is asked, without asking you; still judged anew.")
    ] = False,
    local: Local = False,
) -> Exit:
    """Say go to the question a ramp asks: shows it with its evidence as of now, asks you, refuses what turned bad."""
    from rampctl import approving, ramps
    from rampctl.session import Session

    session = Session.open(local=local)
    confirm = _confirm if question is None and not yes else _is_said
    name, said_by = ramps.the_running(session, ramp), session.said_by(by)
    typer.echo(approving.approve(session, name, said_by, reason, _console(), question=question, confirm=confirm))
    return DONE


@app.command()
def reject(
    ramp: RunningRamp = None,
    reason: Reason = NO_REASON,
    by: By = None,
    question: Question = None,
    local: Local = False,
) -> Exit:
    """Say no-go to the question a ramp asks: it rolls back."""
    from rampctl import answers, ramps
    from rampctl.session import Session

    session = Session.open(local=local)
    name, said_by = ramps.the_running(session, ramp), session.said_by(by)
    typer.echo(answers.answer(session, name, "reject", said_by, reason, question))
    return DONE


@app.command()
def pause(ramp: RunningRamp = None, reason: Reason = NO_REASON, by: By = None, local: Local = False) -> Exit:
    """Hold a ramp where it is, from its next look on. What is wrong still rolls back, and its deadline still stands."""
    return _say("pause", ramp, reason, by, local=local)


@app.command()
def resume(ramp: RunningRamp = None, reason: Reason = NO_REASON, by: By = None, local: Local = False) -> Exit:
    """Let a paused ramp go on."""
    return _say("resume", ramp, reason, by, local=local)


@app.command()
def advance(
    ramp: RunningRamp = None,
    step: Annotated[
        int | None, typer.Option(min=1, metavar="NUMBER", help="Only at this step, counted from 1 as in ramp status.")
    ] = None,
    reason: Reason = NO_REASON,
    by: By = None,
    local: Local = False,
) -> Exit:
    """Skip the rest of this step's bake, whatever is not known yet. What is proven wrong still asks, or rolls back."""
    return _say("advance", ramp, reason, by, step, local=local)


@app.command()
def abort(ramp: RunningRamp = None, reason: Reason = NO_REASON, by: By = None, local: Local = False) -> Exit:
    """Traffic to 0 % at once, whatever the ramp is doing. 0: done and read back; 3: it could not be settled."""
    from rampctl import answers, ramps
    from rampctl.session import Session

    session = Session.open(local=local)
    name = ramps.the_running(session, ramp)
    typer.echo(f"{name}: aborted by {answers.abort(session, name, session.said_by(by), reason)}")
    typer.echo(f"The execution ends as rolled back at its next look; follow it with: ramp watch {name}")
    return DONE


@app.command()
def undo(
    ramp: Annotated[str, typer.Argument(metavar="RAMP", help="The ramp that was promoted.")],
    reason: Reason = NO_REASON,
    by: By = None,
    local: Local = False,
) -> Exit:
    """Take everybody back to control after a promotion, within the plan's undo_seconds (a day by default)."""
    from rampctl import answers
    from rampctl.session import Session

    session = Session.open(local=local)
    typer.echo(answers.undo(session, ramp, session.said_by(by), reason))
    return DONE


@app.command()
def doctor(
    repair: Annotated[bool, typer.Option("--repair", help="Mend it, after saying what.")] = False,
    local: Local = False,
    as_json: Json = False,
) -> Exit:
    """Find what ramps left behind, and mend it: 0 nothing is left, 1 something is."""
    from rampctl import mending
    from rampctl.session import Session

    return mending.doctor(Session.open(local=local), typer.echo, repair=repair, as_json=as_json)


@app.command()
def retire(
    yes: Annotated[bool, typer.Option("--yes", help="Do it, after saying what.")] = False, local: Local = False
) -> Exit:
    """Before `sam delete`: flags off, and what ramps wrote into AppConfig goes. 0 nothing is left, 1 something is."""
    from rampctl import retiring
    from rampctl.session import Session

    return retiring.retire(Session.open(local=local), typer.echo, sure=yes)


@app.command()
def compare(
    every: Annotated[bool, typer.Option("--all", help="Every user; the default.")] = False,
    sample: Annotated[int | None, typer.Option(min=1, help="About so many users instead, evenly spread.")] = None,
    local: Local = False,
    as_json: Json = False,
) -> Exit:
    """Before a ramp: every user through both arms, off users' path: 0 the data are ready, 1 they are not."""
    from rampctl import comparing
    from rampctl.exits import CommandError
    from rampctl.session import Session

    if every and sample:
        raise CommandError("--all: contradicts --sample, expected one of them", USAGE)
    ask = comparing.comparator(Session.open(local=local).functions)
    return comparing.run(ask, sample, _console(), as_json=as_json)


@app.command()
def cost(
    ramp: RecordedRamp = None,
    local: Local = False,
    as_json: Json = False,
) -> Exit:
    """What a ramp has cost so far, by what its looks counted; ramp check --traffic tells it beforehand."""
    from rampctl import spending
    from rampctl.session import Session

    return spending.tell(Session.open(local=local), ramp, _console(), as_json=as_json)


@app.command()
def preflight(local: Local = False, as_json: Json = False) -> Exit:
    """15 checks of account and stack before a ramp, each with why it matters and what mends it. 4 when one fails."""
    from rampctl import inspection
    from rampctl import preflight as checks
    from rampctl.session import Session

    findings = inspection.inspect(Session.open(local=local), checks.CHECKS)
    return inspection.tell(findings, _console(), as_json=as_json)


@app.command()
def verify(local: Local = False, as_json: Json = False) -> Exit:
    """12 checks of a fresh deployment. 4 when one fails."""
    from rampctl import inspection, verifying
    from rampctl.session import Session

    findings = inspection.inspect(Session.open(local=local), verifying.CHECKS)
    return inspection.tell(findings, _console(), as_json=as_json)


@app.command()
def monitor(
    watch: Annotated[bool, typer.Option("--watch", help="Again every five seconds, until Ctrl-C.")] = False,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the dashboard into this .svg or .png file instead.")
    ] = None,
    minutes: Annotated[float, typer.Option(min=1, max=1440, help="What the picture goes back to.")] = 60,
    local: Local = False,
    as_json: Json = False,
) -> Exit:
    """Requests, errors, p95, alarms, AppConfig's deployment and recent log lines on one screen."""
    from rampctl import monitoring
    from rampctl.session import Session

    if picture is not None:
        from rampctl import dashboard

        dashboard.draw(Session.open(local=local), picture, minutes * 60)
        return DONE
    return monitoring.monitor(Session.open(local=local), _console(), watch=watch, as_json=as_json)


@app.command()
def traffic(
    rate: Annotated[float, typer.Option(min=0.1, max=100, help="Requests a second.")] = 12,
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="How long.")] = 60,
    users: Annotated[int, typer.Option(min=1, max=50, help="user-1 to user-N.")] = 50,
    local: Local = False,
) -> Exit:
    """Read through the alias live as users do, and count what they see."""
    from rampctl import user_traffic
    from rampctl.session import Session

    session = Session.open(local=local)
    return user_traffic.run(session.user_traffic(rate, users, seconds), seconds, _console())


@app.command()
def demo(
    candidate: Annotated[
        Fault | None, typer.Option(envvar="CANDIDATE", help="The fault to inject into the candidate's database.")
    ] = None,
    fault_step: Annotated[
        int, typer.Option(min=0, envvar="FAULT_STEP", help="Inject it only when this step is reached.")
    ] = 0,
    approve: Annotated[
        Approve, typer.Option(envvar="APPROVE", help="auto: the go/no-go is answered go, and said so.")
    ] = Approve.ASK,
    picture: Annotated[Path | None, typer.Option(help="Draw the end into this SVG file.")] = None,
) -> Exit:
    """A whole ramp on this machine, in a minute and a half."""
    from rampctl.demo import Options
    from rampctl.demo import demo as run_demo

    console = _console()
    asks = approve is Approve.ASK and console.is_terminal and typer.get_text_stream("stdin").isatty()
    fault = candidate.value if candidate else None
    return run_demo(_repository(), Options(fault, fault_step, asks, picture), console)


@local_app.command()
def up() -> Exit:
    """Start it, and print how to talk to it."""
    from rampctl import local

    return local.up(_repository(), _console())


@local_app.command()
def down() -> Exit:
    """Stop it, and leave nothing behind."""
    from rampctl import local

    return local.down(_repository(), _console())


@local_app.command(name="status")
def local_status() -> Exit:
    """What is there, and whether it answers (exit code 4 when not)."""
    from rampctl import local

    return local.status(_repository(), _console())


def _confirm(question: str) -> bool:
    """Ask the person at the terminal; without one somebody has to have said beforehand what is approved."""
    from rampctl.exits import CommandError

    if not sys.stdin.isatty():
        raise CommandError("approve: nobody is there to confirm, expected a terminal, --question ID, or --yes", USAGE)
    try:
        return typer.confirm(question)
    except typer.Abort:  # input ended
        return False


def _is_said(_: str) -> bool:
    """It was said with an option."""
    return True


def _say(word: Any, ramp: str | None, reason: str, by: str | None, step: int | None = None, *, local: bool) -> Exit:
    from rampctl import answers, ramps
    from rampctl.session import Session

    session = Session.open(local=local)
    typer.echo(answers.say(session, ramps.the_running(session, ramp), word, session.said_by(by), reason, step))
    return DONE


def _repository() -> Path:
    from rampctl import repository

    return repository.find(Path.cwd())


def _console(*, stderr: bool = False) -> Any:
    from rich.console import Console

    return Console(stderr=stderr)


def run() -> None:
    """The entry point."""
    app()
