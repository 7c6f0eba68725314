"""The exemplar of a check that does not pass: one request that shows it, found among the read path's own log lines.

A line carries what its request counts (docs/wire.md, Metrics), so the metric that a check counts names its lines.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from ramp.core.check import Verdict

TRACE_ID = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")  # Source: AWS X-Ray developer guide, "Trace ID format"


class Source(StrEnum):
    """Whose lines."""

    ROUTER = "router"
    COMPARATOR = "comparator"


class Sign(NamedTuple):
    """Lines of `source` whose message begins with `prefix` and that count in `metric`; "" is any.

    `by_time`: the slowest shows it best, instead of the newest.
    """

    source: Source
    prefix: str = ""
    metric: str = ""
    by_time: bool = False


_SERVED = Sign(Source.ROUTER, "[PRISMA-ERROR]", "errors")
_SHADOWED = Sign(Source.COMPARATOR, "[SHADOW-FAILED]", "errors")
_SLOW = tuple(Sign(Source.ROUTER, prefix, by_time=True) for prefix in ("[CANARY-SUCCESS]", "[PRISMA-ERROR]"))
_SLOW_IN_SHADOW = tuple(Sign(Source.COMPARATOR, prefix, by_time=True) for prefix in ("[SHADOW-OK]", "[SHADOW-FAILED]"))
# By the names of the checks of both gates; the first sign that is found is taken. An alarm and the share have none.
SIGNS: Mapping[str, tuple[Sign, ...]] = {
    "errors": (_SERVED, _SHADOWED),
    "errors against control": (_SERVED,),
    "shadow errors": (_SHADOWED,),
    "shadow failures": (_SHADOWED,),
    "mismatches": (Sign(Source.COMPARATOR, "[SHADOW-DIFF]", "mismatches"),),
    "latency": (*_SLOW, *_SLOW_IN_SHADOW),
    "shadow latency": _SLOW_IN_SHADOW,
    "shadow p95": _SLOW_IN_SHADOW,
    "misrouted": (Sign(Source.ROUTER, metric="misrouted"),),
}


def signs(check: Mapping[str, Any]) -> tuple[Sign, ...]:
    """What shows this check of a look's document; nothing when it passes, or when nothing has spoken against it."""
    if check["verdict"] == Verdict.PASS or check["numbers"].get("events") == 0:
        return ()
    return SIGNS.get(str(check["name"]), ()) if _has_data(check) else ()


def _has_data(check: Mapping[str, Any]) -> bool:
    numbers = check["numbers"]
    return bool(numbers.get("trials") or numbers.get("p95_ms"))


def exemplar(lines: Iterable[str], sign: Sign, ramp: str, step: int) -> str | None:
    """The trace id on the line of `step` that shows `sign` best; one that X-Ray left out only for want of others.

    `lines` come oldest first, whatever stands in them.
    """
    best = max(enumerate(_shown(lines, sign, (ramp, str(step)))), key=lambda found: _rank(found, sign), default=None)
    return best[1]["xray_trace_id"] if best else None


def _shown(lines: Iterable[str], sign: Sign, phase: tuple[str, str]) -> Iterator[Mapping[str, Any]]:
    for text in lines:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and (line.get("ramp"), line.get("step")) == phase and _counts(line, sign):
            yield line


def _counts(line: Mapping[str, Any], sign: Sign) -> bool:
    if not str(line.get("message")).startswith(sign.prefix) or not TRACE_ID.fullmatch(str(line.get("xray_trace_id"))):
        return False
    return line.get(sign.metric) == 1 if sign.metric else _is_number(line.get("duration_ms"))


def _rank(found: tuple[int, Mapping[str, Any]], sign: Sign) -> tuple[bool, float]:
    place, line = found
    return line.get("xray_sampled") is not False, line["duration_ms"] if sign.by_time else place


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
