"""The scenario language: what goes wrong with an arm, how badly, and when.

    errors=5%@2h,latency=+40%@30m..6h,mismatch=2%,outage=10m@6h,down@1d,cluster=5

| word | means |
| --- | --- |
| `errors=5%` | that share of its reads fails |
| `live-errors=5%` | the same, of users' requests only: shadow does not show it |
| `latency=+40%`, `latency=+80ms` | its reads take that much longer than control's |
| `mismatch=2%` | that share of its answers differs from control's |
| `outage=10m` | every read fails, for that long |
| `down` | every read fails, from then on |
| `cluster=5` | its failures come in clusters of that many on average |
| `broken-users=5%` | that share of users: each of their reads of the candidate fails |
| `cold-starts` | the first reads of every step are slow, and a few time out |
| `broken-account` | (of control) one user's requests fail, whichever arm serves them |

`@2h` says when it begins, in time since the ramp began; without it, at once. `@2h..6h` lets it grow until then. A later
fault of one kind takes the place of an earlier one, so `errors=5%@2h,errors=0.1%@3h` is an hour of trouble. The last
four are there all the time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf

from rampctl.exits import USAGE, CommandError
from rampctl.rehearsal.units import seconds, share

KINDS = ("errors", "live-errors", "latency", "mismatch", "outage", "down", "cluster", "broken-users", "cold-starts")
OF_CONTROL = ("errors", "latency", "outage", "down", "cluster", "broken-account")
WITHOUT_VALUE = ("down", "cold-starts", "broken-account")
WITHOUT_MOMENT = ("cluster", "broken-users", "cold-starts", "broken-account")
GROWING = ("errors", "live-errors", "latency", "mismatch")
CLUSTER_MAX = 1_000.0
ITEM = re.compile(r"(?P<kind>[a-z-]+)(?:=(?P<value>[^@]*))?(?:@(?P<at>.*))?")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
SLOWER_PERCENT = re.compile(r"\+(\d+(?:\.\d+)?)%")
SLOWER_MS = re.compile(r"\+(\d+(?:\.\d+)?)ms")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong from `at` to `until`, in seconds since the ramp began; whole from `whole_at` on.

    `size` is the mean size of a cluster. `rate` (0–1) is the share of reads, answers or users; of latency, `factor` and
    `extra_ms` are what control's time is multiplied with and what comes on top.
    """

    kind: str
    at: float = 0.0
    until: float = inf
    rate: float = 0.0
    factor: float = 1.0
    extra_ms: float = 0.0
    size: float = 1.0
    whole_at: float = 0.0


def parse(option: str, text: str, kinds: tuple[str, ...] = KINDS) -> tuple[Fault, ...]:
    """The faults in `text`, in its order; none for an empty one. `option` is what messages call it.

    Raises:
        CommandError: with every fault of the text, each with its column (from 1).
    """
    found: list[Fault] = []
    wrong: list[str] = []
    for column, item in _items(text):
        try:
            found.append(_fault(item, kinds))
        except ValueError as error:
            wrong.append(f"{option}: column {column}: {error}")
    if wrong:
        raise CommandError("\n".join(wrong), USAGE)
    return tuple(found)


def _items(text: str) -> Iterator[tuple[int, str]]:
    column = 1
    for raw in text.split(",") if text.strip() else ():
        yield column + len(raw) - len(raw.lstrip()), raw.strip()
        column += len(raw) + 1


def _fault(item: str, kinds: tuple[str, ...]) -> Fault:
    parts = ITEM.fullmatch(item)
    if parts is None or parts["kind"] not in kinds:
        raise ValueError(f"is no fault, got {item!r}, expected one of {', '.join(kinds)}")
    kind, value = parts["kind"], parts["value"]
    at, whole_at = _moments(kind, parts["at"])
    if kind in WITHOUT_VALUE:
        if value is not None:
            raise ValueError(f"{kind} takes no value, got {value!r}, expected {kind}")
        return Fault(kind, at, rate=1.0)
    if value is None:
        raise ValueError(f"{kind} needs a value, got {item!r}, expected {_EXAMPLES[kind]}")
    if kind == "outage":
        return Fault(kind, at, at + seconds(value), rate=1.0)
    if kind == "cluster":
        return Fault(kind, size=_size(value))
    return replace(_slower(value) if kind == "latency" else Fault(kind, rate=share(value)), at=at, whole_at=whole_at)


def _moments(kind: str, text: str | None) -> tuple[float, float]:
    """When it begins, and when it is whole."""
    if text is None:
        return 0.0, 0.0
    if kind in WITHOUT_MOMENT:
        raise ValueError(f"{kind} has no moment, got @{text}, expected it without")
    begins, grows, whole = text.partition("..")
    at = seconds(begins)
    if not grows:
        return at, 0.0
    if kind not in GROWING:
        raise ValueError(f"{kind} does not grow, got @{text}, expected one moment like @2h")
    whole_at = seconds(whole)
    if whole_at <= at:
        raise ValueError(f"{kind} is whole before it begins, got @{text}, expected a later moment after ..")
    return at, whole_at


def _size(value: str) -> float:
    if NUMBER.fullmatch(value) is None or not 1 <= float(value) <= CLUSTER_MAX:
        raise ValueError(f"is no size of a cluster, got {value!r}, expected 1 to {CLUSTER_MAX:,.0f}, like 5")
    return float(value)


_EXAMPLES = {
    "errors": "errors=5%",
    "live-errors": "live-errors=5%",
    "latency": "latency=+40%",
    "mismatch": "mismatch=2%",
    "outage": "outage=10m",
    "cluster": "cluster=5",
    "broken-users": "broken-users=5%",
}


def _slower(value: str) -> Fault:
    if percent := SLOWER_PERCENT.fullmatch(value):
        return Fault("latency", factor=1 + float(percent[1]) / 100)
    if extra := SLOWER_MS.fullmatch(value):
        return Fault("latency", extra_ms=float(extra[1]))
    raise ValueError(f"is no slow-down, got {value!r}, expected +40% or +80ms")
