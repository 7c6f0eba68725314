"""The heart of the router: decide, observe, answer.

In this order, for every request: who asks; which arm; read it; the answer; only then what is said about it (comparison,
metrics, log, trace). Nothing after the answer can change it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from read_path.core.answer import Answer, refusal, trouble
from read_path.core.audit import misrouted
from read_path.core.breaker import Breaker
from read_path.core.bucketing import is_sampled
from read_path.core.event import ComparisonEvent, Kind
from read_path.core.identity import IdentityError, identify
from read_path.core.observation import Observation
from read_path.core.routing import AdapterFlag, Arm, Flags, decide
from read_path.dispatch import DispatchError
from read_path.observe import observe
from read_path.telemetry import Telemetry


class Service(NamedTuple):
    """What the router works with, for the life of a sandbox.

    `candidate` takes the deadline in milliseconds, `clock` gives monotonic seconds.
    """

    flags: Callable[[], Flags]
    control: Callable[[str], Answer]
    candidate: Callable[[str, int], Answer]
    dispatch: Callable[[ComparisonEvent], None]
    telemetry: Telemetry
    clock: Callable[[], float]
    breaker: Breaker


class Invocation(NamedTuple):
    """What Lambda says about the call: its id, and the version that runs (`$LATEST` or a number)."""

    request_id: str
    function_version: str


_UNASKED = Observation(latency_ms=0, failure="BreakerOpen")


class _Request(NamedTuple):
    user_id: str
    invocation: Invocation
    flags: Flags


def serve(event: object, invocation: Invocation, service: Service) -> dict[str, Any]:
    """Return the proxy answer to a read event. Never raises."""
    try:
        user_id = identify(event)
    except IdentityError as error:
        service.telemetry.warning("[ERROR] nobody to answer", status=int(error.status), reason=str(error))
        return refusal(error.status, str(error)).to_proxy()
    started = service.clock()
    with service.telemetry.subsegment("read"):
        # Said before anything can break; what turns out otherwise is said again.
        service.telemetry.annotate(canary=False, path="mock", userId=user_id)
        service.telemetry.describe(canaryEnabled=False)
        try:
            answer = _answer(_Request(user_id, invocation, service.flags()), service)
        except Exception as error:  # noqa: BLE001 - the candidate's side of the house came down; control still stands
            service.telemetry.error("[ERROR] answered from control", failure=type(error).__name__, user_id=user_id)
            service.telemetry.fault(error)
            answer = _from_control(_Request(user_id, invocation, Flags()), service)
        service.telemetry.describe(
            timestamp=datetime.now(UTC).isoformat(),
            version=invocation.function_version,
            duration_ms=round((service.clock() - started) * 1000, 3),
        )
    return answer.to_proxy()


def _answer(request: _Request, service: Service) -> Answer:
    adapter, phase = request.flags.adapter, request.flags.phase
    arm = decide(request.flags, request.user_id, request.invocation.function_version)
    service.telemetry.annotate(canary=arm is Arm.CANDIDATE, ramp=phase.ramp, step=phase.step)
    service.telemetry.describe(canaryEnabled=adapter is not None)
    if arm is Arm.CANDIDATE and adapter is not None:
        return _from_candidate(request, adapter, service)
    return _from_control(request, service)


def _from_control(request: _Request, service: Service) -> Answer:
    observed = observe(lambda: service.control(request.user_id), service.clock)
    failed = observed.answer is None
    answer = observed.answer or trouble()
    shadow = request.flags.shadow
    sampled = shadow is not None and is_sampled(request.invocation.request_id, shadow.sample_ppm)
    lost = sampled and not failed and _lost(request, service, Kind.SHADOW, answer)
    service.telemetry.record(
        "[ERROR] control failed" if failed else "[MOCK-SUCCESS]",
        Arm.CONTROL,
        request.flags.phase,
        _about(request, answer, observed),
        level="ERROR" if failed else "INFO",
        latency_ms=observed.latency_ms,
        requests=True,
        errors=failed,
        slow=request.flags.phase.slow(Arm.CONTROL, observed.latency_ms),
        user_errors=failed,
        dispatch_errors=lost,
        misrouted=_misrouted(Arm.CONTROL, request),
        flag_age_seconds=request.flags.age_seconds,
    )
    return answer


def _from_candidate(request: _Request, adapter: AdapterFlag, service: Service) -> Answer:
    # Without fallback there is no other answer, so the candidate is asked however it fares.
    unasked = adapter.fallback and service.breaker.is_open(service.clock())
    observed = _UNASKED if unasked else _ask_candidate(request, adapter, service)
    failed = observed.answer is None
    # Control is asked only where its answer is used: for the user, or as the other half of a comparison.
    control = _control(request.user_id, service) if failed or request.flags.shadow else None
    fell_back = failed and adapter.fallback and control is not None
    answer = observed.answer or (control if fell_back else None) or trouble()
    lost = not failed and control is not None and _lost(request, service, Kind.CANARY, control, observed.answer)
    about = _about(request, answer, observed)
    service.telemetry.record(
        "[PRISMA-ERROR] candidate failed" if failed else "[CANARY-SUCCESS]",
        Arm.CANDIDATE,
        request.flags.phase,
        about,
        level="WARNING" if failed else "INFO",
        latency_ms=None if unasked else observed.latency_ms,
        requests=True,
        errors=failed,
        discordant_errors=failed and control is not None,
        slow=None if unasked else request.flags.phase.slow(Arm.CANDIDATE, observed.latency_ms),
        unasked=unasked,
        fallbacks=fell_back,
        user_errors=not answer.served,
        dispatch_errors=lost,
        misrouted=_misrouted(Arm.CANDIDATE, request),
        flag_age_seconds=request.flags.age_seconds,
    )
    if failed:
        service.telemetry.annotate(fallback=fell_back)
    if fell_back:
        key = {"arm": Arm.CANDIDATE.value, "ramp": request.flags.phase.ramp, "step": request.flags.phase.step}
        service.telemetry.info("[CANARY] answered from control", **key, **about)
    else:
        service.telemetry.annotate(path="prisma")
    return answer


def _ask_candidate(request: _Request, adapter: AdapterFlag, service: Service) -> Observation:
    with service.telemetry.subsegment("candidate", namespace="remote"):
        observed = observe(
            lambda: service.candidate(request.user_id, adapter.deadline_ms), service.clock, adapter.deadline_ms
        )
    if observed.is_overload:
        service.breaker.failed(service.clock())
    else:
        service.breaker.succeeded()
    return observed


def _control(user_id: str, service: Service) -> Answer | None:
    return observe(lambda: service.control(user_id), service.clock).answer


def _lost(request: _Request, service: Service, kind: Kind, control: Answer, candidate: Answer | None = None) -> bool:
    """Send both halves of a comparison; True when it could not be sent. The flag off means nothing is sent."""
    shadow = request.flags.shadow
    if shadow is None:
        return False
    comparison = ComparisonEvent(
        kind=kind,
        phase=request.flags.phase,
        user_id=request.user_id,
        request_id=request.invocation.request_id,
        budget_ms=shadow.budget_ms,
        control=control,
        candidate=candidate,
    )
    with service.telemetry.subsegment("shadow"):
        try:
            service.dispatch(comparison)
        except DispatchError as error:
            service.telemetry.warning("[ERROR] comparison not sent", failure=str(error))
            return True
    return False


def _misrouted(tried: Arm, request: _Request) -> bool:
    return misrouted(tried, request.flags, request.user_id, request.invocation.function_version)


def _about(request: _Request, answer: Answer, observed: Observation) -> dict[str, Any]:
    return {
        "user_id": request.user_id,
        "request_id": request.invocation.request_id,
        "status": answer.status,
        "duration_ms": round(observed.latency_ms, 3),
        "failure": observed.failure,
        "timed_out": observed.timed_out,
    }
