"""Where the link in a message leads: to one question, for as long as it is asked. What is kept of it is its hash."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ramp.page.records import Records
from ramp.page.story import ENDINGS

Link = Mapping[str, Any]


@dataclass(frozen=True)
class Dead:
    """A link that leads to no question any more, and why, for people."""

    status: int
    title: str
    lines: tuple[str, ...]
    tone: str = "plain"


UNKNOWN = Dead(
    404,
    "This link leads nowhere",
    ("It was never sent, or its question is long gone.", "Look at the latest message about the ramp."),
)


def dead(link: Link, records: Records | None, now: float) -> Dead | None:
    """Why the link leads to no question that could be answered; None: it does."""
    if records is None:
        return UNKNOWN
    request = records.request or {}
    asked = request.get("request_id") == link["request_id"]
    if said := _answer(link, records, asked=asked):
        tone = "good" if said["word"] == "approve" else "bad"
        done = "Approved" if said["word"] == "approve" else "Rejected"
        why = f"{said['by']} said {said['word']}: “{said['reason']}”"
        return Dead(200, f"{done} at {said['step']}", (why, _now(records)), tone)
    if not records.is_running:
        return Dead(410, "Nothing is asked any more", (_now(records),))
    if asked:
        is_late = now >= float(link["expires_at"])
        return Dead(410, "This link has expired", (_later(), _now(records))) if is_late else None
    if records.open_request:
        lines = ("The ramp asks something else by now.", "A newer message has the link to it.", _now(records))
        return Dead(410, "This link is superseded", lines)
    return Dead(410, "Nothing is asked any more", ("The question has settled by itself.", _now(records)))


def _later() -> str:
    return "The time to answer is over. A newer message has a newer link; the ramp command works all the same."


def _answer(link: Link, records: Records, *, asked: bool) -> Mapping[str, str] | None:
    """The answer to the link's question: as it stands, or, once the question is gone, as the story keeps it."""
    steps = records.state.plan.steps
    step = int(str(link["request_id"]).partition("-")[0])
    title = steps[step].title if step < len(steps) else f"step {step + 1}"
    request = records.request or {}
    if asked:
        if "answer" not in request:
            return None
        return {"word": request["answer"], "by": request["by"], "reason": request["reason"], "step": title}
    for word in records.words:
        if word.get("request_id") == link["request_id"]:
            return {"word": word["verb"], "by": word["by"], "reason": word["reason"], "step": title}
    return None


def _now(records: Records) -> str:
    what = ENDINGS.get(records.status, "running")
    return f"{records.state.ramp} is {what}: {records.reason}."
