"""The sequential gate: buckets of a whole ramp folded, once each, into a small state that says what is known.

Counts arrive late and are corrected. So a look folds twice from the same state: up to the settled horizon, which is
kept, and up to the newest complete period, which is only judged. Whatever is read again in between counts once.

    kept = fold(kept, buckets, policy, until=now - settle_seconds)
    view = fold(kept, buckets, policy, until=last_complete_period)      # judged; kept when the step is left

`checks(view, position, policy)` is in sequential_checks.py. Folding a settled bucket again changes nothing.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import inf
from typing import Any, NamedTuple, Self

from ramp.core.bucket import Bucket
from ramp.core.dispersion import Dispersion
from ramp.core.policy import REQUESTS_PER_USER_DAY, SHARE_BAND, Policy
from ramp.core.recent_rate import RecentRate
from ramp.core.suspicion import Suspicion
from ramp.core.tally import StepTally, Tally
from ramp.core.units import DAY_SECONDS, WHOLE_PPM

SESSION_REQUESTS = 2  # that come together


class GateState(NamedTuple):
    """All that is known of a ramp.

    Epoch seconds: buckets that end by `horizon` are in it, the first of them began at `started_at`.
    """

    horizon: float = 0.0
    started_at: float = inf
    step: StepTally = StepTally()
    control: RecentRate = RecentRate()
    dispersion: Dispersion = Dispersion()
    live: Tally = Tally()
    shadow: Tally = Tally()
    comparisons: Tally = Tally()
    slow_live: Tally = Tally()
    slow_shadow: Tally = Tally()
    errors: Suspicion = Suspicion()
    relative_errors: Suspicion = Suspicion()
    shadow_errors: Suspicion = Suspicion()
    mismatches: Suspicion = Suspicion()
    latency: Suspicion = Suspicion()
    shadow_latency: Suspicion = Suspicion()
    share_high: Suspicion = Suspicion()
    share_low: Suspicion = Suspicion()

    @classmethod
    def begin(cls, history: Iterable[Bucket] = ()) -> Self:
        """The state before the ramp; `history` is control's day before, for its rate and its clusters."""
        control, dispersion = RecentRate(), Dispersion()
        for bucket in history:
            dispersion = dispersion.fold(bucket.control_requests, bucket.control_errors)
            control = control.fold(bucket.control_requests, bucket.control_errors, dispersion.phi)
        return cls(control=control, dispersion=dispersion)

    def to_wire(self) -> dict[str, Any]:
        """Plain JSON, about 2 KB."""
        started_at = None if self.started_at == inf else self.started_at
        return {
            "horizon": self.horizon,
            "started_at": started_at,
            **{name: getattr(self, name).to_wire() for name in _PARTS},
        }

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """The inverse of `to_wire`, to the bit."""
        started_at = inf if wire["started_at"] is None else wire["started_at"]
        return cls(wire["horizon"], started_at, **{name: part.from_wire(wire[name]) for name, part in _PARTS.items()})


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
    "share_high": Suspicion,
    "share_low": Suspicion,
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
    return state


def error_bounds(state: GateState, policy: Policy) -> tuple[float, float | None]:
    """The rates that condemn: absolute, and against control (None while control is not known well enough)."""
    rate = state.control.rate
    if rate is None:
        return policy.error_limit, None
    return (
        min(1.0, max(policy.error_limit, policy.error_ratio * rate)),
        min(1.0, max(policy.relative_limit, policy.relative_ratio * rate)),
    )


def share_band(target: float) -> tuple[float, float]:
    """The shares (0-1) between which requests land about where the plan puts them."""
    return target * SHARE_BAND[0], min(1.0, target * SHARE_BAND[1])


def requests_per_user(seconds: float) -> float:
    """Requests that one user has sent in a ramp of `seconds`."""
    return SESSION_REQUESTS + REQUESTS_PER_USER_DAY * (seconds / DAY_SECONDS)


