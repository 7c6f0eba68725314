"""The gate on fixed thresholds: evidence and plan in, one check per question out.

Every check needs a minimum of evidence to pass: fewer observations than `min_requests` are INCONCLUSIVE, whatever they
say, with one exception on the safe side: a count of failures that even a clean rest of the minimum could not bring back
under the limit is a FAIL at once.
"""

from collections.abc import Callable, Iterator, Mapping
from math import sqrt

from ramp.core.check import SEVERITY, Check, Consequence, Numbers, Verdict
from ramp.core.evidence import Evidence
from ramp.core.judgement import duration
from ramp.core.martingale import MAX_COUNT, first_count
from ramp.core.plan import Gates, Step, format_percent
from ramp.core.policy import REQUESTS_PER_USER_DAY, SHARE_BAND
from ramp.core.silence import silent
from ramp.core.units import WHOLE_PPM

SIGMAS = 3.0


def checks(
    evidence: Evidence,
    step: Step,
    gates: Gates,
    *,
    fallback: bool,
    control_p95_ms: float | None,
    seconds: float = 0.0,
) -> tuple[Check, ...]:
    """Every check that applies at `step`, roll-backs first.

    `control_p95_ms` is control's last good p95, for a step at which control serves too few to measure; `seconds` is how
    long the evidence took to gather, 0 when nobody knows.
    """
    found = _applicable(evidence, step, gates, fallback=fallback, control_p95_ms=control_p95_ms)
    return tuple(_timed(check, seconds) for check in found)


def _timed(check: Check, seconds: float) -> Check:
    """With the time that what it still needs takes at the present pace."""
    numbers = check.numbers
    if not numbers.needs_trials or not numbers.trials or seconds <= 0:
        return check
    needs_seconds = numbers.needs_trials * seconds / numbers.trials
    reason = f"{check.reason}; about {duration(needs_seconds)} at this traffic"
    return check._replace(reason=reason, numbers=numbers._replace(needs_seconds=needs_seconds))


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
    return Check(f"alarm {name}", verdict, Consequence.ROLL_BACK, f"the alarm {name} is {state}", Numbers(state=state))


def misrouted_checks(misrouted: int | None, requests: float) -> tuple[Check, ...]:
    """A check on the router's exact count: any request on the wrong arm is a bug, so any at all is asked about.

    It asks, and does not roll back: both arms answer, so nobody is harmed yet, and no share rises while it is asked.
    None when nothing counted them: that is neither evidence of health nor a fault.
    """
    if misrouted is None:
        return ()
    wrong = f"{misrouted:,} of {requests:,.0f} requests were tried on the other arm than the user's bucket says"
    verdict = Verdict.FAIL if misrouted else Verdict.PASS if requests else Verdict.INCONCLUSIVE
    numbers = Numbers(
        trials=requests,
        events=misrouted,
        rate=misrouted / requests if requests else None,
        go_limit=0,
        limit=0,
        needs_trials={Verdict.PASS: 0, Verdict.INCONCLUSIVE: 1}.get(verdict),
        flips_after=None if misrouted else 1,
        flips_to=None if misrouted else Verdict.FAIL,
    )
    return (Check("misrouted", verdict, Consequence.ASK, f"{wrong}; one is too many", numbers),)


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

    def judged(more_events: int, more_trials: int) -> Verdict:
        x, n = events + more_events, trials + more_trials
        if 100 * x > fail_percent * max(n, minimum):
            return Verdict.FAIL
        is_low = not x or 100 * x < go_percent * n or (go_includes_limit and 100 * x == go_percent * n)
        return Verdict.PASS if n >= minimum and is_low else Verdict.INCONCLUSIVE

    verdict = judged(0, 0)
    percent = 100 * events / trials if trials else None
    needs = None if verdict is Verdict.FAIL else first_count(lambda n: judged(0, n) is Verdict.PASS)
    flips, flips_to = _flips(verdict, lambda count: judged(count, count))
    numbers = Numbers(
        trials=trials,
        events=events,
        rate=events / trials if trials else None,
        go_limit=go_percent / 100,
        limit=fail_percent / 100,
        needs_trials=needs,
        flips_after=flips,
        flips_to=flips_to,
    )
    seen = f"{events} of {trials} {unit}" + (f" ({percent:.2f} %" if percent is not None else "")
    if verdict is Verdict.FAIL:
        said = f"{seen}, more than {fail_percent:g} % allowed)"
    elif trials < minimum:
        missing = f"needs {minimum - trials} more"
        said = f"{seen}; {missing})" if percent is not None else f"{seen}; {missing}"
    elif verdict is Verdict.PASS:
        said = f"{seen}, {'up to' if go_includes_limit else 'less than'} {go_percent:g} % allowed)"
    else:
        said = f"{seen}, between go at {go_percent:g} % and investigate above {fail_percent:g} %)"
    return Check(name, verdict, consequence, said, numbers)


def _flips(verdict: Verdict, judged: Callable[[int], Verdict]) -> tuple[int | None, Verdict | None]:
    """How many events in a row make the verdict worse, and what it is then; `judged` gives it after so many more."""
    if verdict is Verdict.FAIL:
        return None, None
    flips = first_count(lambda count: SEVERITY.index(judged(count)) > SEVERITY.index(verdict))
    return (None, None) if flips >= MAX_COUNT else (flips, judged(flips))


