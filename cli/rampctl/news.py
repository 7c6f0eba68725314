"""What is new about a ramp, as plain lines: for logs, pipes and everything that is no terminal."""

from collections.abc import Iterator

from rampctl.ramps import Ramp


def news(before: Ramp | None, now: Ramp) -> Iterator[str]:
    """One line for each new look, step, question, answer and ending between two readings."""
    if now.record and (before is None or before.record is None or before.step != now.step):
        yield f"{_place(now)}: {now.record['reason'] if not now.looks else 'traffic is being shifted here'}"
    for look in now.looks[len(before.looks) if before else 0 :]:
        yield f"step {look['step'] + 1} ({look['percent']}), look {look['look']}: {look['action']}: {look['reason']}"
    request = now.open_request
    if request and (before is None or _asked(before) != request["request_id"]):
        yield f"asked: {request['question']}"
    if now.request and "answer" in now.request and not (before and before.request and "answer" in before.request):
        yield f"answered: {now.request['answer']} by {now.request['by']}: {now.request['reason']}"
    if not now.is_running and (before is None or before.is_running):
        yield f"{now.outcome}: {now.reason}"


def _place(ramp: Ramp) -> str:
    steps = ramp.plan.steps if ramp.plan else ()
    return f"step {ramp.step + 1} of {len(steps)} ({steps[ramp.step].title})" if steps else f"step {ramp.step + 1}"


def _asked(ramp: Ramp) -> object:
    return ramp.open_request["request_id"] if ramp.open_request else None
