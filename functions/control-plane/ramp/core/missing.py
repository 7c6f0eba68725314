"""Missing data: why a check has nothing to count, in a code for machines and in words that say where to look."""

from collections.abc import Iterable

from ramp.core.check import Check, Missing, Verdict
from ramp.core.evidence import Evidence
from ramp.core.judgement import count, duration
from ramp.core.silence import WHERE
from ramp.core.state import RampState


def explained(checks: Iterable[Check], state: RampState, evidence: Evidence, now: float) -> tuple[Check, ...]:
    """The checks, the ones without a single trial with the reason for that; `now` in epoch seconds.

    A check whose arm has counts, and none that tell anything (both arms failed, say), keeps its own words.
    """
    found = _missing(state, evidence, now)
    return tuple(_with(check, *found) if found and _is_empty(check) else check for check in checks)


def _is_empty(check: Check) -> bool:
    return check.verdict is Verdict.INCONCLUSIVE and check.numbers.trials == 0


def _with(check: Check, missing: Missing, words: str) -> Check:
    return check._replace(reason=words, numbers=check.numbers._replace(missing=missing))


def _missing(state: RampState, evidence: Evidence, now: float) -> tuple[Missing, str] | None:
    """The reason for the arm that the step is about: shadow reads at shadow, else users' requests."""
    control, settings = evidence.control.requests, state.plan.evidence
    reads = evidence.shadow.requests if state.current.is_shadow else evidence.candidate.requests
    if reads:
        return None
    if evidence.until <= state.step_started_at:
        first_period = (state.step_started_at // settings.period_seconds + 1) * settings.period_seconds
        wait_seconds = max(1.0, first_period + settings.delay_seconds - now)
        return Missing.NOT_ARRIVED, (
            f"not arrived yet: the first period of this step can be judged in {duration(wait_seconds)}"
        )
    if not (control or evidence.candidate_reads):
        return Missing.NO_SERIES, (
            f"the series does not exist: CloudWatch has no datapoint of any arm under ramp {state.ramp}, step "
            f"{state.step}, {duration(now - state.step_started_at)} after it began; {WHERE}"
        )
    return Missing.NO_TRAFFIC, _no_traffic(state, control)


def _no_traffic(state: RampState, control: int) -> str:
    served = f"no traffic: control served {count(control)} requests"
    if not state.current.is_shadow:
        return (
            f"{served} and the candidate none at {state.current.title}; look whether any user falls into the share, "
            "and whether the router has read the flag"
        )
    if not state.plan.shadow.sample_ppm:
        return f"{served} and none was read in shadow, since shadow.sample_percent is 0"
    return (
        f"{served} and none was read in shadow; look at dispatch_errors of control, at the comparator's log, and at "
        "shadow.sample_percent"
    )
