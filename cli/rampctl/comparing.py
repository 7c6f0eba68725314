"""`ramp compare`: every user through both arms before a ramp, off every user's path, by the comparator itself."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ramp.adapters.functions import FunctionFailed, call
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rampctl.exits import DONE, FOUND, CommandError, Exit

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

COMPARATOR = "huntaze-shadow-compare"
PAGE = 50  # users in one invocation: at 100 ms a read a third of the comparator's time-out
MOST_NAMED = 10
SCHEMA = "001_users"  # the newest of database/, which the candidate is written for

Ask = Callable[[dict[str, Any]], dict[str, Any]]
"""Invokes the comparator. Raises CommandError."""


@dataclass
class Survey:
    """What was found so far: users by id, fields by shape with the number of users in whom they differ."""

    users: int
    candidate: dict[str, Any] | None
    compared: int = 0
    failed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    fields: Counter[str] = field(default_factory=Counter)

    @property
    def is_ready(self) -> bool:
        """Whether the candidate's data are control's: its schema, as many users, each of them there, and the same."""
        return self.candidate == {"users": self.users, "schema": SCHEMA} and not (
            self.failed or self.missing or self.differing
        )

    def add(self, page: dict[str, Any]) -> None:
        """Take in a page's findings."""
        self.compared += page["compared"]
        for name in ("failed", "missing", "differing"):
            getattr(self, name).extend(page[name])
        self.fields.update(page["fields"])


def run(ask: Ask, sample: int | None, console: Console, *, as_json: bool) -> Exit:
    """Walk every user, or about `sample` of them evenly; 0 the data are ready, 1 they are not."""
    survey = walk(ask, sample)
    if as_json:
        console.file.write(json.dumps({**vars(survey), "ready": survey.is_ready}) + "\n")
    else:
        for line in lines(survey):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    return DONE if survey.is_ready else FOUND


def walk(ask: Ask, sample: int | None) -> Survey:
    """Ask for page after page, with a bar on the terminal."""
    first = ask({"kind": "walk", "offset": 0, "limit": 1, "stride": 1})
    users = first["control"]["users"]
    stride = max(1, users // sample) if sample else 1
    survey = Survey(users, first["candidate"])
    columns = (TextColumn("comparing users"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar, offset = progress.add_task("", total=-(-users // stride)), 0
        while offset is not None and users:
            page = ask({"kind": "walk", "offset": offset, "limit": PAGE, "stride": stride})
            survey.add(page)
            offset = page["next"]
            progress.update(bar, completed=survey.compared + len(survey.failed))
    return survey


def lines(survey: Survey) -> list[str]:
    """What was found, for people."""
    rows = survey.candidate or {"users": "no answer", "schema": "no answer"}
    told = [
        f"users: control {survey.users}, candidate {rows['users']}",
        f"schema: {rows['schema']}" + ("" if rows["schema"] == SCHEMA else f", expected {SCHEMA}"),
        f"compared: {survey.compared} of {survey.users}",
    ]
    for name, users in (("failed", survey.failed), ("missing", survey.missing), ("differing", survey.differing)):
        if users:
            more = f" and {len(users) - MOST_NAMED} more" if len(users) > MOST_NAMED else ""
            told.append(f"{name}: {len(users)} ({', '.join(users[:MOST_NAMED])}{more})")
    told += [f"  {shape}: differs for {count}" for shape, count in survey.fields.most_common() if shape != "status"]
    return [*told, "ready" if survey.is_ready else "not ready: a ramp would find this on users' requests"]


def comparator(functions: "LambdaClient") -> Ask:
    """Invoke the deployed comparator; raises CommandError when it fails."""

    def ask(event: dict[str, Any]) -> dict[str, Any]:
        try:
            page: dict[str, Any] = call(functions, COMPARATOR, event)
        except FunctionFailed as failed:
            raise CommandError(f"{COMPARATOR}: failed, got {failed}, expected a page of users") from None
        return page

    return ask
