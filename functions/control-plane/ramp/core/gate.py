"""The gate on fixed thresholds: evidence and plan in, one check per question out.

Every check needs a minimum of evidence to pass: fewer observations than `min_requests` are INCONCLUSIVE, whatever they
say, with one exception on the safe side: a count of failures that even a clean rest of the minimum could not bring back
under the limit is a FAIL at once.
"""

from collections.abc import Iterator, Mapping
from math import sqrt

from ramp.core.check import Check, Consequence, Verdict
from ramp.core.evidence import Evidence
from ramp.core.plan import WHOLE_PPM, Gates, Step, format_percent

REQUESTS_PER_USER = 20  # users, not requests, are dealt to the arms: one user's requests all fall on the same side
SHARE_BAND = (0.5, 2.0)  # Source: requirements, 1 % configured: investigate outside 0.5–2 %
SIGMAS = 3.0


def checks(
    evidence: Evidence, step: Step, gates: Gates, *, fallback: bool, control_p95_ms: float | None
) -> tuple[Check, ...]:
    """Every check that applies at `step`, roll-backs first.

    `control_p95_ms` is control's last good p95, for a step at which control serves too few to measure.
    """
    return tuple(_applicable(evidence, step, gates, fallback=fallback, control_p95_ms=control_p95_ms))


def _applicable(
    evidence: Evidence, step: Step, gates: Gates, *, fallback: bool, control_p95_ms: float | None
) -> Iterator[Check]:
    yield _errors(evidence, gates, fallback=fallback)
    # Once users are served, shadow reads can still condemn, but a step is not held up for want of them.
    shadow = (_shadow_failures(evidence, gates), _shadow_p95(evidence, gates))
    yield from (check for check in shadow if step.is_shadow or check.verdict is not Verdict.INCONCLUSIVE)
    yield _mismatches(evidence, gates)
    yield _latency(evidence, step, gates, control_p95_ms)
    yield _share(evidence, step)


def alarm_checks(states: Mapping[str, str]) -> tuple[Check, ...]:
    """A check for each guard, by its state; one that knows nothing guards nothing."""
    return tuple(_alarm(name, state) for name, state in states.items())


def _alarm(name: str, state: str) -> Check:
    verdict = {"OK": Verdict.PASS, "ALARM": Verdict.FAIL}.get(state, Verdict.INCONCLUSIVE)
    return Check(f"alarm {name}", verdict, Consequence.ROLL_BACK, f"the alarm {name} is {state}", {"state": state})


def _errors(evidence: Evidence, gates: Gates, *, fallback: bool) -> Check:
    """Failures of the candidate where control answered the same request, so that a shared outage counts for nobody.

    Shadow reads are evidence too, but they do not outvote users: what fails the served alone fails the check.
    """
    canary, shadow = evidence.candidate, evidence.shadow
    served_failed = canary.discordant_errors if fallback else canary.errors
    served = _error_rate(served_failed, canary.requests, "requests served by the candidate failed", gates)
    if served.verdict is Verdict.FAIL:
        return served
    all_failed = served_failed + shadow.discordant_errors
    return _error_rate(all_failed, evidence.candidate_reads, "reads of the candidate failed", gates)


def _error_rate(failed: int, trials: int, unit: str, gates: Gates) -> Check:
    return _rate(
        "errors",
        Consequence.ROLL_BACK,
        failed,
        trials,
        unit=unit,
        go_percent=gates.error_percent_max,
        fail_percent=gates.error_percent_max,
        minimum=gates.min_requests,
    )


def _shadow_failures(evidence: Evidence, gates: Gates) -> Check:
    shadow = evidence.shadow
    return _rate(
        "shadow failures",
        Consequence.ROLL_BACK,
        shadow.errors,
        shadow.requests,
        unit="shadow reads failed or timed out",
        go_percent=gates.shadow_failure_percent_max,
        fail_percent=gates.shadow_failure_percent_max,
        minimum=gates.min_requests,
        go_includes_limit=False,
    )


def _mismatches(evidence: Evidence, gates: Gates) -> Check:
    return _rate(
        "mismatches",
        Consequence.ASK,
        evidence.mismatches,
        evidence.comparisons,
        unit="answers differ from control's",
        go_percent=gates.mismatch_go_percent,
        fail_percent=gates.mismatch_investigate_percent,
        minimum=gates.min_requests,
        go_includes_limit=False,
    )


