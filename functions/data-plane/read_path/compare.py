"""The heart of the comparator: measure the candidate, compare it with control, say what was found.

Lambda delivers an asynchronous event at least once. A second delivery reads again and counts one comparison twice; it
changes nothing else, so nothing is kept to prevent it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from read_path.core.answer import Answer
from read_path.core.comparison import Comparison
from read_path.core.comparison import compare as compare_answers
from read_path.core.event import ComparisonEvent, EventError, Kind, parse
from read_path.core.observation import Observation
from read_path.core.routing import Arm
from read_path.observe import observe
from read_path.telemetry import Telemetry


@dataclass(frozen=True)
class Comparator:
    """What the comparator works with. `hash_key` keys the hashes that stand for values in the log."""

    control: Callable[[str], Answer]
    candidate: Callable[[str, int], Answer]
    telemetry: Telemetry
    clock: Callable[[], float]
    hash_key: bytes
    ignore: tuple[str, ...] = ()


def compare(event: object, comparator: Comparator) -> dict[str, str]:
    """Return `{"outcome": ok | diff | failed | timed_out | refused}`; never raises for what an event holds."""
    try:
        parsed = parse(event)
    except EventError as error:
        comparator.telemetry.error("[ERROR] comparison event refused", reason=str(error))
        return {"outcome": "refused"}
    if parsed.kind is Kind.CANARY and parsed.candidate is not None:
        return {"outcome": _compare_canary(parsed, parsed.candidate, comparator)}
    return {"outcome": _compare_shadow(parsed, comparator)}


def _compare_canary(event: ComparisonEvent, candidate: Answer, comparator: Comparator) -> str:
    comparison = _compared(event, candidate, comparator)
    comparator.telemetry.record(Arm.CANDIDATE, event.phase, comparisons=True, mismatches=not comparison.matches)
    return _tell(event, comparison, comparator, {})


def _compare_shadow(event: ComparisonEvent, comparator: Comparator) -> str:
    with comparator.telemetry.subsegment("shadow"):
        observed = observe(
            lambda: comparator.candidate(event.user_id, event.budget_ms), comparator.clock, event.budget_ms
        )
    failed = observed.answer is None
    comparison = _compared(event, observed.answer, comparator) if observed.answer else None
    comparator.telemetry.record(
        Arm.SHADOW,
        event.phase,
        latency_ms=observed.latency_ms,
        requests=True,
        errors=failed,
        discordant_errors=failed,  # control answered, or there would be no event
        timeouts=observed.timed_out,
        slow=event.phase.slow(Arm.SHADOW, observed.latency_ms),
        comparisons=comparison is not None,
        mismatches=comparison is not None and not comparison.matches,
    )
    if comparison is None:
        return _tell_failure(event, observed, comparator)
    return _tell(event, comparison, comparator, {"duration_ms": round(observed.latency_ms, 3)})


def _compared(event: ComparisonEvent, candidate: Answer, comparator: Comparator) -> Comparison:
    """Compare; where something differs, read control again, so that fields which move by themselves do not count."""
    comparison = compare_answers(event.control, candidate, comparator.hash_key, comparator.ignore)
    if comparison.matches:
        return comparison
    again = observe(lambda: comparator.control(event.user_id), comparator.clock).answer
    return compare_answers(event.control, candidate, comparator.hash_key, comparator.ignore, again)


def _tell(event: ComparisonEvent, comparison: Comparison, comparator: Comparator, more: dict[str, Any]) -> str:
    if comparison.matches:
        comparator.telemetry.info("[SHADOW-OK]", **_about(event), **more)
        return "ok"
    shown = [asdict(mismatch) for mismatch in comparison.mismatches]
    comparator.telemetry.warning("[SHADOW-DIFF]", **_about(event), **more, fields=comparison.count, mismatches=shown)
    return "diff"


def _tell_failure(event: ComparisonEvent, observed: Observation, comparator: Comparator) -> str:
    comparator.telemetry.warning(
        "[SHADOW-FAILED]",
        **_about(event),
        duration_ms=round(observed.latency_ms, 3),
        failure=observed.failure,
        timed_out=observed.timed_out,
    )
    return "timed_out" if observed.timed_out else "failed"


def _about(event: ComparisonEvent) -> dict[str, Any]:
    return {
        "kind": event.kind.value,
        "ramp": event.phase.ramp,
        "step": event.phase.step,
        "user_id": event.user_id,
        "request_id": event.request_id,
    }
