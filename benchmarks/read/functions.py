"""What the router costs: its start, a request, a comparison, and a candidate that misbehaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from statistics import median, quantiles
from time import perf_counter, sleep

from read_path.core.breaker import FAILURES_IN_A_ROW

from benchmarks.read.figure import Figure
from benchmarks.read.house import House, adapter, house, shadow
from benchmarks.read.sandbox import Sandbox, sandbox

BARE, ROUTER, IDIOMATIC = (
    "benchmarks.read.bare.handler",
    "read_path.router.handler",
    "benchmarks.read.idiomatic.handler",
)
METERED = "benchmarks.read.metered.handler"
EVENT = {"userId": "user-1"}
DEADLINE_MS = 200
_BATCH = 20  # requests between two readings of a process's processor time
TROUBLES = ("errors", "hangs", "throttles", "talks", "database down")


def starts(rounds: int) -> list[Figure]:
    """INIT: from the start of the process until the runtime client asks for its first event."""
    took: dict[str, list[Sandbox]] = {BARE: [], ROUTER: [], IDIOMATIC: []}
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
    said = f"{wall[ROUTER]:.0f} ms ÷ {wall[BARE]:.0f} ms"
    peer = f"{wall[IDIOMATIC]:.0f} ms ÷ {wall[BARE]:.0f} ms"
    both = f"{cold[ROUTER]:.0f} ms ÷ {cold[BARE]:.0f} ms"
    return [
        Figure("router INIT ÷ bare handler INIT", wall[ROUTER] / wall[BARE], said, at_most=2.0),
        Figure("— to the first answer, flags read over HTTP", cold[ROUTER] / cold[BARE], both),
        Figure("— idiomatic Powertools with a boto3 client, INIT", wall[IDIOMATIC] / wall[BARE], peer),
    ]


def warm(requests: int) -> list[Figure]:
    """A request of a warm sandbox, control serving: flag, bucket, metrics, log line, trace."""
    with house() as home, ExitStack() as stack:
        home.flags = adapter(500_000)  # user-1 falls to control's half
        boxes = {name: stack.enter_context(sandbox(name, home.environment())) for name in (BARE, ROUTER, IDIOMATIC)}
        wall = _interleaved({name: partial(_seconds, box) for name, box in boxes.items()}, requests)
        used = _interleaved({name: partial(_cpu_seconds, box) for name, box in boxes.items()}, requests // _BATCH)
    cpu = {name: median(seconds) * 1000 / _BATCH for name, seconds in used.items()}
    p50 = {name: median(seconds) * 1e6 for name, seconds in wall.items()}
    return [
        Figure(
            "router warm ÷ bare handler, p50 through the runtime client",
            p50[ROUTER] / p50[BARE],
            f"{p50[ROUTER]:.0f} µs ÷ {p50[BARE]:.0f} µs",
            at_most=2.5,
        ),
        Figure(
            "— the same in processor time, runtime client included",
            cpu[ROUTER] / cpu[BARE],
            f"{cpu[ROUTER] * 1000:.0f} µs ÷ {cpu[BARE] * 1000:.0f} µs",
        ),
        Figure(
            "— idiomatic Powertools, p50",
            p50[IDIOMATIC] / p50[BARE],
            f"{p50[IDIOMATIC]:.0f} µs ÷ {p50[BARE]:.0f} µs",
        ),
        Figure(
            "— idiomatic Powertools, processor time",
            cpu[IDIOMATIC] / cpu[BARE],
            f"{cpu[IDIOMATIC] * 1000:.0f} µs ÷ {cpu[BARE] * 1000:.0f} µs",
        ),
    ]


def shadowing(requests: int) -> list[Figure]:
    """What a comparison adds to the request: the same router with and without the shadow flag, by turns."""
    with house() as home, house() as comparing, ExitStack() as stack:
        home.flags, comparing.flags = adapter(0), adapter(0) | shadow()
        without = stack.enter_context(sandbox(METERED, home.environment()))
        compared = stack.enter_context(sandbox(METERED, comparing.environment()))
        cpu: dict[str, list[float]] = {"without": [], "with": []}
        runs = {name: partial(_metered, box, cpu[name]) for name, box in (("without", without), ("with", compared))}
        wall = _interleaved(runs, requests)
    p50, p99 = (by(cpu["with"]) - by(cpu["without"]) for by in (median, _p99))
    waited = (median(wall["with"]) - median(wall["without"])) * 1000
    return [
        Figure("added by shadowing, processor time on the path, p50", p50, f"{p50:.2f} ms", at_most=0.5),
        Figure("— p99", p99, f"{p99:.2f} ms", at_most=2.0),
        Figure("— wall time p50, comparator's endpoint on this machine", waited, f"{waited:.2f} ms"),
    ]


def troubles(requests: int) -> list[Figure]:
    """Every user on a candidate that misbehaves, with fallback: how many see a failure."""
    failures = 0
    with house() as home:
        home.flags = adapter(1_000_000, DEADLINE_MS)
        for trouble in TROUBLES:
            home.candidate = trouble
            with sandbox(ROUTER, home.environment()) as box:
                answers = [box.invoke({"userId": f"user-{number % 50 + 1}"}) for number in range(requests)]
            failures += sum(answer["statusCode"] != 200 for answer, _ in answers)  # noqa: PLR2004 - HTTP's own
    said = f"{failures} of {requests * len(TROUBLES)}"
    return [Figure("user-visible failures, candidate in trouble, fallback", failures, said, at_most=0)]


def hanging(asked: int) -> list[Figure]:
    """What users wait for a candidate that hangs, against the same request with no candidate to ask, by turns.

    The candidate answers after every few failures, so that the breaker stays closed and each request is a sample. What
    the machine itself adds to a wait is shown beside it: how late it wakes who sleeps for as long as the deadline.
    """
    with house() as home, house() as mock, ExitStack() as stack:
        home.flags, mock.flags = adapter(1_000_000, DEADLINE_MS), adapter(0)
        hung = stack.enter_context(sandbox(ROUTER, home.environment()))
        without = stack.enter_context(sandbox(ROUTER, mock.environment()))
        runs: dict[str, Callable[[], float]] = {
            "hung": partial(_hung, hung, home),
            "without": partial(_seconds, without),
            "slept": _oversleep,
        }
        waited = _interleaved(runs, asked, warm=1)
        spared = _spared(hung, without, home, asked)
    p99 = {name: _p99(seconds) * 1000 for name, seconds in waited.items()}
    over = p99["hung"] - DEADLINE_MS - p99["without"]
    said = f"{p99['hung']:.1f} ms − {DEADLINE_MS} ms − {p99['without']:.1f} ms, {asked} asked"
    p50 = {name: median(seconds) * 1000 for name, seconds in spared.items()}
    return [
        Figure("hung candidate: p99 wait beyond the deadline and a request without one", over, said, at_most=10),
        Figure("— a sleep as long as the deadline, woken late, p99", p99["slept"], f"{p99['slept']:.1f} ms"),
        Figure(
            "— added with the breaker open, p50",
            p50["hung"] - p50["without"],
            f"{p50['hung']:.2f} ms − {p50['without']:.2f} ms",
            at_most=1.0,
        ),
    ]


def _hung(box: Sandbox, home: House) -> float:
    """One request that waits for its deadline; one that is answered before it, so that no five in a row hang."""
    home.candidate = "answers"
    box.invoke(EVENT)
    home.candidate = "hangs"
    return _seconds(box)


def _oversleep() -> float:
    started = perf_counter()
    sleep(DEADLINE_MS / 1000)
    return perf_counter() - started - DEADLINE_MS / 1000


def _spared(hung: Sandbox, without: Sandbox, home: House, requests: int) -> dict[str, list[float]]:
    """Requests under an open breaker, and without a candidate; those that were its probes are left out."""
    home.candidate = "hangs"
    for _ in range(FAILURES_IN_A_ROW):
        hung.invoke(EVENT)
    waited = _interleaved({"hung": partial(_seconds, hung), "without": partial(_seconds, without)}, requests, warm=0)
    return {name: [each for each in seconds if each < DEADLINE_MS / 1000] for name, seconds in waited.items()}


def _metered(box: Sandbox, cpu_ms: list[float]) -> float:
    answer, seconds = box.invoke(EVENT)
    cpu_ms.append(answer["body"])
    return seconds


def _seconds(box: Sandbox) -> float:
    return box.invoke(EVENT)[1]


def _interleaved(runs: Mapping[str, Callable[[], float]], times: int, warm: int = 50) -> dict[str, list[float]]:
    """Each run by turns, so that whatever else the machine does falls on all alike."""
    took: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        for _ in range(warm):
            run()
    for _ in range(times):
        for name, run in runs.items():
            took[name].append(run())
    return took


def _cpu_seconds(box: Sandbox) -> float:
    """What a batch of requests uses of any processor."""
    before = box.cpu_seconds()
    for _ in range(_BATCH):
        box.invoke(EVENT)
    return box.cpu_seconds() - before


def _p99(values: list[float]) -> float:
    return quantiles(values, n=100)[98]
