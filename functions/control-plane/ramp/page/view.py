"""What is shown of a ramp, and of the list of ramps: records in, plain values out. Times are epoch seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ramp.core.judgement import duration
from ramp.core.plan import format_percent
from ramp.page.charts import Boundary, Chart, boundaries, charts
from ramp.page.check_rows import CheckRow, rows, tone
from ramp.page.costs import Costs, costs
from ramp.page.records import Records
from ramp.page.story import ENDINGS, Moment, story
from ramp.page.track import Stop, track

ASKING, PAUSED = "asking", "paused"
WORDS = {"running": "running", ASKING: "asks you", PAUSED: "paused", **ENDINGS}
TONES = {
    "running": "busy",
    ASKING: "unsure",
    PAUSED: "unsure",
    "promoted": "good",
    "rolled_back": "bad",
    "rollback_failed": "bad",
    "undone": "unsure",
}
VERBS: Mapping[str, tuple[str, ...]] = {
    "running": ("pause", "advance", "abort"),
    ASKING: ("pause", "abort"),
    PAUSED: ("resume", "abort"),
    "promoted": ("undo",),
}


@dataclass(frozen=True)
class Question:
    """What people are asked; `until` is when silence decides, `silence` what it then means."""

    request_id: str
    text: str
    asked_at: float
    until: float
    silence: str


@dataclass(frozen=True)
class RampView:
    """One ramp, ready to show. `phase` is the status, with asking and paused told apart from running."""

    ramp: str
    flag: str
    phase: str
    word: str
    tone: str
    sentence: str
    share: str
    share_ppm: int
    step_title: str
    step_number: int
    stops: tuple[Stop, ...]
    looks: int
    started_at: float
    updated_at: float
    ended_at: float | None
    step_started_at: float | None
    step_ends_at: float | None
    next_look_at: float | None
    deadline_at: float
    verdict: str | None
    verdict_tone: str
    action: str | None
    question: Question | None
    checks: tuple[CheckRow, ...]
    alarms: tuple[CheckRow, ...]
    charts: tuple[Chart, ...]
    boundaries: tuple[Boundary, ...]
    story: tuple[Moment, ...]
    verbs: tuple[str, ...]
    costs: Costs
    facts: tuple[tuple[str, str], ...]

    @property
    def is_running(self) -> bool:
        """Whether there is anything to wait for."""
        return self.ended_at is None

    @property
    def has_looks(self) -> bool:
        """Whether anything has been measured."""
        return any(chart.times for chart in self.charts)


@dataclass(frozen=True)
class Listed:
    """One line of the list."""

    ramp: str
    flag: str
    phase: str
    word: str
    tone: str
    share: str
    share_ppm: int
    step: int
    steps: int
    reason: str
    started_at: float
    ended_at: float | None
    took: str


def ramp_view(records: Records, now: float) -> RampView:
    """Everything on the page of one ramp."""
    state, look = records.state, records.last_look
    plan, phase = state.plan, _phase(records)
    checked = rows([*look["checks"]]) if look else ()
    began = state.step_started_at or None
    return RampView(
        ramp=state.ramp,
        flag=plan.flag,
        phase=phase,
        word=WORDS.get(phase, phase),
        tone=TONES.get(phase, "unsure"),
        sentence=_sentence(records.reason),
        share=format_percent(records.share_ppm),
        share_ppm=records.share_ppm,
        step_title=state.current.title,
        step_number=state.step + 1,
        stops=track(records, now),
        looks=state.look,
        started_at=state.started_at,
        updated_at=records.updated_at,
        ended_at=None if records.is_running else records.updated_at,
        step_started_at=began,
        step_ends_at=began + state.current.bake_seconds if began and records.is_running else None,
        next_look_at=records.updated_at + state.look_seconds if phase in {"running", PAUSED} and began else None,
        deadline_at=state.started_at + plan.deadline_seconds,
        verdict=look["verdict"] if look else None,
        verdict_tone=tone(look["verdict"]) if look else "plain",
        action=look["action"] if look else None,
        question=_question(records),
        checks=tuple(row for row in checked if not row.is_alarm),
        alarms=tuple(row for row in checked if row.is_alarm),
        charts=charts(records),
        boundaries=boundaries(records),
        story=story(records),
        verbs=VERBS.get(PAUSED if phase == ASKING and _is_paused(records) else phase, ()),
        costs=costs(records),
        facts=_facts(records),
    )


def listed(items: Sequence[Mapping[str, Any]], now: float) -> tuple[Listed, ...]:
    """The list of ramps: running ones first, then newest first. `items` as in docs/wire.md, each with its `flag`."""
    shown = sorted(items, key=lambda item: (item["status"] != "running", -float(item["started_at"])))
    return tuple(_listed(item, now) for item in shown)


def _listed(item: Mapping[str, Any], now: float) -> Listed:
    phase = str(item["status"])
    ended_at = float(item["ended_at"]) if "ended_at" in item else None
    return Listed(
        ramp=str(item["ramp"]),
        flag=str(item["flag"]),
        phase=phase,
        word=WORDS.get(phase, phase),
        tone=TONES.get(phase, "unsure"),
        share=format_percent(int(item["share_ppm"])),
        share_ppm=int(item["share_ppm"]),
        step=int(item["step"]) + 1,
        steps=int(item["steps"]),
        reason=_sentence(str(item["reason"])),
        started_at=float(item["started_at"]),
        ended_at=ended_at,
        took=duration(max(0.0, (ended_at or now) - float(item["started_at"]))),
    )


def _phase(records: Records) -> str:
    if not records.is_running:
        return records.status
    if records.open_request:
        return ASKING
    return PAUSED if _is_paused(records) else "running"


def _is_paused(records: Records) -> bool:
    return bool(records.command and records.command["verb"] == "pause")


def _question(records: Records) -> Question | None:
    request, state, plan = records.open_request, records.state, records.state.plan
    if request is None:
        return None
    # Silence is counted from when people were first asked, of causes since then too.
    asked_at = state.question.asked_at if state.question else float(request["asked_at"])
    holds = plan.approvals.on_timeout == "hold"
    until = state.started_at + plan.deadline_seconds if holds else asked_at + plan.approvals.timeout_seconds
    return Question(
        request_id=str(request["request_id"]),
        text=_sentence(str(request["question"])),
        asked_at=asked_at,
        until=until,
        silence="the ramp holds where it is" if holds else "the ramp rolls back",
    )


def _facts(records: Records) -> tuple[tuple[str, str], ...]:
    """The plan, for those who ask what was agreed."""
    plan = records.state.plan
    gates = plan.gates
    approvals = [step.title for step in plan.steps if step.approval]
    return (
        ("Flag", plan.flag),
        ("Lever", plan.lever),
        ("Gate", plan.gate),
        ("Asks for go or no-go after", ", ".join(approvals) or "no step"),
        ("Silence after", f"{duration(plan.approvals.timeout_seconds)}: {plan.approvals.on_timeout.replace('_', ' ')}"),
        ("Failures at most", f"{gates.error_percent_max:g} %"),
        (
            "Differing answers",
            f"go under {gates.mismatch_go_percent:g} %, ask above {gates.mismatch_investigate_percent:g} %",
        ),
        ("Fallback to control", "yes" if plan.routing.fallback else "no"),
        ("Deadline", duration(plan.deadline_seconds)),
    )


def _sentence(text: str) -> str:
    """A reason as a sentence: its first letter large, a full stop at its end."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")
