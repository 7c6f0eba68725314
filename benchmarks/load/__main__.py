"""`make bench-load`: five minutes of as many reads as this machine serves, all compared, the database gone in between.

Prints each figure beside its goal; exit code 1 when one was missed.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import fmean

from local_stack.traffic import Snapshot, Traffic

from benchmarks.load.world import World, world

SECONDS, RATE = 300, 30.0  # more than two processors serve: the rate falls to what they do
SAMPLE_SECONDS = 5.0
GONE_FROM, GONE_TO = 0.4, 0.5  # of the time
SETTLE_SECONDS = 120.0  # for comparisons that are still under way
MEMORY_GROWTH_MAX = 0.10


@dataclass(frozen=True)
class Sample:
    """One moment: memory of all sandboxes, how many processes, connections to the database (None while it is gone)."""

    memory_mb: float
    processes: int
    connections: int | None


def main() -> int:
    """Run, print, judge."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    asked.add_argument("--seconds", type=int, default=SECONDS)
    asked.add_argument("--rate", type=float, default=RATE, help="reads a second that are asked for")
    options = asked.parse_args()
    with world() as here:
        here.put_flags()
        samples: list[Sample] = []
        with Traffic(here.stack.endpoint_url, options.rate, max_seconds=options.seconds + SETTLE_SECONDS) as traffic:
            _load(here, options.seconds, samples)
            seen = traffic.stop()
        counted = _settled(lambda: sum(here.counted("requests", arm) for arm in ("control", "candidate")))
        figures = list(_figures(here, seen, counted, samples, options.seconds))
    for what, figure, holds in figures:
        print(f"{what:64}{figure:>16}  {'holds' if holds else 'MISSED'}")
    return int(not all(holds for _, _, holds in figures))


def _load(here: World, seconds: float, samples: list[Sample]) -> None:
    begun = time.monotonic()

    def until(share: float, *, database: bool) -> None:
        while time.monotonic() < begun + share * seconds:
            time.sleep(SAMPLE_SECONDS)
            samples.append(Sample(*here.memory_mb(), here.connections() if database else None))

    until(GONE_FROM, database=True)
    with here.database_gone():
        until(GONE_TO, database=False)
    time.sleep(SAMPLE_SECONDS)
    until(1.0, database=True)


def _settled(count: Callable[[], float]) -> float:
    """A count once it has stood still for three seconds."""
    until = time.monotonic() + SETTLE_SECONDS
    before = -1.0
    while (now := count()) != before and time.monotonic() < until:
        before = now
        time.sleep(3)
    return now


def _figures(
    here: World, seen: Snapshot, counted: float, samples: list[Sample], seconds: int
) -> Iterator[tuple[str, str, bool]]:
    arms = ("control", "candidate")
    lost = sum(here.counted("dispatch_errors", arm) for arm in arms)
    compared = _settled(lambda: here.counted("requests", "shadow") + here.counted("comparisons", "candidate"))
    failed = here.counted("errors", "candidate") + here.counted("errors", "shadow")
    third = len(samples) // 3
    each_mb = [sample.memory_mb / sample.processes for sample in samples]
    growth = fmean(each_mb[-third:]) / fmean(each_mb[:third]) - 1
    connections = max(sample.connections or 0 for sample in samples)
    yield "reads by users, and a second", f"{seen.requests:,} = {seen.requests / seconds:.1f}/s", seen.requests > 0
    yield "users' failures, the database gone for a tenth of the time", str(seen.failures), seen.failures == 0
    yield "candidate's failures meanwhile, none of them a user's", f"{failed:,.0f}", failed > 0
    yield (
        "reads that the metrics count, less those that users made",
        f"{counted - seen.requests:+,.0f}",
        counted == seen.requests,
    )
    yield "comparisons that could not be sent, and are counted as such", f"{lost:,.0f}", True
    yield "reads compared, or tried", f"{compared:,.0f}", compared > 0
    missing = counted - compared - lost - here.counted("errors", "candidate")
    # A comparison whose sending timed out may have arrived all the same: then it is counted twice, never lost.
    yield "reads of which neither is known", f"{max(0, missing):,.0f}", missing <= 0
    yield "users' p50 and p95", f"{seen.p50_ms:,.0f} and {seen.p95_ms:,.0f} ms", True
    yield (
        f"memory of a sandbox, last third over first ({each_mb[-1]:.0f} MB)",
        f"{growth:+.1%}",
        growth < MEMORY_GROWTH_MAX,
    )
    sandboxes = here.sandboxes()
    yield f"connections to PostgreSQL at most, of {sandboxes} sandboxes", str(connections), 0 < connections <= sandboxes


if __name__ == "__main__":
    sys.exit(main())
