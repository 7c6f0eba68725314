"""`ramp approve`: the question with the evidence as of now, judged as the page judges it, before a yes counts."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ramp import words
from ramp.page.deciding import Appraisal, appraise
from ramp.page.records import Records
from rich.console import Console

from rampctl import answers, view
from rampctl.exits import USAGE, CommandError
from rampctl.reading import read

if TYPE_CHECKING:
    from rampctl.session import Session

Confirm = Callable[[str], bool]
"""Asks the person at the terminal; False is "not now", and no "no" to the ramp."""


def approve(
    session: "Session", ramp: str, by: str, reason: str, console: Console, *, question: str | None, confirm: Confirm
) -> str:
    """Say go to the question that stands, or to `question` alone; returns what became of it.

    What is shown is what is approved: evidence that changes before the person has confirmed is shown anew.

    Raises:
        CommandError: nothing is asked, or another question is; the evidence has turned bad; nobody confirmed.
    """
    records = read(session, ramp)
    request = records.open_request
    if request is None:
        raise CommandError(words.too_late(ramp, records.request or {}), USAGE)
    asked = str(request["request_id"])
    if question not in {None, asked}:
        raise CommandError(f"--question: is not asked, got {question}, expected {asked}, what {ramp} asks now", USAGE)
    appraisal = _judged(session, records)
    console.print(f"{ramp} asks at {records.state.current.title}, question {asked}: {request['question']}\n")
    while True:
        _show(appraisal, console)
        if not confirm(f"Approve question {asked} on this evidence?"):
            raise CommandError(f"{ramp}: nothing was said; say no with: ramp reject {ramp}", USAGE)
        shown, appraisal = appraisal, _judged(session, records)
        if appraisal.seen == shown.seen:
            return answers.answer(session, ramp, "approve", by, reason, asked)
        console.print("\nThe evidence has changed since; nothing was approved yet.\n")


def _judged(session: "Session", records: Records) -> Appraisal:
    """The evidence as of now. Raises CommandError where a yes cannot be taken."""
    appraisal = appraise(session.world, records, session.world.now())
    if refusal := appraisal.refusal:
        ramp = records.state.ramp
        turned = f"{ramp}: not approved, it has turned bad: {refusal}. The ramp acts on it at its next look."
        raise CommandError(turned, USAGE)
    return appraisal


def _show(appraisal: Appraisal, console: Console) -> None:
    console.print(view.checks(appraisal.shown()))
    console.print(f"\nAfter a yes: {appraisal.if_yes}.", highlight=False)
