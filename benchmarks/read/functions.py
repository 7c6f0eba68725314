"""What the router costs: its start, a request, a comparison, and a candidate that misbehaves."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from statistics import median

from benchmarks.read.figure import Figure
from benchmarks.read.house import adapter, house, shadow
from benchmarks.read.sandbox import Sandbox, sandbox
from benchmarks.read.turns import by_turns, p99

BARE, ROUTER, POWERTOOLS, IDIOMATIC = (
    "benchmarks.read.bare.handler",
    "read_path.router.handler",
    "benchmarks.read.powertools.handler",
    "benchmarks.read.idiomatic.handler",
)
METERED = "benchmarks.read.metered.handler"
EVENT = {"userId": "user-1"}
DEADLINE_MS = 200
BATCHES = 100
_BATCH = 20  # requests between two readings of a process's processor time
TROUBLES = ("errors", "hangs", "throttles", "talks", "database down")


def starts(rounds: int) -> list[Figure]:
    """INIT: from the start of the process until the runtime client asks for its first event."""
    took: dict[str, list[Sandbox]] = {BARE: [], ROUTER: [], POWERTOOLS: [], IDIOMATIC: []}
    first: dict[str, list[float]] = {BARE: [], ROUTER: []}
    with house() as home:
        home.flags = adapter(0)
        for _ in range(rounds):
            for name, seen in took.items():
                with sandbox(name, home.environment()) as started:
                    seen.append(started)
                    if name in first:
                        _, seconds = started.invoke(EVENT)
                        first[name].append(started.init_seconds + seconds)
    wall = {name: median(each.init_seconds for each in seen) * 1000 for name, seen in took.items()}
    cold = {name: median(seconds) * 1000 for name, seconds in first.items()}

    def ratio(measure: str, ms: Mapping[str, float], name: str, at_most: float | None = None) -> Figure:
        return Figure(measure, ms[name] / ms[BARE], f"{ms[name]:.0f} ms ÷ {ms[BARE]:.0f} ms", at_most=at_most)

    return [
        ratio("router INIT ÷ bare handler INIT", wall, ROUTER, 2.0),
        ratio("— to the first answer, flags read over HTTP", cold, ROUTER),
        ratio("— the router with Powertools' Logger, Metrics and Tracer around it, INIT", wall, POWERTOOLS),
        ratio("— idiomatic Powertools with a boto3 client, INIT", wall, IDIOMATIC),
    ]


def warm(requests: int) -> list[Figure]:
    """A request of a warm sandbox, control serving: flag, bucket, metrics, log line, trace."""
    with house() as home, ExitStack() as stack:
        home.flags = adapter(500_000)  # user-1 falls to control's half
        names = (BARE, ROUTER, POWERTOOLS, IDIOMATIC)
        boxes = {name: stack.enter_context(sandbox(name, home.environment())) for name in names}
        wall = by_turns({name: partial(_seconds, box) for name, box in boxes.items()}, requests)
        used = by_turns({name: partial(_cpu_seconds, box) for name, box in boxes.items()}, BATCHES)
    cpu = {name: median(seconds) * 1e6 / _BATCH for name, seconds in used.items()}
    p50 = {name: median(seconds) * 1e6 for name, seconds in wall.items()}

    def ratio(measure: str, us: Mapping[str, float], name: str, at_most: float | None = None) -> Figure:
        return Figure(measure, us[name] / us[BARE], f"{us[name]:.0f} µs ÷ {us[BARE]:.0f} µs", at_most=at_most)

    return [
        ratio("router warm ÷ bare handler, p50 through the runtime client", p50, ROUTER, 2.5),
        ratio("— the same in processor time, runtime client included", cpu, ROUTER),
        ratio("— the router with Powertools around it, processor time", cpu, POWERTOOLS),
        ratio("— idiomatic Powertools, p50", p50, IDIOMATIC),
        ratio("— idiomatic Powertools, processor time", cpu, IDIOMATIC),
    ]


def shadowing(requests: int) -> list[Figure]:
    """What a comparison adds to the request: the same router with and without the shadow flag, by turns."""
    with house() as home, house() as comparing, ExitStack() as stack:
        home.flags, comparing.flags = adapter(0), adapter(0) | shadow()
        without = stack.enter_context(sandbox(METERED, home.environment()))
        compared = stack.enter_context(sandbox(METERED, comparing.environment()))
        cpu: dict[str, list[float]] = {"without": [], "with": []}
        runs = {name: partial(_metered, box, cpu[name]) for name, box in (("without", without), ("with", compared))}
        wall = by_turns(runs, requests)
    p50, worst = (by(cpu["with"]) - by(cpu["without"]) for by in (median, lambda took: p99(took).value))
    waited = (median(wall["with"]) - median(wall["without"])) * 1000
    return [
        Figure("added by shadowing, processor time on the path, p50", p50, f"{p50:.2f} ms", at_most=0.5),
        Figure("— p99", worst, f"{worst:.2f} ms", at_most=2.0),
        Figure("— wall time p50, comparator's endpoint on this machine", waited, f"{waited:.2f} ms"),
    ]


def troubles(requests: int) -> list[Figure]:
    """Every user on a candidate that misbehaves, with fallback: how many see a failure."""
    failures = 0
    with house() as home:
        home.flags = adapter(1_000_000, DEADLINE_MS)
        for trouble in TROUBLES:
            home.behave(trouble)
            with sandbox(ROUTER, home.environment()) as box:
                answers = [box.invoke({"userId": f"user-{number % 50 + 1}"}) for number in range(requests)]
            failures += sum(answer["statusCode"] != 200 for answer, _ in answers)  # noqa: PLR2004 - HTTP's own
    said = f"{failures} of {requests * len(TROUBLES)}"
    return [Figure("user-visible failures, candidate in trouble, fallback", failures, said, at_most=0)]


def _metered(box: Sandbox, cpu_ms: list[float]) -> float:
    answer, seconds = box.invoke(EVENT)
    cpu_ms.append(answer["body"])
    return seconds


def _seconds(box: Sandbox) -> float:
    return box.invoke(EVENT)[1]


def _cpu_seconds(box: Sandbox) -> float:
    """What a batch of requests uses of any processor."""
    before = box.cpu_seconds()
    for _ in range(_BATCH):
        box.invoke(EVENT)
    return box.cpu_seconds() - before