@lru_cache(maxsize=256)
def _with(state: GateState, bucket: Bucket, policy: Policy) -> GateState:
    """One bucket more. Control goes first, so that bounds are drawn from the minute that is judged, too.

    Remembered, since buckets that have not settled are folded at every look, and again when they have.
    """
    is_warm_up = bucket.step > state.step.step  # a new share starts new sandboxes, which are slow once
    dispersion = state.dispersion.fold(bucket.control_requests, bucket.control_errors)
    state = state._replace(
        horizon=bucket.end,
        control=state.control.fold(bucket.control_requests, bucket.control_errors, dispersion.phi),
        dispersion=dispersion,
        step=_step(state.step, bucket),
        started_at=min(state.started_at, bucket.start),
    )
    parts: dict[str, Any] = _share(state, bucket) if bucket.share_ppm else {}
    if bucket.candidate_requests:
        parts |= _live(state, bucket, policy, is_warm_up=is_warm_up)
    if bucket.shadow_requests:
        parts |= _shadow(state, bucket, policy)
    if bucket.comparisons:
        n, x = bucket.comparisons, min(bucket.mismatches, bucket.comparisons)
        parts["comparisons"] = state.comparisons.plus(n, x)
        parts["mismatches"] = state.mismatches.fold(bucket.step, n, x, policy.mismatch_limit)
    return state._replace(**parts) if parts else state


def _live(state: GateState, bucket: Bucket, policy: Policy, *, is_warm_up: bool) -> Mapping[str, Any]:
    """What users' requests change."""
    step, n, x = bucket.step, bucket.candidate_requests, bucket.candidate_errors
    if policy.fallback:
        n, x = _discordant(n, x, bucket.candidate_discordant)
    x = min(x, n)
    absolute, relative = error_bounds(state, policy)
    power, is_known = state.dispersion.power(n), state.dispersion.is_known
    parts: dict[str, Any] = {
        "live": state.live.plus(n, x),
        "errors": state.errors.fold(step, n, x, absolute, power, is_known=is_known),
    }
    if relative is not None:
        parts["relative_errors"] = state.relative_errors.fold(step, n, x, relative, power, is_known=is_known)
    slow, fair = _slow(bucket, bucket.candidate_requests, bucket.candidate_slow)
    if slow and not is_warm_up:
        parts["slow_live"] = state.slow_live.plus(slow, bucket.candidate_slow)
        parts["latency"] = state.latency.fold(step, slow, bucket.candidate_slow, fair)
    return parts


def _shadow(state: GateState, bucket: Bucket, policy: Policy) -> Mapping[str, Any]:
    """What shadow reads change."""
    n, x = _discordant(bucket.shadow_requests, bucket.shadow_errors, bucket.shadow_discordant)
    absolute, _ = error_bounds(state, policy)
    power, is_known = state.dispersion.power(n), state.dispersion.is_known
    parts: dict[str, Any] = {
        "shadow": state.shadow.plus(n, x),
        "shadow_errors": state.shadow_errors.fold(bucket.step, n, x, absolute, power, is_known=is_known),
    }
    slow, fair = _slow(bucket, bucket.shadow_requests, bucket.shadow_slow)
    if slow:
        parts["slow_shadow"] = state.slow_shadow.plus(slow, bucket.shadow_slow)
        parts["shadow_latency"] = state.shadow_latency.fold(bucket.step, slow, bucket.shadow_slow, fair)
    return parts


def _share(state: GateState, bucket: Bucket) -> dict[str, Any]:
    """Where requests land: users are dealt, not requests, so what one user has asked counts as one."""
    per_user = requests_per_user(bucket.end - state.started_at)
    served, total = bucket.candidate_requests, bucket.candidate_requests + bucket.control_requests
    low, high = share_band(bucket.share_ppm / WHOLE_PPM)
    n, x = total / per_user, served / per_user
    return {
        "share_high": state.share_high.fold(bucket.step, n, x, high),
        "share_low": state.share_low.fold(bucket.step, n, n - x, 1 - low),
    }


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
        tally.misrouted + bucket.misrouted,
    )
