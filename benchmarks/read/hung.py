"""What users wait for a candidate that hangs: beside a request without one, and beside a bare handler that waits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from statistics import median

from read_path.core.breaker import FAILURES_IN_A_ROW

from benchmarks.read.figure import Figure
from benchmarks.read.functions import BARE, EVENT, ROUTER
from benchmarks.read.house import House, adapter, house
from benchmarks.read.sandbox import Sandbox, sandbox
from benchmarks.read.turns import P99, by_turns, p99

SLEEPER = "benchmarks.read.sleeper.handler"
SPARED = 300


def hanging(asked: int, deadline_ms: int) -> list[Figure]:
    """What users wait for a candidate that hangs, `asked` times by turns with what it is held against.

    The candidate answers after each failure, so that the breaker stays closed and each request is a sample. A bare
    handler that sleeps as long tells what the machine adds to whoever waits: how late it wakes him.
    """
    with house() as home, house() as mock, ExitStack() as stack:
        home.flags, mock.flags = adapter(1_000_000, deadline_ms), adapter(0)
        hung = stack.enter_context(sandbox(ROUTER, home.environment()))
        without = stack.enter_context(sandbox(ROUTER, mock.environment()))
        sleeper = stack.enter_context(sandbox(SLEEPER, {"SLEEP_MS": str(deadline_ms)}))
        bare = stack.enter_context(sandbox(BARE, {}))
        runs: dict[str, Callable[[], float]] = {
            "hung": partial(_hung, hung, home),
            "without": partial(_seconds, without),
            "slept": partial(_seconds, sleeper),
            "bare": partial(_seconds, bare),
        }
        waited = by_turns(runs, asked, warm=3)
        spared = _spared(hung, without, home, deadline_ms)
    worst = {name: p99([each * 1000 for each in seconds]) for name, seconds in waited.items()}
    p50 = {name: median(seconds) * 1000 for name, seconds in waited.items()}
    open_p50 = {name: median(seconds) * 1000 for name, seconds in spared.items()}
    least = f"{deadline_ms} ms"
    return [
        Figure(
            f"hung candidate, deadline {least}: p99 beyond the deadline and a request without a candidate",
            worst["hung"].value - deadline_ms - p50["without"],
            f"{_ms(worst['hung'])} − {least} − {p50['without']:.1f} ms",
            at_most=10,
        ),
        Figure(
            "— the machine's own: a bare handler that sleeps as long, p99 beyond that and a bare request",
            worst["slept"].value - deadline_ms - p50["bare"],
            f"{_ms(worst['slept'])} − {least} − {p50['bare']:.1f} ms",
        ),
        Figure(
            "— p99 beyond the bare handler that sleeps as long",
            worst["hung"].value - worst["slept"].value,
            f"{asked} of each, by turns",
            at_most=10,
        ),
        Figure("— p50 beyond it", p50["hung"] - p50["slept"], f"{p50['hung']:.1f} ms − {p50['slept']:.1f} ms"),
        Figure(
            "— added with the breaker open, p50",
            open_p50["hung"] - open_p50["without"],
            f"{open_p50['hung']:.2f} ms − {open_p50['without']:.2f} ms",
            at_most=1.0,
        ),
    ]


def _hung(box: Sandbox, home: House) -> float:
    """One request that waits for its deadline; one that is answered before it, so that no five in a row hang."""
    home.behave("answers")
    box.invoke(EVENT)
    home.behave("hangs")
    return _seconds(box)


def _spared(hung: Sandbox, without: Sandbox, home: House, deadline_ms: int) -> dict[str, list[float]]:
    """Requests under an open breaker, and without a candidate; those that were its probes are left out."""
    home.behave("hangs")
    for _ in range(FAILURES_IN_A_ROW):
        hung.invoke(EVENT)
    waited = by_turns({"hung": partial(_seconds, hung), "without": partial(_seconds, without)}, SPARED, warm=0)
    return {name: [each for each in seconds if each < deadline_ms / 1000] for name, seconds in waited.items()}


def _seconds(box: Sandbox) -> float:
    return box.invoke(EVENT)[1]


def _ms(found: P99) -> str:
    return f"{found.value:.1f} ms ({found.low:.1f}–{found.high:.1f})"
