"""What the gate would have said of a candidate that was recorded while it served: the first word that is not "wait"."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ramp.core import gate
from ramp.core.bucket import Bucket
from ramp.core.check import Check, Consequence, Verdict
from ramp.core.evidence import Evidence
from ramp.core.judge import policy_of, position_of
from ramp.core.plan import Plan, Step
from ramp.core.sequential_checks import checks, judgements
from ramp.core.sequential_gate import GateState, fold
from ramp.core.units import WHOLE_PPM

OF_TIMES = frozenset({"latency", "shadow p95"})


class Judged(NamedTuple):
    """`at`: seconds since the recording began, None when nothing is proven; `step`: the one with the nearest share."""

    at: float | None
    step: int
    checks: tuple[Check, ...]


def judged(plan: Plan, recording: Sequence[Bucket]) -> Judged | None:
    """Judge the recorded minutes, one by one, until a check fails; None when no candidate was recorded."""
    if (step := _step(plan, recording)) is None:
        return None
    return _by_proof(plan, step, recording) if plan.gate == "sequential" else _by_threshold(plan, step, recording)


def _by_proof(plan: Plan, step: int, recording: Sequence[Bucket]) -> Judged:
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


def _by_threshold(plan: Plan, step: int, recording: Sequence[Bucket]) -> Judged:
    """The fixed gate without its percentiles, which a recording of counts has not.

    What rolls back does so at any look; what asks is asked about from the end of the bake on, as in `verdict.decide`.
    """
    current, evidence, found = plan.steps[step], Evidence(), tuple[Check, ...]()
    for bucket in recording:
        evidence = _with(evidence, bucket)
        seconds = bucket.end - recording[0].start
        found = _thresholds(plan, current, evidence, seconds)
        failed = {check.consequence for check in found if check.verdict is Verdict.FAIL}
        if Consequence.ROLL_BACK in failed or (failed and seconds >= current.bake_seconds):
            return Judged(seconds, step, found)
    return Judged(None, step, found)


def _thresholds(plan: Plan, step: Step, evidence: Evidence, seconds: float) -> tuple[Check, ...]:
    fallback = plan.routing.fallback
    every = gate.checks(evidence, step, plan.gates, fallback=fallback, control_p95_ms=None, seconds=seconds)
    return tuple(check for check in every if check.name not in OF_TIMES)


def _with(evidence: Evidence, bucket: Bucket) -> Evidence:
    """The evidence with one recorded minute more; the comparisons of both kinds stand with the candidate's."""
    control, candidate, shadow = evidence.control, evidence.candidate, evidence.shadow
    return Evidence(
        control=replace(
            control,
            requests=control.requests + bucket.control_requests,
            errors=control.errors + bucket.control_errors,
        ),
        candidate=replace(
            candidate,
            requests=candidate.requests + bucket.candidate_requests,
            errors=candidate.errors + bucket.candidate_errors,
            discordant_errors=candidate.discordant_errors + bucket.candidate_discordant,
            comparisons=candidate.comparisons + bucket.comparisons,
            mismatches=candidate.mismatches + bucket.mismatches,
        ),
        shadow=replace(
            shadow,
            requests=shadow.requests + bucket.shadow_requests,
            errors=shadow.errors + bucket.shadow_errors,
            discordant_errors=shadow.discordant_errors + bucket.shadow_discordant,
        ),
        until=bucket.end,
    )


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
