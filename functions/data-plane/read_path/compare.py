"""The heart of the comparator: measure the candidate, compare it with control, say what was found.

Events are delivered at least once. A second delivery reads again and counts one comparison twice; it changes nothing
else, so nothing is kept to prevent it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NamedTuple

from read_path.core import comparison
from read_path.core.answer import Answer
from read_path.core.bucketing import in_share
from read_path.core.comparison import Comparison
from read_path.core.event import ComparisonEvent, EventError, Kind, parse
from read_path.core.noise import BASELINE_PPM, Noise
from read_path.core.observation import Observation
from read_path.core.routing import Arm
from read_path.observe import observe
from read_path.telemetry import Telemetry


class Comparator(NamedTuple):
    """What the comparator works with. `hash_key` keys the hashes that stand for values in the log."""

    control: Callable[[str], Answer]
    candidate: Callable[[str, int], Answer]
    telemetry: Telemetry
    clock: Callable[[], float]
    hash_key: bytes
    noise: Noise


def compare(event: object, comparator: Comparator) -> dict[str, str]:
    """Return `{"outcome": ok | diff | failed | timed_out | moved | refused}`; never raises for what an event holds."""
    try:
        parsed = parse(event)
    except EventError as error:
        comparator.telemetry.error("[ERROR] comparison event refused", reason=str(error))
        return {"outcome": "refused"}
    if parsed.kind is Kind.CANARY:
        return {"outcome": _compare_canary(parsed, comparator)}
    return {"outcome": _compare_shadow(parsed, comparator)}


def _compare_canary(event: ComparisonEvent, comparator: Comparator) -> str:
    compared = _compared_canary(event, comparator)
    if compared is None:
        return "moved"
    return _tell(event, compared, Arm.CANDIDATE, comparator, {"comparisons": 1})


def _compare_shadow(event: ComparisonEvent, comparator: Comparator) -> str:
    with comparator.telemetry.subsegment("shadow", namespace="remote"):
        observed = observe(
            lambda: comparator.candidate(event.user_id, event.budget_ms), comparator.clock, event.budget_ms
        )
    failed = observed.answer is None
    compared = _compared(event, observed.answer, comparator) if observed.answer else None
    metrics = {
        "latency_ms": observed.latency_ms,
        "requests": True,
        "errors": failed,
        "discordant_errors": failed,  # control answered, or there would be no event
        "timeouts": observed.timed_out,
        "slow": event.phase.slow(Arm.SHADOW, observed.latency_ms),
        "comparisons": compared is not None,
    }
    if compared is None:
        return _tell_failure(event, observed, comparator, metrics)
    return _tell(event, compared, Arm.SHADOW, comparator, metrics, duration_ms=round(observed.latency_ms, 3))


def _compared_canary(event: ComparisonEvent, comparator: Comparator) -> Comparison | None:
    """Digests that are equal are equal answers. Where they are not, both arms are asked again, for what differs."""
    if isinstance(event.candidate, Answer):
        return _compared(event, event.candidate, comparator)
    if event.candidate == event.control:
        return Comparison()
    again = observe(lambda: comparator.candidate(event.user_id, event.budget_ms), comparator.clock).answer
    return _compared(event, again, comparator) if again else None


def _compared(event: ComparisonEvent, candidate: Answer, comparator: Comparator) -> Comparison | None:
    """Compare. Control is read once more where something differs, and for a tenth of all: what moves between two
    readings of control counts for nothing, and is learnt.

    None where control's answer came as a digest and control answers otherwise by now.
    """
    control = event.control
    if isinstance(control, str):
        now = observe(lambda: comparator.control(event.user_id), comparator.clock).answer
        if now is None or now.digest() != control:
            return None
        control = now
    found = comparison.compare(control, candidate, comparator.noise.of)
    if found or in_share("noise", event.request_id, BASELINE_PPM):
        again = observe(lambda: comparator.control(event.user_id), comparator.clock).answer
        moved = comparator.noise.learn(control, again) if again else set()
        found = [each for each in found if each.path not in moved]
    return comparison.publish(found, comparator.hash_key)


def _tell(
    event: ComparisonEvent, found: Comparison, arm: Arm, to: Comparator, metrics: dict[str, Any], **more: Any
) -> str:
    about = {**_about(event), **more}
    metrics = {**metrics, "mismatches": not found.matches}
    if found.matches:
        to.telemetry.record("[SHADOW-OK]", arm, event.phase, about, **metrics)
        return "ok"
    about |= {"fields": found.count, "differences": [asdict(mismatch) for mismatch in found.mismatches]}
    to.telemetry.record("[SHADOW-DIFF]", arm, event.phase, about, level="WARNING", **metrics)
    return "diff"


def _tell_failure(event: ComparisonEvent, observed: Observation, to: Comparator, metrics: dict[str, Any]) -> str:
    """The candidate gave no answer; or it did, and control's has moved since, so that nothing could be compared."""
    about = {**_about(event), "duration_ms": round(observed.latency_ms, 3)}
    if observed.answer is not None:
        to.telemetry.record("[SHADOW-OK] not compared: control moved", Arm.SHADOW, event.phase, about, **metrics)
        return "moved"
    about |= {"failure": observed.failure, "timed_out": observed.timed_out}
    metrics["mismatches"] = False
    to.telemetry.record("[SHADOW-FAILED]", Arm.SHADOW, event.phase, about, level="WARNING", **metrics)
    return "timed_out" if observed.timed_out else "failed"


def _about(event: ComparisonEvent) -> dict[str, Any]:
    return {"kind": event.kind.value, "user_id": event.user_id, "request_id": event.request_id}
