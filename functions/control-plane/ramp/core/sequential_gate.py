"""The sequential gate: buckets of a whole ramp folded, once each, into a small state that says what is known.

Counts arrive late and are corrected. So a look folds twice from the same state: up to the settled horizon, which is
kept, and up to the newest complete period, which is only judged. Whatever is read again in between counts once.

    kept = fold(kept, buckets, policy, until=now - settle_seconds)
    view = fold(kept, buckets, policy, until=last_complete_period)      # judged; kept when the step is left

`checks(view, position, policy)` is in sequential_checks.py. Folding a settled bucket again changes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from ramp.core.bucket import Bucket
from ramp.core.dispersion import Dispersion
from ramp.core.policy import Policy
from ramp.core.recent_rate import RecentRate
from ramp.core.suspicion import Suspicion
from ramp.core.tally import StepTally, Tally


@dataclass(frozen=True, slots=True)
class GateState:
    """All that is known of a ramp. `horizon` (epoch seconds): buckets that end by then are in it."""

    horizon: float = 0.0
    step: StepTally = StepTally()  # noqa: RUF009  # immutable, like the others
    control: RecentRate = RecentRate()  # noqa: RUF009
    dispersion: Dispersion = Dispersion()  # noqa: RUF009
    live: Tally = Tally()  # noqa: RUF009
    shadow: Tally = Tally()  # noqa: RUF009
    comparisons: Tally = Tally()  # noqa: RUF009
    slow_live: Tally = Tally()  # noqa: RUF009
    slow_shadow: Tally = Tally()  # noqa: RUF009
    errors: Suspicion = Suspicion()  # noqa: RUF009
    relative_errors: Suspicion = Suspicion()  # noqa: RUF009
    shadow_errors: Suspicion = Suspicion()  # noqa: RUF009
    mismatches: Suspicion = Suspicion()  # noqa: RUF009
    latency: Suspicion = Suspicion()  # noqa: RUF009
    shadow_latency: Suspicion = Suspicion()  # noqa: RUF009

    @classmethod
    def begin(cls, history: Iterable[Bucket] = ()) -> Self:
        """The state before the ramp; `history` is control's day before, for its rate and its clusters."""
        control, dispersion = RecentRate(), Dispersion()
        for bucket in history:
            control = control.fold(bucket.control_requests, bucket.control_errors)
            dispersion = dispersion.fold(bucket.control_requests, bucket.control_errors)
        return cls(control=control, dispersion=dispersion)

    def to_wire(self) -> dict[str, Any]:
        """Plain JSON, about 2 KB."""
        return {"horizon": self.horizon, **{name: getattr(self, name).to_wire() for name in _PARTS}}

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """The inverse of `to_wire`, to the bit."""
        return cls(wire["horizon"], **{name: part.from_wire(wire[name]) for name, part in _PARTS.items()})


_PARTS: Mapping[str, Any] = {
    "step": StepTally,
    "control": RecentRate,
    "dispersion": Dispersion,
    "live": Tally,
    "shadow": Tally,
    "comparisons": Tally,
    "slow_live": Tally,
    "slow_shadow": Tally,
    "errors": Suspicion,
    "relative_errors": Suspicion,
    "shadow_errors": Suspicion,
    "mismatches": Suspicion,
    "latency": Suspicion,
    "shadow_latency": Suspicion,
}


def fold(state: GateState, buckets: Iterable[Bucket], policy: Policy, *, until: float) -> GateState:
    """`state` with every bucket that ends after its horizon and by `until` (epoch seconds), in the order of time.

    Exactly once: `fold(fold(s, b, until=t), b, until=u) == fold(s, b, until=u)` for t <= u.
    """
    fresh = sorted(
        (bucket for bucket in buckets if state.horizon < bucket.end <= until),
        key=lambda bucket: (bucket.end, bucket.step),
    )
    for bucket in fresh:
        state = _with(state, bucket, policy)
    return replace(state, horizon=fresh[-1].end) if fresh else state


def error_bounds(state: GateState, policy: Policy) -> tuple[float, float | None]:
    """The rates that condemn: absolute, and against control (None while control is not known well enough)."""
    rate = state.control.rate
    if rate is None:
        return policy.error_limit, None
    return (
        min(1.0, max(policy.error_limit, policy.error_ratio * rate)),
        min(1.0, max(policy.relative_limit, policy.relative_ratio * rate)),
    )


