"""`make bench-load`: five minutes of as many reads as this machine serves, all compared, the database gone in between.

Prints each figure beside its goal; exit code 1 when one was missed.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from local_stack.traffic import Snapshot, Traffic

from benchmarks.load.ledger import Ledger, settle
from benchmarks.load.memory import growths
from benchmarks.load.world import CANDIDATE, COMPARATOR, READ_PATH, ROUTER, World, world

SECONDS, RATE = 300, 30.0  # more than two processors serve: the rate falls to what they do
SAMPLE_SECONDS = 5.0
GONE_FROM, GONE_TO = 0.4, 0.5  # of the time
SETTLE_SECONDS = 120.0  # for comparisons that are still under way
MEMORY_GROWTH_MAX = 0.10
Row = tuple[str, str, bool]


@dataclass(frozen=True)
class Sample:
    """One moment: memory of each sandbox in megabytes, connections to the database (None while it is gone)."""

    memory_mb: dict[tuple[str, int], float]
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
        begun = datetime.now(UTC)
        with Traffic(here.stack.endpoint_url, options.rate, max_seconds=options.seconds + SETTLE_SECONDS) as traffic:
            _load(here, options.seconds, samples)
            seen = traffic.stop()
        counted = _settled(lambda: sum(here.counted("requests", arm) for arm in ("control", "candidate")))
        compared = _settled(lambda: here.counted("requests", "shadow") + here.counted("comparisons", "candidate"))
        reads = here.lines(ROUTER, begun)
        ledger = settle(reads, here.lines(COMPARATOR, begun), here.undelivered())
        failed = here.counted("errors", "candidate") + here.counted("errors", "shadow")
    print(f"compared or tried: {compared:,.0f} by the metrics; the candidate failed {failed:,.0f} times")
    rows = [
        *_users(seen, options.seconds, counted, len(reads)),
        *_comparisons(ledger),
        *_memory(samples),
        _connections(samples),
        ("failures of the candidate meanwhile, none of them a user's", f"{failed:,.0f}", failed > 0),
    ]
    for what, figure, holds in rows:
        print(f"{what:66}{figure:>24}  {'holds' if holds else 'MISSED'}")
    return int(not all(holds for _, _, holds in rows))


def _load(here: World, seconds: float, samples: list[Sample]) -> None:
    begun = time.monotonic()

    def until(share: float, *, database: bool) -> None:
        while time.monotonic() < begun + share * seconds:
            time.sleep(SAMPLE_SECONDS)
            samples.append(Sample(here.memory_mb(), here.connections() if database else None))

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


def _users(seen: Snapshot, seconds: int, counted: float, lines: int) -> Iterator[Row]:
    """What users saw, beside what the metrics counted of it."""
    unanswered = sum(seen.unanswered.values())
    answered = seen.requests - unanswered
    why = ", ".join(f"{number} {error}" for error, number in seen.unanswered.items())
    yield "reads by users, and a second", f"{seen.requests:,} = {seen.requests / seconds:.1f}/s", seen.requests > 0
    yield "users' failures, the database gone for a tenth of the time", str(seen.failures), seen.failures == 0
    yield "reads that were answered, and are not counted", f"{max(0, answered - counted):,.0f}", counted >= answered
    yield "reads that are counted, and nobody made", f"{max(0, counted - seen.requests):,.0f}", counted <= seen.requests
    # Without an answer a user cannot know whether the function ran; the metrics know, unless it did not.
    yield (
        f"reads without an answer{why and f' ({why})'}, and those of them that never ran",
        f"{unanswered}, {max(0, seen.requests - counted):,.0f}",
        seen.requests - counted <= unanswered,
    )
    yield "lines of the log less what the metrics count", f"{lines - counted:+,.0f}", lines == counted
    yield "users' p50 and p95", f"{seen.p50_ms or 0:,.0f} and {seen.p95_ms or 0:,.0f} ms", True


def _comparisons(ledger: Ledger) -> Iterator[Row]:
    """What became of each answer that was to be compared."""
    yield "answers to be compared", f"{ledger.owed:,}", ledger.owed > 0
    yield "— compared, or tried", f"{ledger.compared:,}", ledger.compared > 0
    yield "— counted as not sent in time, and compared all the same", f"{ledger.arrived:,}", True
    yield "— counted as not sent, and not compared", f"{ledger.unsent:,}", True
    yield "— sent and given up later, in the queue of failures", f"{ledger.undelivered:,}", True
    yield "— of which nobody knows anything", f"{ledger.unknown:,}", ledger.unknown == 0
    yield "compared more than once, since delivery is at least once", f"{ledger.repeated:,}", True


def _memory(samples: list[Sample]) -> Iterator[Row]:
    """The sandbox of each function that grew most, after its warm-up."""
    grown = growths(sample.memory_mb for sample in samples)
    for function in READ_PATH:
        worst = max((each for each in grown if each.function == function), key=lambda each: each.share, default=None)
        number = sum(each.function == function for each in grown)
        yield (
            f"memory of {function}, worst of {number} sandboxes, last third",
            f"{worst.before_mb:.1f} MB {worst.share:+.1%}" if worst else "not seen",
            worst is not None and worst.share < MEMORY_GROWTH_MAX,
        )


def _connections(samples: list[Sample]) -> Row:
    found = max(sample.connections or 0 for sample in samples)
    sandboxes = max(sum(name == CANDIDATE for name, _ in sample.memory_mb) for sample in samples)
    what = f"connections to PostgreSQL at most, of {sandboxes} sandboxes"
    return what, str(found), 0 < found <= sandboxes


if __name__ == "__main__":
    sys.exit(main())
