"""Messages to people: subject and plain text that reads well in a mail, and who hears which kind."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from ramp.core.judgement import duration
from ramp.core.planner import TOKEN_SECONDS
from ramp.core.state import Question, RampState


class Kind(StrEnum):
    """What a message is about. Plans say who hears the others; `safety` reaches everybody."""

    STARTED = "started"
    ASKED = "asked"
    REMINDED = "reminded"
    ADVANCED = "advanced"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    SAFETY = "safety"


CHANNELS = ("email", "webhook")
ROLLS_BACK = f"rolls back, at its next look: at most {duration(TOKEN_SECONDS)} later"


class Message(NamedTuple):
    """`subject` is one line."""

    subject: str
    text: str


def channels(notify: Mapping[str, Sequence[str]], kind: Kind) -> tuple[str, ...]:
    """The channels on which a plan's `notify` lets this kind be heard."""
    return tuple(name for name in CHANNELS if kind is Kind.SAFETY or kind in notify.get(name, ()))


def question(state: RampState, asked: Question, checks: Sequence[Mapping[str, Any]], link: str, now: float) -> Message:
    """The question with the evidence in words, the ways to answer, and what silence means. `link` may be empty."""
    ramp, approvals = state.ramp, state.plan.approvals
    left = max(0.0, approvals.timeout_seconds - (now - asked.asked_at))
    silence = ROLLS_BACK if approvals.on_timeout == "roll_back" else "holds where it is"
    evidence = "\n".join(f"  {check['verdict']}  {check['name']}: {check['reason']}" for check in checks)
    here = f"Look at the evidence and decide here, on this question only:\n  {link}\n\nOr" if link else "Decide"
    text = (
        f"{ramp} asks for go or no-go at {state.current.title}.\n\n"
        f"{asked.text}.\n\n"
        f"The evidence at the last look:\n{evidence or '  none yet'}\n\n"
        f"{here} with the command:\n"
        f"  ramp approve {ramp} --reason '…'\n"
        f"  ramp reject {ramp} --reason '…'\n\n"
        f"Without an answer within {duration(left)} the ramp {silence}."
    )
    return Message(f"Ramp {ramp} asks at {state.current.title}", text)


def reminder(ramp: str, told: Message) -> Message:
    """The same once more."""
    return Message(f"Reminder: ramp {ramp} waits for an answer", f"Nobody has answered yet.\n\n{told.text}")
