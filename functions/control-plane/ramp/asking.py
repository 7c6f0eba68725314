"""Telling people of a question: once it is asked, once more when half of the time to answer has gone.

What they were told is noted in the question only once it was sent, so that a task that dies on the way, or a notice
that SNS does not take, is made up for at the next token. Telling twice is better than never.
"""

from collections.abc import Mapping
from typing import Any

from ramp.core.message import Kind, channels, question, reminder
from ramp.core.state import Question, RampState
from ramp.world import World

REMINDED_AFTER = 0.5  # of the time that the question stands
NOTED = {Kind.ASKED: "told_at", Kind.REMINDED: "reminded_at"}


def tell(world: World, state: RampState, asked: Question, request: Mapping[str, Any]) -> None:
    """Tell, remind, or keep quiet; `request` is the question's record."""
    if (kind := _due(state, asked, request, world.now())) is None:
        return
    look = world.table.look(state.ramp, state.step, state.look) or {}
    told = question(state, asked, look.get("checks", ()), _link(world, state, asked), world.now())
    message = told if kind is Kind.ASKED else reminder(state.ramp, told)
    if world.notices.tell(*message, kind, channels(state.plan.notify, kind)):
        world.table.note(state.ramp, asked.request_id, NOTED[kind], world.now())


def _due(state: RampState, asked: Question, request: Mapping[str, Any], now: float) -> Kind | None:
    if NOTED[Kind.ASKED] not in request:
        return Kind.ASKED
    is_late = now - asked.asked_at >= REMINDED_AFTER * state.plan.approvals.timeout_seconds
    return Kind.REMINDED if is_late and NOTED[Kind.REMINDED] not in request else None


def _link(world: World, state: RampState, asked: Question) -> str:
    """A link to this question and no other, for as long as it stands; empty where the stack serves none."""
    if not world.link_url:
        return ""
    approvals = state.plan.approvals
    holds_until = state.started_at + state.plan.deadline_seconds
    until = holds_until if approvals.on_timeout == "hold" else asked.asked_at + approvals.timeout_seconds
    link_id = world.random_id()
    world.table.put_link(link_id, state.ramp, asked.request_id, world.now(), until)
    return f"{world.link_url}link/{link_id}"
