"""The rows of the sequential gate: what each counts, what bound condemns it, and what certifies it.

Shadow reads condemn at every step, and must certify the shadow step. Users' requests must certify each share by the
harm budget of policy.py. GO takes a certificate: no data, no certificate. Answers to users are compared at every step:
what other steps compared says nothing of a comparator that has died since.
"""

from collections.abc import Iterator
from math import ceil, exp, log

from ramp.core.check import Check, Consequence, Numbers, Verdict
from ramp.core.judgement import Certificate, Judgement, count, percent
from ramp.core.martingale import MAX_COUNT
from ramp.core.policy import Policy, Position, harm_budget
from ramp.core.sequential_gate import GateState, error_bounds, requests_per_user, share_band
from ramp.core.silence import silent

EQUAL_SHARE = 0.5


def checks(state: GateState, position: Position, policy: Policy, until: float = 0.0) -> tuple[Check, ...]:
    """Every check that applies at `position`, in words and numbers, for `verdict.decide`; roll-backs first.

    `until` (epoch seconds) is how far the buckets were read; 0 when nobody asks how old the newest is.
    """
    rows = (judgement.check() for judgement in judgements(state, position, policy))
    return (*rows, share(state, position, policy, until))


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
        is_known=state.dispersion.is_known,
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
            is_known=state.dispersion.is_known,
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
        is_known=state.dispersion.is_known,
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
        unseen=_uncompared(state.step.candidate) if state.step.candidate and not state.step.comparisons else "",
    )


def _uncompared(served: float) -> str:
    return (
        f"none of them at this step, of {count(served)} requests that the candidate served; look at dispatch_errors of "
        "the candidate and at the comparator's log"
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


def share(state: GateState, position: Position, policy: Policy, until: float = 0.0) -> Check:
    """Whether requests land where the plan puts them: half to twice the share, or proven not to.

    Two questions share the budget, too many and too few. At shadow, one request served is one too many. What landed
    well before a silence says nothing of now: routers may have lost the flag, or their metrics.
    """
    verdict, reason, silent_seconds = share_verdict(state, position, policy, until)
    numbers = _share_numbers(state, position, policy, verdict)._replace(silent_seconds=silent_seconds)
    return Check("share", verdict, Consequence.ASK, reason, numbers)


def share_verdict(
    state: GateState, position: Position, policy: Policy, until: float = 0.0
) -> tuple[Verdict, str, float | None]:
    """The verdict of `share`, its sentence, and the silence that it waits for the end of, in seconds, None without one.

    Without its numbers it is cheap enough to ask for in the millions.
    """
    step, target = state.step, position.target
    served, total = step.candidate, step.candidate + step.control
    if not total:
        return Verdict.INCONCLUSIVE, "no request has been measured yet", None
    seen = f"the candidate served {count(served)} of {count(total)} requests ({percent(served / total)})"
    if served and position.is_shadow:
        return Verdict.FAIL, f"{seen}, and should serve none", None
    if not position.is_shadow and _share_log_evidence(state) >= log(2 / policy.alpha_share):
        return Verdict.FAIL, f"{seen}, proven not to be about the {percent(target)} configured", None
    if not served and not position.is_shadow:
        return Verdict.INCONCLUSIVE, f"{seen}, so nothing is known of it", None
    if silence := silent(until - state.horizon):
        return Verdict.INCONCLUSIVE, f"{seen}; {silence}", until - state.horizon
    return Verdict.PASS, f"{seen}, {percent(target)} configured", None


def _share_log_evidence(state: GateState) -> float:
    return max(state.share_high.above.log_e, state.share_low.above.log_e)


def _share_numbers(state: GateState, position: Position, policy: Policy, verdict: Verdict) -> Numbers:
    step, target = state.step, position.target
    total = step.candidate + step.control
    low, high = share_band(target)
    alpha = policy.alpha_share / 2
    flips = None if verdict is Verdict.FAIL else _share_flips(state, position, alpha)
    needs = {Verdict.PASS: 0, Verdict.INCONCLUSIVE: 1}.get(verdict)
    pace_seconds = _pace(state, total * target)
    return Numbers(
        trials=total,
        events=step.candidate,
        rate=step.candidate / total if total else None,
        target=target,
        limit=high,
        limit_low=low,
        alpha=policy.alpha_share,
        budget_spent=min(1.0, alpha * exp(min(_share_log_evidence(state), -log(alpha)))),
        needs_trials=needs,
        needs_seconds=None if needs is None or pace_seconds is None else needs * pace_seconds,
        flips_after=flips,
        flips_to=None if flips is None else Verdict.FAIL,
    )


def _share_flips(state: GateState, position: Position, alpha: float) -> int | None:
    """Requests in a row on one arm that would prove the share wrong, counted as users; at shadow one is too many."""
    if position.is_shadow:
        return 1
    low, high = share_band(position.target)
    either = state.share_high.events_until(1 / alpha, high), state.share_low.events_until(1 / alpha, 1 - low)
    users = min(count for count, _ in either)
    per_user = requests_per_user(max(0.0, state.horizon - state.started_at))
    return None if users >= MAX_COUNT else ceil(users * per_user)
