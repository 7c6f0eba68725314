"""What the gate would have said of a candidate that was recorded while it served: the first word that is not "wait"."""

from collections.abc import Sequence
from typing import NamedTuple

from ramp.core.bucket import Bucket
from ramp.core.check import Check, Verdict
from ramp.core.judge import policy_of, position_of
from ramp.core.plan import WHOLE_PPM, Plan
from ramp.core.sequential_checks import checks, judgements
from ramp.core.sequential_gate import GateState, fold


class Judged(NamedTuple):
    """`at`: seconds since the recording began, None when nothing is proven; `step`: the one with the nearest share."""

    at: float | None
    step: int
    checks: tuple[Check, ...]


def judged(plan: Plan, recording: Sequence[Bucket]) -> Judged | None:
    """Fold the recorded minutes, one by one, until a check fails; None when no candidate was recorded."""
    if (step := _step(plan, recording)) is None:
        return None
    policy, position = policy_of(plan), position_of(plan, step)
    state, at = GateState.begin(), None
    for bucket in recording:
        state = fold(
            state, (bucket._replace(step=step, share_ppm=plan.steps[step].share_ppm),), policy, until=bucket.end
        )
        if any(row.verdict is Verdict.FAIL for row in judgements(state, position, policy)):
            at = bucket.end - recording[0].start
            break
    return Judged(at, step, checks(state, position, policy))


def _step(plan: Plan, recording: Sequence[Bucket]) -> int | None:
    """The step of the plan at which such a candidate would be judged: of its share, or of shadow."""
    served = [bucket for bucket in recording if bucket.candidate_requests]
    if not served:
        shadow = (index for index, each in enumerate(plan.steps) if each.is_shadow)
        return next(shadow, None) if any(bucket.shadow_requests for bucket in recording) else None
    requests = sum(bucket.candidate_requests for bucket in served)
    share_ppm = WHOLE_PPM * requests / (requests + sum(bucket.control_requests for bucket in served))
    live = [index for index, each in enumerate(plan.steps) if not each.is_shadow]
    return min(live, key=lambda index: abs(plan.steps[index].share_ppm - share_ppm))