def _shadow_p95(evidence: Evidence, gates: Gates) -> Check:
    p95_ms, limit_ms, timed = evidence.shadow.p95_ms, gates.shadow_p95_ms_max, evidence.shadow.requests
    numbers = Numbers(
        trials=timed,
        p95_ms=p95_ms,
        go_limit_ms=limit_ms,
        limit_ms=limit_ms,
        needs_trials=_more(timed, gates),
    )
    if p95_ms is None or timed < gates.min_requests:
        reason = f"{timed} shadow reads timed, {gates.min_requests} needed"
        return Check("shadow p95", Verdict.INCONCLUSIVE, Consequence.ASK, reason, numbers)
    within = p95_ms < limit_ms
    reason = f"the candidate's p95 in shadow is {p95_ms:.0f} ms, {'under' if within else 'not under'} {limit_ms} ms"
    numbers = numbers._replace(needs_trials=0 if within else None)
    return Check("shadow p95", Verdict.PASS if within else Verdict.FAIL, Consequence.ASK, reason, numbers)


def _more(timed: int, gates: Gates) -> int | None:
    """Reads that a p95 lacks; None: more of them would not do, since another number is missing."""
    return gates.min_requests - timed if timed < gates.min_requests else None


def _latency(evidence: Evidence, step: Step, gates: Gates, control_p95_ms: float | None) -> Check:
    """The candidate's p95, where it has enough reads (served, else shadow), against control's."""
    served = evidence.candidate.requests >= gates.min_requests or step.share_ppm == WHOLE_PPM
    arm = evidence.candidate if served else evidence.shadow
    measured = evidence.control.requests >= gates.min_requests
    base_ms = evidence.control.p95_ms if measured else control_p95_ms
    numbers = Numbers(
        trials=arm.requests,
        p95_ms=arm.p95_ms,
        control_p95_ms=base_ms,
        needs_trials=_more(arm.requests, gates),
    )
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
    numbers = numbers._replace(
        go_limit_ms=base_ms + go_ms,
        limit_ms=base_ms + fail_ms,
        needs_trials=0 if verdict is Verdict.PASS else None,
    )
    return Check("latency", verdict, Consequence.ASK, reason, numbers)


def _share(evidence: Evidence, step: Step) -> Check:
    """Whether users land where the plan puts them, tempered for few users; after a silence nothing is known of it.

    The band is half to twice the target, widened to three standard deviations of a share of `requests / 20` users.
    Source: docs/wire.md, Bucket (users are dealt independently), binomial standard deviation.
    """
    served, control = evidence.candidate.requests, evidence.control.requests
    total, target = served + control, step.share_ppm / WHOLE_PPM
    low, high = _share_band(target, total)
    silent_seconds = evidence.until - max((bucket.end for bucket in evidence.buckets), default=evidence.until)
    silence = silent(silent_seconds)

    def judged(on_candidate: int, on_control: int) -> Verdict:
        x, n = served + on_candidate, total + on_candidate + on_control
        if not n or (not x and not step.is_shadow):
            return Verdict.INCONCLUSIVE
        least, most = _share_band(target, n)
        if not least <= x / n <= most:
            return Verdict.FAIL
        waits = silence and not (on_candidate or on_control)
        return Verdict.INCONCLUSIVE if waits else Verdict.PASS

    verdict = judged(0, 0)
    either = (_flips(verdict, lambda count: judged(count, 0)), _flips(verdict, lambda count: judged(0, count)))
    flips = min((count for count, _ in either if count is not None), default=None)
    numbers = Numbers(
        trials=total,
        events=served,
        rate=served / total if total else None,
        target=target,
        limit=min(1.0, high),
        limit_low=max(0.0, low),
        needs_trials={Verdict.PASS: 0, Verdict.INCONCLUSIVE: 1}.get(verdict),
        flips_after=flips,
        flips_to=None if flips is None else Verdict.FAIL,
    )
    if total == 0:
        return Check("share", verdict, Consequence.ASK, "no request has been measured yet", numbers)
    seen = f"the candidate served {served} of {total} requests ({100 * served / total:.2f} %)"
    if verdict is Verdict.INCONCLUSIVE:
        if silence and (served or step.is_shadow):
            numbers = numbers._replace(silent_seconds=silent_seconds)
            return Check("share", verdict, Consequence.ASK, f"{seen}; {silence}", numbers)
        return Check("share", verdict, Consequence.ASK, f"{seen}, so nothing is known of it", numbers)
    line = "in line with" if verdict is Verdict.PASS else "out of line with"
    reason = f"{seen}, {line} the {format_percent(step.share_ppm)} configured"
    return Check("share", verdict, Consequence.ASK, reason, numbers)


def _share_band(target: float, requests: int) -> tuple[float, float]:
    slack = SIGMAS * sqrt(target * (1 - target) / max(1.0, requests / REQUESTS_PER_USER_DAY))
    return min(target * SHARE_BAND[0], target - slack), max(target * SHARE_BAND[1], target + slack)
