"""What is new about a ramp, as plain lines: for logs, pipes and everything that is no terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from rampctl.ramps import Ramp


def news(before: Ramp | None, now: Ramp) -> Iterator[str]:
    """One line for each new look, step, question, answer and ending between two readings."""
    looks = now.looks[len(before.looks) if before else 0 :]
    yield from (_look(now, look) for look in looks if look["step"] < now.step)
    here = [look for look in looks if look["step"] == now.step]
    if now.record and (before is None or before.record is None or before.step != now.step):
        yield f"{_place(now, now.step)}: {'traffic is set' if here else now.record['reason']}"
    yield from (_look(now, look) for look in here)
    request = now.open_request
    if request and (before is None or _asked(before) != request["request_id"]):
        yield f"asked: {request['question']}"
    if now.request and "answer" in now.request and not (before and before.request and "answer" in before.request):
        yield f"answered: {now.request['answer']} by {now.request['by']}: {now.request['reason']}"
    if not now.is_running and (before is None or before.is_running):
        yield f"{now.outcome}: {now.reason}"


def _look(ramp: Ramp, look: Mapping[str, Any]) -> str:
    return f"{_place(ramp, look['step'])}, look {look['look']}: {look['action']}: {look['reason']}"


def _place(ramp: Ramp, step: int) -> str:
    steps = ramp.plan.steps if ramp.plan else ()
    return f"step {step + 1} of {len(steps)} ({steps[step].title})" if steps else f"step {step + 1}"


def _asked(ramp: Ramp) -> object:
    return ramp.open_request["request_id"] if ramp.open_request else None
