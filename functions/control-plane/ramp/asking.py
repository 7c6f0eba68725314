"""Telling people of a question: once when it is new, once more when half of the time to answer has gone."""

from ramp.core.message import Kind, channels, question, reminder
from ramp.core.state import Question, RampState
from ramp.world import World

REMINDED_AFTER = 0.5  # of the time that the question stands


def tell(world: World, state: RampState, asked: Question, *, is_new: bool) -> None:
    """Tell, remind, or keep quiet."""
    now, approvals = world.now(), state.plan.approvals
    is_late = now - asked.asked_at >= REMINDED_AFTER * approvals.timeout_seconds
    if not is_new and not (is_late and world.table.remind(state.ramp, asked.request_id, now)):
        return
    look = world.table.look(state.ramp, state.step, state.look) or {}
    told = question(state, asked, look.get("checks", ()), _link(world, state, asked), now)
    kind = Kind.ASKED if is_new else Kind.REMINDED
    message = told if is_new else reminder(state.ramp, told)
    world.notices.tell(*message, kind, channels(state.plan.notify, kind))


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
