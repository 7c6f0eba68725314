"""The demo: one whole ramp on this machine, watched from the first read to the last.

stack     emulator, PostgreSQL, template.yaml; kept if it was up
traffic   users read through the alias `live` all the time
ramp      events/plans/demo.json, with or without a fault in the candidate's database
end       what flag and alias read back, what users felt, what to try next
"""

import getpass
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from local_stack import faults, stack
from local_stack.traffic import Snapshot, Traffic
from rich.console import Console
from rich.text import Text

from rampctl import picture, plans, ramps, stage
from rampctl.answers import Word, answer
from rampctl.exits import CommandError, Exit
from rampctl.prompt import go_or_no
from rampctl.ramps import Ramp
from rampctl.screen import Screen
from rampctl.session import Session
from rampctl.words import milliseconds

PLAN = Path("events") / "plans" / "demo.json"
LIMIT_SECONDS = 240.0
APPROVAL = "approval"


@dataclass(frozen=True)
class Options:
    """What the caller chose; `fault` is None for a healthy candidate, `asks` whether a person is there to decide.

    `picture` is where the end is drawn.
    """

    fault: str | None
    fault_step: int
    asks: bool
    picture: Path | None = None


@dataclass(frozen=True)
class Stage:
    """What stands while the ramp runs; `until` is the demo's end at the latest, on the monotonic clock."""

    stack: stack.Stack
    session: Session
    traffic: Traffic
    screen: Screen
    console: Console
    options: Options
    until: float


def demo(repository: Path, options: Options, console: Console) -> Exit:
    """Run the demo and return how its ramp ended; whatever happens, what it started is gone afterwards."""
    until = time.monotonic() + LIMIT_SECONDS
    raw, plan = plans.read(str(repository / PLAN))
    screen = Screen(console)
    if options.fault_step >= len(plan.steps):
        raise CommandError(
            f"--fault-step: is no step of {PLAN}, got {options.fault_step}, expected 0 to {len(plan.steps) - 1}",
            Exit.BAD_PLAN,
        )
    was_up = stack.status(repository).healthy
    with stage.ended_gently(), stage.local_stack(repository, screen.say, stays=was_up) as running:
        session = Session.of_stack(running)
        stage.clear_the_way(session, screen.say)
        name = ramps.default_name(datetime.now(UTC))
        with (
            stage.fault_free(running.database_url),
            Traffic(running.endpoint_url) as traffic,
            stage.no_ramp_left(session, name, screen.say, wait=was_up),
        ):
            standing = Stage(running, session, traffic, screen, console, options, until)
            ramps.start(session, raw, name)
            screen.say(f"users read through the alias live; started the ramp {name}")
            screen.say(f"watch it, and decide, on its page: {running.page_url}ramps/{name}")
            ramp = _watched(standing, name)
        position = session.levers.read()
        users = traffic.snapshot()
        _tell_the_end(screen.say, users, position.describe())
        if options.picture:
            picture.save(ramp, options.picture, _felt(users))
        if ramp.code is Exit.ROLLED_BACK and not stage.is_settled(position):
            raise CommandError("the ramp says rolled back, but traffic is not at 0 %", Exit.ROLLBACK_FAILED)
    return ramp.code


def _watched(standing: Stage, name: str) -> Ramp:
    """Follow the ramp to its end, injecting the fault at its step and answering what is asked."""
    reader = ramps.Reader(standing.session, name)
    to_inject, answered = standing.options.fault, ""
    with standing.screen:
        for ramp in ramps.follow(reader.read, standing.until - time.monotonic()):
            if (
                to_inject
                and (ramp.record or standing.options.fault_step == 0)
                and ramp.step >= standing.options.fault_step
            ):
                faults.inject(standing.stack.database_url, to_inject)
                standing.screen.say(f"from here on the candidate's database has the fault: {to_inject}")
                to_inject = None
            standing.screen.show(ramp, _felt(standing.traffic.snapshot()))
            request = ramp.open_request
            if request and request["request_id"] != answered:
                answered = _decide(standing, ramp, reader.read)
    return ramp


def _decide(standing: Stage, ramp: Ramp, read: Callable[[], Ramp]) -> str:
    """Answer the open question; returns its id, or nothing when it is still to be answered."""
    request = ramp.open_request or {}
    request_id = str(request["request_id"])
    if list(request["causes"]) != [APPROVAL]:
        _say_answer(standing, ramp, "reject", "the demo", "a check did not pass, and nobody here looks into it")
    elif not standing.options.asks:
        _say_answer(standing, ramp, "approve", "the demo", "nobody is asked (APPROVE=auto, or no terminal)")
    else:
        with standing.screen.paused():
            said = go_or_no(
                standing.console, str(request["question"]), lambda: read().open_request is not None, standing.until
            )
        if said is None:
            return ""
        _say_answer(standing, ramp, "approve" if said else "reject", getpass.getuser(), "said at the terminal")
    return request_id


def _say_answer(standing: Stage, ramp: Ramp, word: Word, by: str, reason: str) -> None:
    standing.screen.say(f"the ramp asks for go or no-go; answered: {word}, by {by}: {reason}")
    try:
        answer(standing.session, ramp.name, word, by, reason)
    except CommandError as fell_away:  # the ramp went on in the meantime, and its records say how
        standing.screen.say(str(fell_away))


def _felt(users: Snapshot) -> Text:
    failed = f"{users.failures} failed" + (f" (last: {users.last_failure})" if users.last_failure else "")
    return Text(f"users: {users.requests} requests, {failed}, p95 {milliseconds(users.p95_ms)}")


def _tell_the_end(say: Callable[[str], None], users: Snapshot, read_back: str) -> None:
    say(f"read back by this demo: {read_back}")
    say(_felt(users).plain)
    say("next: make demo CANDIDATE=errors|slow|mismatch|down [FAULT_STEP=2], or make local-up for a stack to play with")
