"""The story: who and what did what when, newest first."""

from collections.abc import Iterator
from dataclasses import dataclass

from ramp.core.verdict import Action
from ramp.page.records import Records

ENDINGS = {
    "promoted": "promoted",
    "rolled_back": "rolled back",
    "rollback_failed": "rollback failed",
    "undone": "undone",
}
VERBS = {
    "abort": "aborted the ramp",
    "pause": "paused the ramp",
    "resume": "resumed the ramp",
    "advance": "sent the ramp on to the next step",
    "approve": "approved",
    "reject": "rejected",
    "undo": "put traffic back as it was",
}
TONES = {"abort": "bad", "reject": "bad", "approve": "good", "promoted": "good", "undo": "unsure"}


@dataclass(frozen=True)
class Moment:
    """One line: `who` did `what` at `at` (epoch seconds), and `why`."""

    at: float
    who: str
    what: str
    why: str
    tone: str = "plain"
    place: str = ""


def story(records: Records) -> tuple[Moment, ...]:
    """Every moment, newest first; of one second, the later word first."""
    told = [*_beginning(records), *_looks(records), *_words(records), *_question(records), *_end(records)]
    return tuple(sorted(told, key=lambda moment: moment.at)[::-1])


def _title(records: Records, step: int) -> str:
    return records.state.plan.steps[step].title


def _beginning(records: Records) -> Iterator[Moment]:
    steps = " → ".join(step.title for step in records.state.plan.steps)
    yield Moment(records.state.started_at, "the ramp", "started", steps)


def _looks(records: Records) -> Iterator[Moment]:
    """Each step's end, as the gate worded it."""
    for look in records.looks:
        if look["action"] == Action.ADVANCE:
            yield Moment(look["at"], "the gate", "went on", look["reason"], "good", _title(records, look["step"]))


def _words(records: Records) -> Iterator[Moment]:
    for word in records.words:
        verb, via = str(word["verb"]), str(word.get("via", ""))
        why = f"“{word['reason']}”" + (f" (by {via})" if via and via not in {"alarm", "deadline"} else "")
        place = _title(records, int(word["step"])) if "step" in word else ""
        yield Moment(float(word["at"]), str(word["by"]), VERBS.get(verb, verb), why, TONES.get(verb, "plain"), place)


def _question(records: Records) -> Iterator[Moment]:
    if request := records.open_request:
        place = _title(records, int(request["step"]))
        yield Moment(float(request["asked_at"]), "the gate", "asked people", str(request["question"]), "unsure", place)


def _end(records: Records) -> Iterator[Moment]:
    if not records.is_running:
        tone = "good" if records.status == "promoted" else "bad"
        what = ENDINGS.get(records.status, records.status)
        yield Moment(records.updated_at, "the ramp", what, records.reason, tone, _title(records, records.state.step))
