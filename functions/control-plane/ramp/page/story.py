"""The story: who and what did what when, newest first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

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
    """Every moment, newest first; of one second, what follows from a word, then the word, then its question."""
    told = [
        *_beginning(records),
        *_questions(records),
        *_words(records),
        *_looks(records),
        *_end(records),
        *_tail(records),
    ]
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
        why = f"“{word['reason']}”" + (f" (by {via})" if via and via not in {"alarm", "deadline"} else "") + _safe(word)
        place = _title(records, int(word["step"])) if "step" in word else ""
        yield Moment(float(word["at"]), str(word["by"]), VERBS.get(verb, verb), why, TONES.get(verb, "plain"), place)


def _safe(word: Mapping[str, Any]) -> str:
    """How long it took a brake until the flag read back off."""
    if "safe_at_ms" not in word:
        return ""
    since = "alarmed_at_ms" if "alarmed_at_ms" in word else "began_at_ms"
    seconds = float(word["safe_at_ms"] - word[since]) / 1000
    return f"; users back on control {seconds:.1f} s after the {'alarm' if since == 'alarmed_at_ms' else 'word'}"


def _tail(records: Records) -> Iterator[Moment]:
    """The last user of the candidate after a brake, where somebody searched the router's log."""
    at, brake = records.served_last_at, records.brake
    if at is not None and brake is not None:
        later = at - float(brake["safe_at_ms"]) / 1000
        why = f"{later:.1f} s after the flag was off: a sandbox goes by what it has read of it for a while"
        yield Moment(at, "the candidate", "served its last user", why)


def _questions(records: Records) -> Iterator[Moment]:
    """Every question: the one that stands, the answered ones, and the others with what became of them."""
    standing = (records.open_request or {}).get("request_id")
    first_at: float | None = None  # of questions that took each other's place: silence is counted from the first
    for asked, following in zip(records.questions, (*records.questions[1:], None), strict=False):
        at, step, text = float(asked["asked_at"]), int(asked["step"]), str(asked["question"])
        place = _title(records, step)
        if _is_answered(records, asked, following):
            yield Moment(at, "the gate", "asked people", text, "plain", place)
        elif asked["request_id"] == standing:
            yield Moment(at, "the gate", "asked people", text, "unsure", place)
        else:
            first_at = at if first_at is None else first_at
            superseded = following is not None and int(following["step"]) == step
            became = _became(records, first_at, superseded=superseded)
            yield Moment(at, "the gate", "asked people, and nobody answered", f"{text}. {became}", "unsure", place)
            if superseded:
                continue
        first_at = None


def _is_answered(records: Records, asked: Mapping[str, Any], following: Mapping[str, Any] | None) -> bool:
    """By the word that was kept, or, where whoever answered died before keeping it, by a look that heard it."""
    until = float(following["asked_at"]) if following else inf
    heard = (look["at"] for look in records.looks if look.get("answer") and look["step"] == asked["step"])
    is_kept = any(word.get("request_id") == asked["request_id"] for word in records.words)
    return is_kept or any(float(asked["asked_at"]) <= at <= until for at in heard)


def _became(records: Records, asked_at: float, *, superseded: bool) -> str:
    """What became of a question that nobody answered."""
    if superseded:
        return "Another question took its place."
    if records.is_running or records.status in {"promoted", "undone"}:
        return "It settled by itself."
    approvals = records.state.plan.approvals
    if approvals.on_timeout == "roll_back" and records.updated_at >= asked_at + approvals.timeout_seconds:
        return "The time to answer ran out."
    return "The ramp ended before."


def _end(records: Records) -> Iterator[Moment]:
    if not records.is_running:
        tone = "good" if records.status == "promoted" else "bad"
        what = ENDINGS.get(records.status, records.status)
        yield Moment(records.updated_at, "the ramp", what, records.reason, tone, _title(records, records.state.step))
