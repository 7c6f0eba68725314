"""The rows of the sequential gate: what each counts, what bound condemns it, and what certifies it.

Shadow reads condemn at every step, and must certify the shadow step. Users' requests must certify each share by the
harm budget of policy.py. GO takes a certificate: no data, no certificate.
"""

from collections.abc import Iterator
from math import log

from ramp.core.check import Check, Consequence, Verdict
from ramp.core.judgement import Certificate, Judgement, count, percent
from ramp.core.policy import Policy, Position, harm_budget
from ramp.core.sequential_gate import GateState, error_bounds

EQUAL_SHARE = 0.5


def checks(state: GateState, position: Position, policy: Policy) -> tuple[Check, ...]:
    """Every check that applies at `position`, in words and numbers, for `verdict.decide`; roll-backs first."""
    rows = (judgement.check() for judgement in judgements(state, position, policy))
    return (*rows, share(state, position, policy))


def judgements(state: GateState, position: Position, policy: Policy) -> tuple[Judgement, ...]:
    """The same rows without the share, on numbers only: cheap enough to ask for in the millions."""
    return tuple(_rows(state, position, policy))


def _rows(state: GateState, position: Position, policy: Policy) -> Iterator[Judgement]:
    at_shadow = position.is_shadow
    if not at_shadow:
        yield from _errors(state, position, policy)
    if at_shadow or state.shadow.trials:
        yield _shadow_errors(state, policy, certify=at_shadow)
    yield _mismatches(state, policy, certify=at_shadow)
    if not at_shadow and state.slow_live.trials:
        yield _latency(state, policy)
    if at_shadow or state.slow_shadow.trials:
        yield _shadow_latency(state, policy, certify=at_shadow)


def _errors(state: GateState, position: Position, policy: Policy) -> Iterator[Judgement]:
    absolute, relative = error_bounds(state, policy)
    power = state.dispersion.power(state.live.bucket_trials)
    seen = "requests served by the candidate failed"
    if policy.fallback:
        seen += " where control answered"
    pace_seconds = _pace(state, state.step.candidate)
    yield Judgement(
        name="errors",
        consequence=Consequence.ROLL_BACK,
        tally=state.live,
        suspicion=state.errors,
        limit=absolute,
        alpha=policy.alpha_errors,
        seen=seen,
        clean="clean requests",
        certificate=Certificate(*harm_budget(position, policy, _requests_per_second(state)), power),
        pace_seconds=pace_seconds,
        power=power,
    )
    if relative is not None and state.live.trials:
        yield Judgement(
            name="errors against control",
            consequence=Consequence.ROLL_BACK,
            tally=state.live,
            suspicion=state.relative_errors,
            limit=relative,
            alpha=policy.alpha_relative,
            seen=seen,
            clean="clean requests",
            pace_seconds=pace_seconds,
            power=power,
        )


def _shadow_errors(state: GateState, policy: Policy, *, certify: bool) -> Judgement:
    absolute, _ = error_bounds(state, policy)
    power = state.dispersion.power(state.shadow.bucket_trials)
    return Judgement(
        name="shadow errors",
        consequence=Consequence.ROLL_BACK,
        tally=state.shadow,
        suspicion=state.shadow_errors,
        limit=absolute,
        alpha=policy.alpha_shadow_errors,
        seen="shadow reads failed where control answered",
        clean="clean shadow reads",
        certificate=Certificate(policy.error_limit, policy.beta_shadow, power) if certify else None,
        pace_seconds=_pace(state, state.step.shadow),
        power=power,
    )


def _mismatches(state: GateState, policy: Policy, *, certify: bool) -> Judgement:
    return Judgement(
        name="mismatches",
        consequence=Consequence.ASK,
        tally=state.comparisons,
        suspicion=state.mismatches,
        limit=policy.mismatch_limit,
        alpha=policy.alpha_mismatches,
        seen="answers differ from control's",
        clean="equal answers",
        certificate=Certificate(policy.mismatch_certified, policy.beta_shadow) if certify else None,
        pace_seconds=_pace(state, state.step.comparisons),
    )


def _latency(state: GateState, policy: Policy) -> Judgement:
    step = state.step
    requests = step.candidate + step.control
    return Judgement(
        name="latency",
        consequence=Consequence.ASK,
        tally=state.slow_live,
        suspicion=state.latency,
        limit=step.candidate / requests if step.candidate else 1.0,
        alpha=policy.alpha_latency,
        seen="slow answers are the candidate's",
        clean="slow answers of control",
        pace_seconds=_pace(state, step.slow),
    )


def _shadow_latency(state: GateState, policy: Policy, *, certify: bool) -> Judgement:
    bound = policy.latency_slack / (1 + policy.latency_slack)
    return Judgement(
        name="shadow latency",
        consequence=Consequence.ASK,
        tally=state.slow_shadow,
        suspicion=state.shadow_latency,
        limit=EQUAL_SHARE,
        alpha=policy.alpha_shadow_latency,
        seen="slow answers in shadow are the candidate's",
        clean="slow answers of control",
        certificate=Certificate(bound, policy.beta_shadow) if certify else None,
        pace_seconds=_pace(state, state.step.slow_shadow),
    )


def _pace(state: GateState, trials: float) -> float | None:
    """Seconds that one more trial takes, as this step has gone so far."""
    return state.step.seconds / trials if trials else None


def _requests_per_second(state: GateState) -> float:
    step = state.step
    return (step.control + step.candidate) / step.seconds if step.seconds else 0.0


def share(state: GateState, position: Position, policy: Policy) -> Check:
    """Whether requests land where the plan puts them: half to twice the share, or proven not to.

    Two questions share the budget, too many and too few. At shadow, one request served is one too many.
    """
    step, target = state.step, position.target
    served, total = step.candidate, step.candidate + step.control
    numbers = {"served": served, "trials": total, "share": served / total if total else None, "target": target}
    if not total:
        return Check("share", Verdict.INCONCLUSIVE, Consequence.ASK, "no request has been measured yet", numbers)
    seen = f"the candidate served {count(served)} of {count(total)} requests ({percent(served / total)})"
    if step.misrouted:
        reason = f"{seen}, and {count(step.misrouted)} were served by another arm than the user's bucket says"
        return Check("share", Verdict.FAIL, Consequence.ASK, reason, numbers)
    if served and position.is_shadow:
        return Check("share", Verdict.FAIL, Consequence.ASK, f"{seen}, and should serve none", numbers)
    log_evidence = max(state.share_high.above.log_e, state.share_low.above.log_e)
    if not position.is_shadow and log_evidence >= log(2 / policy.alpha_share):
        reason = f"{seen}, proven not to be about the {percent(target)} configured"
        return Check("share", Verdict.FAIL, Consequence.ASK, reason, numbers)
    if not served and not position.is_shadow:
        return Check("share", Verdict.INCONCLUSIVE, Consequence.ASK, f"{seen}, so nothing is known of it", numbers)
    return Check("share", Verdict.PASS, Consequence.ASK, f"{seen}, {percent(target)} configured", numbers)
