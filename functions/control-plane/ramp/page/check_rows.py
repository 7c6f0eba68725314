"""The checks as rows: the verdict, the numbers against their limits, and what would change it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from ramp.core.check import Consequence, Verdict
from ramp.core.judgement import about, count, duration, percent

Numbers = Mapping[str, Any]

LEADS_TO = {Consequence.ROLL_BACK: "rolls the ramp back", Consequence.ASK: "asks people"}
TITLES = {
    "errors": "Failures",
    "errors against control": "Failures against control",
    "shadow errors": "Failures in shadow",
    "shadow failures": "Failures in shadow",
    "mismatches": "Answers that differ",
    "latency": "Latency",
    "shadow latency": "Latency in shadow",
    "shadow p95": "p95 in shadow",
    "share": "Traffic share",
}
ALARM = "alarm "
BAD_ONES = {
    "errors": "failures",
    "errors against control": "failures",
    "shadow errors": "failures",
    "mismatches": "differing answers",
    "latency": "slow answers",
    "shadow latency": "slow answers",
    "misrouted": "misrouted requests",
}


@dataclass(frozen=True)
class Gauge:
    """A rate between its bounds against its limits, 0–100 along a scale that bends, so that 0.1 % is visible."""

    rate: float
    low: float
    high: float
    limit: float | None
    go_limit: float | None


@dataclass(frozen=True)
class CheckRow:
    """`tone` is good, unsure or bad; `change` is what would change the verdict, `trace_id` what shows it."""

    title: str
    verdict: str
    tone: str
    reason: str
    bounds: str
    change: str
    gauge: Gauge | None
    is_alarm: bool
    trace_id: str


def rows(checks: Sequence[Mapping[str, Any]]) -> tuple[CheckRow, ...]:
    """Every check of a look, the ones that do not pass first."""
    severity = {verdict: -index for index, verdict in enumerate(Verdict)}
    found = [_row(check) for check in checks]
    return tuple(sorted(found, key=lambda row: (severity[Verdict(row.verdict)], row.is_alarm)))


def tone(verdict: str) -> str:
    """The colour of a verdict, by name."""
    return {Verdict.PASS: "good", Verdict.INCONCLUSIVE: "unsure", Verdict.FAIL: "bad"}[Verdict(verdict)]


def _row(check: Mapping[str, Any]) -> CheckRow:
    name, numbers = str(check["name"]), check["numbers"]
    is_alarm = name.startswith(ALARM)
    reason = _seen(str(check["reason"]), numbers)
    return CheckRow(
        title=name.removeprefix(ALARM) if is_alarm else TITLES.get(name, name.capitalize()),
        verdict=check["verdict"],
        tone=tone(check["verdict"]),
        reason=reason[:1].upper() + reason[1:],
        bounds="" if is_alarm else "; ".join(_bounds(numbers)),
        change=what_would_change(check),
        gauge=_gauge(numbers),
        is_alarm=is_alarm,
        trace_id=check.get("trace_id") or "",
    )


def what_would_change(check: Mapping[str, Any]) -> str:
    """One sentence on what would give another verdict."""
    verdict, consequence, numbers = Verdict(check["verdict"]), Consequence(check["consequence"]), check["numbers"]
    if str(check["name"]).startswith(ALARM):
        return "The alarm going off would roll the ramp back." if verdict is Verdict.PASS else "Only the alarm itself."
    if verdict is Verdict.FAIL and consequence is Consequence.ROLL_BACK:
        return "Nothing in this ramp: proven harm rolls back."
    if verdict is Verdict.FAIL:
        return "A person who accepts it, or fresh evidence that brings it back within its limits."
    bad_ones = BAD_ONES.get(check["name"])
    parts = [*_towards_pass(verdict, numbers), *_towards_fail(consequence, numbers, bad_ones)]
    return f"{'; '.join(parts)}.".capitalize() if parts else _by_limit(consequence, numbers)


def _seen(reason: str, numbers: Numbers) -> str:
    """What was counted; a proof's reason goes on to say what the row tells in places of their own."""
    return reason.partition("; ")[0] if numbers.get("alpha") is not None else reason


def _towards_pass(verdict: Verdict, numbers: Numbers) -> Iterator[str]:
    needs, seconds = numbers.get("needs_trials"), numbers.get("needs_seconds")
    if verdict is Verdict.PASS or not needs:
        return
    when = f", {duration(seconds)} at this traffic" if seconds is not None else ""
    yield f"about {about(int(needs))} more clean ones would make it pass{when}"


def _towards_fail(consequence: Consequence, numbers: Numbers, bad_ones: str | None) -> Iterator[str]:
    flips = numbers.get("flips_after")
    if not flips or bad_ones is None:
        return
    then = "roll the ramp back" if consequence is Consequence.ROLL_BACK else "ask people"
    if numbers.get("flips_to") == Verdict.INCONCLUSIVE:
        then = "take the pass away"
    yield f"{count(flips)} {f'{bad_ones} in a row' if flips > 1 else bad_ones.removesuffix('s')} would {then}"


def _by_limit(consequence: Consequence, numbers: Numbers) -> str:
    then = LEADS_TO[consequence]
    if (limit_ms := numbers.get("limit_ms")) is not None:
        return f"A p95 above {limit_ms:.0f} ms {then}."
    if (limit := numbers.get("limit")) is not None:
        low = numbers.get("limit_low")
        return f"{f'Below {percent(low)} or above' if low is not None else 'Above'} {percent(limit)} it {then}."
    return f"More evidence; a failure {then}."


def _bounds(numbers: Numbers) -> Iterator[str]:
    for name, words in (("go_limit", "go within"), ("limit_low", "not under"), ("limit", "not above")):
        if (value := numbers.get(name)) is not None:
            yield f"{words} {percent(value)}"
    for name, words in (("go_limit_ms", "go up to"), ("limit_ms", "not above")):
        if (value := numbers.get(name)) is not None:
            yield f"{words} {value:.0f} ms"
    if (target := numbers.get("target")) is not None:
        yield f"planned {percent(target)}"


def _gauge(numbers: Numbers) -> Gauge | None:
    rate, limit = numbers.get("rate"), numbers.get("limit")
    if rate is None or not limit:  # where nothing at all is allowed there is no scale
        return None
    low, high = numbers.get("rate_low"), numbers.get("rate_high")
    low, high = rate if low is None else low, rate if high is None else high
    go_limit = numbers.get("go_limit")
    top = max(2 * limit, min(high, 4 * limit), rate, 1.2 * (go_limit or 0)) or 1.0

    def place(value: float) -> float:
        return round(100 * sqrt(min(1.0, value / top)), 2)

    return Gauge(
        rate=place(rate),
        low=place(low),
        high=place(high),
        limit=place(limit),
        go_limit=None if go_limit is None else place(go_limit),
    )