def _rate(
    name: str,
    consequence: Consequence,
    events: int,
    trials: int,
    *,
    unit: str,
    go_percent: float,
    fail_percent: float,
    minimum: int,
    go_includes_limit: bool = True,
) -> Check:
    """A check on a rate; requirements say "at most" of some limits and "less than" of others."""
    percent = 100 * events / trials if trials else None
    numbers = {"events": events, "trials": trials, "percent": percent, "limit_percent": fail_percent}
    seen = f"{events} of {trials} {unit}" + (f" ({percent:.2f} %" if percent is not None else "")
    if 100 * events > fail_percent * max(trials, minimum):
        reason = f"{seen}, more than {fail_percent:g} % allowed)"
        return Check(name, Verdict.FAIL, consequence, reason, numbers)
    if trials < minimum:
        missing = f"needs {minimum - trials} more"
        reason = f"{seen}; {missing})" if percent is not None else f"{seen}; {missing}"
        return Check(name, Verdict.INCONCLUSIVE, consequence, reason, numbers)
    limit = go_percent * trials
    if not events or 100 * events < limit or (go_includes_limit and 100 * events == limit):
        allowed = "up to" if go_includes_limit else "less than"
        return Check(name, Verdict.PASS, consequence, f"{seen}, {allowed} {go_percent:g} % allowed)", numbers)
    reason = f"{seen}, between go at {go_percent:g} % and investigate above {fail_percent:g} %)"
    return Check(name, Verdict.INCONCLUSIVE, consequence, reason, numbers)


def _shadow_p95(evidence: Evidence, gates: Gates) -> Check:
    p95_ms, limit_ms = evidence.shadow.p95_ms, gates.shadow_p95_ms_max
    numbers = {"p95_ms": p95_ms, "limit_ms": limit_ms, "trials": evidence.shadow.requests}
    if p95_ms is None or evidence.shadow.requests < gates.min_requests:
        reason = f"{evidence.shadow.requests} shadow reads timed, {gates.min_requests} needed"
        return Check("shadow p95", Verdict.INCONCLUSIVE, Consequence.ASK, reason, numbers)
    within = p95_ms < limit_ms
    reason = f"the candidate's p95 in shadow is {p95_ms:.0f} ms, {'under' if within else 'not under'} {limit_ms} ms"
    return Check("shadow p95", Verdict.PASS if within else Verdict.FAIL, Consequence.ASK, reason, numbers)


def _latency(evidence: Evidence, step: Step, gates: Gates, control_p95_ms: float | None) -> Check:
    """The candidate's p95, where it has enough reads (served, else shadow), against control's."""
    served = evidence.candidate.requests >= gates.min_requests or step.share_ppm == WHOLE_PPM
    arm = evidence.candidate if served else evidence.shadow
    measured = evidence.control.requests >= gates.min_requests
    base_ms = evidence.control.p95_ms if measured else control_p95_ms
    numbers = {"p95_ms": arm.p95_ms, "control_p95_ms": base_ms, "trials": arm.requests}
    if arm.p95_ms is None or base_ms is None or arm.requests < gates.min_requests:
        missing = "control's p95 was never measured" if base_ms is None else f"{gates.min_requests} needed"
        reason = f"{arm.requests} reads of the candidate timed; {missing}"
        return Check("latency", Verdict.INCONCLUSIVE, Consequence.ASK, reason, numbers)
    extra_ms = arm.p95_ms - base_ms
    go_ms = max(gates.latency_allowance_ms, base_ms * gates.latency_go_percent / 100)
    fail_ms = max(gates.latency_allowance_ms, base_ms * gates.latency_investigate_percent / 100)
    verdict = Verdict.PASS if extra_ms <= go_ms else Verdict.FAIL if extra_ms > fail_ms else Verdict.INCONCLUSIVE
    reason = (
        f"the candidate's p95 is {arm.p95_ms:.0f} ms against control's {base_ms:.0f} ms; "
        f"go within {go_ms:.0f} ms more, investigate above {fail_ms:.0f} ms more"
    )
    return Check("latency", verdict, Consequence.ASK, reason, numbers | {"go_ms": go_ms, "fail_ms": fail_ms})


def _share(evidence: Evidence, step: Step) -> Check:
    """Whether users land where the plan puts them, tempered for few users.

    The band is half to twice the target, widened to three standard deviations of a share of `requests / 20` users.
    Source: docs/wire.md, Bucket (users are dealt independently), binomial standard deviation.
    """
    served, total = evidence.candidate.requests, evidence.candidate.requests + evidence.control.requests
    target = step.share_ppm / WHOLE_PPM
    numbers = {"served": served, "trials": total, "share": served / total if total else None, "target": target}
    if total == 0:
        return Check("share", Verdict.INCONCLUSIVE, Consequence.ASK, "no request has been measured yet", numbers)
    seen = f"the candidate served {served} of {total} requests ({100 * served / total:.2f} %)"
    if not step.is_shadow and served == 0:
        return Check("share", Verdict.INCONCLUSIVE, Consequence.ASK, f"{seen}, so nothing is known of it", numbers)
    slack = SIGMAS * sqrt(target * (1 - target) / max(1.0, total / REQUESTS_PER_USER))
    low, high = min(target * SHARE_BAND[0], target - slack), max(target * SHARE_BAND[1], target + slack)
    within = low <= served / total <= high
    reason = (
        f"{seen}, {'in line with' if within else 'out of line with'} the {format_percent(step.share_ppm)} configured"
    )
    return Check("share", Verdict.PASS if within else Verdict.FAIL, Consequence.ASK, reason, numbers)
