"""The charts: series over the ramp's time, one value a look, as the browser's chart library takes them.

Counts are of the step so far, so every line begins anew where a step does, after a gap.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ramp.core.judgement import percent
from ramp.core.units import WHOLE_PPM
from ramp.core.wilson import Z_TWO_SIDED_95, wilson
from ramp.page.records import Records

ERROR_CHECKS = ("errors", "shadow errors", "shadow failures")


@dataclass(frozen=True)
class Line:
    """One line, a band between `low` and `high`. `role` names its colour: control, candidate, limit, plan."""

    label: str
    role: str
    values: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Chart:
    """`unit` is `%` or `ms`; `times` are epoch seconds; `summary` says in words what the picture shows."""

    key: str
    title: str
    unit: str
    note: str
    summary: str
    times: tuple[float, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Boundary:
    """Where a step begins, in epoch seconds."""

    at: float
    title: str


Look = Mapping[str, Any]
Cell = tuple[float | None, float | None, float | None]  # value, low, high
NOTHING: Cell = (None, None, None)


def charts(records: Records) -> tuple[Chart, ...]:
    """The four pictures of a ramp."""
    rows = _with_gaps(records.looks)
    times = tuple(at for at, _ in rows)
    looks = [look for _, look in rows]
    return (
        _errors(times, looks),
        _p95(times, looks),
        _mismatches(times, looks),
        _share(times, looks, records),
    )


def boundaries(records: Records) -> tuple[Boundary, ...]:
    """The beginning of every step that the ramp came to."""
    steps = records.state.plan.steps
    found = {0: records.state.started_at}
    for before, look in zip(records.looks, records.looks[1:], strict=False):
        if look["step"] != before["step"]:
            found[look["step"]] = before["at"]
    if records.state.step not in found and records.state.step_started_at:
        found[records.state.step] = records.state.step_started_at
    return tuple(Boundary(at, steps[step].title) for step, at in sorted(found.items()))


def _with_gaps(looks: Sequence[Look]) -> list[tuple[float, Look | None]]:
    rows: list[tuple[float, Look | None]] = []
    for before, look in zip((None, *looks), looks, strict=False):
        if before is not None and before["step"] != look["step"]:
            rows.append((before["at"] + min(0.5, (look["at"] - before["at"]) / 2), None))
        rows.append((look["at"], look))
    return rows


def _errors(times: tuple[float, ...], looks: Sequence[Look | None]) -> Chart:
    control = _line("control", "control", looks, _control_errors)
    candidate = _line("candidate", "candidate", looks, _candidate_errors)
    limit = _line("rolls back above", "limit", looks, lambda look: _limit(look, ERROR_CHECKS))
    return Chart(
        key="errors",
        title="Failures",
        unit="%",
        note="of the reads since the step began; bands are where the true rate may lie",
        summary=_summary("Failure rate", control, candidate, limit),
        times=times,
        lines=(control, candidate, limit),
    )


def _p95(times: tuple[float, ...], looks: Sequence[Look | None]) -> Chart:
    control = _line("control", "control", looks, lambda look: (look["evidence"]["control"]["p95_ms"], None, None))
    candidate = _line("candidate", "candidate", looks, lambda look: (_arm(look)["p95_ms"], None, None))
    return Chart(
        key="p95",
        title="p95 latency",
        unit="ms",
        note="the time that 95 % of the reads stay under",
        summary=_summary("p95", control, candidate, None, _milliseconds),
        times=times,
        lines=(control, candidate),
    )


def _mismatches(times: tuple[float, ...], looks: Sequence[Look | None]) -> Chart:
    candidate = _line("answers that differ", "candidate", looks, _mismatch_rate)
    limit = _line("asks above", "limit", looks, lambda look: _limit(look, ("mismatches",)))
    return Chart(
        key="mismatches",
        title="Answers that differ",
        unit="%",
        note="of all answers compared with control's, served and in shadow",
        summary=_summary("Share of differing answers", None, candidate, limit),
        times=times,
        lines=(candidate, limit),
    )


def _share(times: tuple[float, ...], looks: Sequence[Look | None], records: Records) -> Chart:
    steps = records.state.plan.steps
    plan = _line("planned", "plan", looks, lambda look: (steps[look["step"]].share_ppm / WHOLE_PPM, None, None))
    served = _line("served by the candidate", "candidate", looks, _served_share)
    return Chart(
        key="share",
        title="Traffic on the candidate",
        unit="%",
        note="of users' requests, as counted, against the plan",
        summary=_summary("Traffic share", None, served, plan),
        times=times,
        lines=(plan, served),
    )


def _line(label: str, role: str, looks: Sequence[Look | None], cell: Callable[[Look], Cell]) -> Line:
    cells = [NOTHING if look is None else cell(look) for look in looks]
    values, low, high = zip(*cells, strict=True) if cells else ((), (), ())
    has_band = any(value is not None for value in low)
    return Line(label, role, values, low if has_band else (), high if has_band else ())


def _arm(look: Look) -> Mapping[str, Any]:
    """The candidate where it serves users, else in shadow."""
    evidence: Mapping[str, Any] = look["evidence"]
    served: Mapping[str, Any] = evidence["candidate"]
    return served if served["requests"] else evidence["shadow"]


def _control_errors(look: Look) -> Cell:
    control = look["evidence"]["control"]
    return _rate(control["errors"], control["requests"])


def _candidate_errors(look: Look) -> Cell:
    arm = _arm(look)
    return _rate(arm["discordant_errors"], arm["requests"])


def _mismatch_rate(look: Look) -> Cell:
    evidence = look["evidence"]
    return _rate(*(evidence["candidate"][name] + evidence["shadow"][name] for name in ("mismatches", "comparisons")))


def _served_share(look: Look) -> Cell:
    evidence = look["evidence"]
    served = evidence["candidate"]["requests"]
    total = served + evidence["control"]["requests"]
    return (served / total if total else None), None, None


def _rate(events: int, trials: int) -> Cell:
    return (events / trials, *wilson(events, trials, Z_TWO_SIDED_95)) if trials else NOTHING


def _limit(look: Look, names: tuple[str, ...]) -> Cell:
    limits = {check["name"]: check["numbers"].get("limit") for check in look["checks"]}
    return next((limits[name] for name in names if limits.get(name) is not None), None), None, None


def _summary(
    what: str, control: Line | None, candidate: Line, limit: Line | None, shown: Callable[[float], str] = percent
) -> str:
    """The last values in words, for those who do not see the picture."""
    parts = []
    for line in (control, candidate, limit):
        last = next((value for value in reversed(line.values) if value is not None), None) if line else None
        if line and last is not None:
            parts.append(f"{line.label} {shown(last)}")
    return f"{what}: {', '.join(parts)}." if parts else f"{what}: nothing has been measured yet."


def _milliseconds(value: float) -> str:
    return f"{value:.0f} ms"