def _with(state: GateState, bucket: Bucket, policy: Policy) -> GateState:
    """One bucket more. Control goes first, so that bounds are drawn from the minute that is judged, too."""
    state = replace(
        state,
        control=state.control.fold(bucket.control_requests, bucket.control_errors),
        dispersion=state.dispersion.fold(bucket.control_requests, bucket.control_errors),
        step=_step(state.step, bucket),
    )
    parts: dict[str, Any] = {}
    if bucket.candidate_requests:
        parts |= _live(state, bucket, policy)
    if bucket.shadow_requests:
        parts |= _shadow(state, bucket, policy)
    if bucket.comparisons:
        n, x = bucket.comparisons, min(bucket.mismatches, bucket.comparisons)
        parts["comparisons"] = state.comparisons.plus(n, x)
        parts["mismatches"] = state.mismatches.fold(bucket.step, n, x, policy.mismatch_limit)
    return replace(state, **parts) if parts else state


def _live(state: GateState, bucket: Bucket, policy: Policy) -> Mapping[str, Any]:
    """What users' requests change."""
    step, n, x = bucket.step, bucket.candidate_requests, bucket.candidate_errors
    if policy.fallback:
        n, x = _discordant(n, x, bucket.candidate_discordant)
    x = min(x, n)
    absolute, relative = error_bounds(state, policy)
    power = state.dispersion.power
    parts: dict[str, Any] = {"live": state.live.plus(n, x), "errors": state.errors.fold(step, n, x, absolute, power)}
    if relative is not None:
        parts["relative_errors"] = state.relative_errors.fold(step, n, x, relative, power)
    slow, fair = _slow(bucket, bucket.candidate_requests, bucket.candidate_slow)
    if slow:
        parts["slow_live"] = state.slow_live.plus(slow, bucket.candidate_slow)
        parts["latency"] = state.latency.fold(step, slow, bucket.candidate_slow, fair)
    return parts


def _shadow(state: GateState, bucket: Bucket, policy: Policy) -> Mapping[str, Any]:
    """What shadow reads change."""
    n, x = _discordant(bucket.shadow_requests, bucket.shadow_errors, bucket.shadow_discordant)
    absolute, _ = error_bounds(state, policy)
    parts: dict[str, Any] = {
        "shadow": state.shadow.plus(n, x),
        "shadow_errors": state.shadow_errors.fold(bucket.step, n, x, absolute, state.dispersion.power),
    }
    slow, fair = _slow(bucket, bucket.shadow_requests, bucket.shadow_slow)
    if slow:
        parts["slow_shadow"] = state.slow_shadow.plus(slow, bucket.shadow_slow)
        parts["shadow_latency"] = state.shadow_latency.fold(bucket.step, slow, bucket.shadow_slow, fair)
    return parts


def _discordant(requests: int, errors: int, discordant: int) -> tuple[int, int]:
    """Trials and failures without the requests that both arms failed: those say nothing about the candidate.

    Were they left among the trials, an outage of both would count as clean requests and certify the candidate.
    """
    informative = requests - max(0, errors - discordant)
    return informative, min(discordant, informative)


def _slow(bucket: Bucket, requests: int, slow: int) -> tuple[int, float]:
    """Slow answers of both arms, and the candidate's share of them when it is no slower; 0 without a control."""
    if not bucket.control_requests:
        return 0, 1.0
    return bucket.control_slow + slow, requests / (requests + bucket.control_requests)


def _step(tally: StepTally, bucket: Bucket) -> StepTally:
    if bucket.step < tally.step:  # a straggler of the step before
        return tally
    if bucket.step > tally.step:
        tally = StepTally(bucket.step)
    slow, _ = _slow(bucket, bucket.candidate_requests, bucket.candidate_slow)
    slow_shadow, _ = _slow(bucket, bucket.shadow_requests, bucket.shadow_slow)
    return StepTally(
        tally.step,
        tally.seconds + bucket.seconds,
        tally.control + bucket.control_requests,
        tally.candidate + bucket.candidate_requests,
        tally.shadow + bucket.shadow_requests,
        tally.comparisons + bucket.comparisons,
        tally.slow + (slow if bucket.candidate_requests else 0),
        tally.slow_shadow + (slow_shadow if bucket.shadow_requests else 0),
    )
