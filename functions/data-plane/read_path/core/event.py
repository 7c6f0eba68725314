"""The comparator's event: what the router knows of one request, once it has answered."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from read_path.core.answer import Answer, AnswerError, from_payload
from read_path.core.routing import Phase


class Kind(StrEnum):
    """`shadow`: control served, the comparator reads the candidate. `canary`: the candidate served."""

    SHADOW = "shadow"
    CANARY = "canary"


class EventError(ValueError):
    """The event breaks docs/wire.md; the message holds all faults, with types and never values."""


class ComparisonEvent(NamedTuple):
    """Shape and units as in docs/wire.md, "The comparator's event"; `candidate` is set when the kind is canary.

    Both are answers (status < 500): with a failure there is nothing to compare, so none is sent. A string in the place
    of an answer is its digest: it was too large to send.
    """

    kind: Kind
    phase: Phase
    user_id: str
    request_id: str
    budget_ms: int
    control: Answer | str
    candidate: Answer | str | None = None

    def digested(self) -> ComparisonEvent:
        """Return the event with digests in the place of answers."""
        return self._replace(
            control=_digest(self.control), candidate=None if self.candidate is None else _digest(self.candidate)
        )

    def to_wire(self) -> dict[str, Any]:
        """Return the event as the router sends it; `step` is an integer, or `none` outside a ramp."""
        step = self.phase.step
        return {
            "kind": self.kind.value,
            "ramp": self.phase.ramp,
            "step": int(step) if step.isdigit() else step,
            "user_id": self.user_id,
            "request_id": self.request_id,
            "budget_ms": self.budget_ms,
            "candidate_slow_ms": self.phase.candidate_slow_ms,
            "control": _to_wire(self.control),
            "candidate": _to_wire(self.candidate),
        }


def parse(event: object) -> ComparisonEvent:
    """Read an event off the wire. Raises EventError with all faults at once."""
    if not isinstance(event, Mapping):
        raise EventError(f"event: is not an object, got {type(event).__name__}, expected a comparison")
    faults = [
        f"{field}: is not a {wanted.__name__}, got {type(event.get(field)).__name__}, expected a {wanted.__name__}"
        for field, wanted in (("ramp", str), ("user_id", str), ("request_id", str), ("budget_ms", int))
        if not isinstance(event.get(field), wanted)
    ]
    faults += [
        f"{field}: is no text, got characters that have no encoding, expected Unicode"
        for field in ("ramp", "user_id", "request_id")
        if not _is_text(event.get(field))
    ]
    if event.get("kind") not in tuple(Kind):
        faults.append("kind: is unknown, expected shadow or canary")
    slow_ms = event.get("candidate_slow_ms")
    if not isinstance(slow_ms, int | float | None) or isinstance(slow_ms, bool):
        faults.append(f"candidate_slow_ms: is not a number, got {type(slow_ms).__name__}, expected one or null")
    control = _answer(event, "control", faults)
    candidate = _answer(event, "candidate", faults) if event.get("kind") == Kind.CANARY else None
    if faults or control is None:
        raise EventError("; ".join(faults))
    return ComparisonEvent(
        kind=Kind(event["kind"]),
        phase=Phase(event["ramp"], str(event.get("step", "none")), candidate_slow_ms=slow_ms),
        user_id=event["user_id"],
        request_id=event["request_id"],
        budget_ms=event["budget_ms"],
        control=control,
        candidate=candidate,
    )


def _is_text(value: object) -> bool:
    """Whether an encoding has it: half of a pair, as JSON may hold one, has none."""
    return not isinstance(value, str) or value.encode("utf-8", "ignore").decode() == value


def _answer(event: Mapping[str, Any], field: str, faults: list[str]) -> Answer | str | None:
    sent = event.get(field)
    if isinstance(sent, Mapping) and isinstance(sent.get("digest"), str):
        return str(sent["digest"])
    try:
        answer = from_payload(sent)
    except AnswerError as error:
        faults.append(f"{field}: {error}")
        return None
    if not answer.served:
        faults.append(f"{field}.statusCode: is a failure, got {answer.status}, expected an answer below 500")
    return answer


def _digest(sent: Answer | str) -> str:
    return sent if isinstance(sent, str) else sent.digest()


def _to_wire(sent: Answer | str | None) -> dict[str, Any] | None:
    if isinstance(sent, str):
        return {"digest": sent}
    return sent.to_wire() if sent is not None else None
