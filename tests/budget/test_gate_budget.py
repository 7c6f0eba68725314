"""The gate's core stays cheap: to load, at a look, and over a week that is folded from its first minute."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

from ramp.core.bucket import Bucket
from ramp.core.policy import Policy, Position
from ramp.core.sequential_checks import checks
from ramp.core.sequential_gate import GateState, fold

from benchmarks.read.sandbox import REPOSITORY

# Each loads longer than the whole core, or brings what does: the standard library's of dataclasses is `inspect`.
HEAVY = {"dataclasses", "inspect", "json", "decimal", "numpy", "jsonschema", "ramp.core.plan", "boto3"}
SHARE_OF_REFERENCE = 0.35  # of loading asyncio, which takes some 30 ms on a machine where the budget of 10 ms was set
LOOK_SECONDS, WEEK_SECONDS = 0.05, 1.0
ROUNDS, SLACK = 5, 2.0  # the best of some rounds: what else the machine does only ever adds
WEEK_MINUTES = 7 * 24 * 60
PRIMED = "import time, collections.abc, enum, functools, math, operator, typing; began = time.process_time_ns()"
OWN = f"{PRIMED}; import ramp.core.sequential_checks; print(time.process_time_ns() - began)"
REFERENCE = f"{PRIMED}; import asyncio; print(time.process_time_ns() - began)"
LOADED = "import sys, ramp.core.sequential_checks; print(*sys.modules)"


def told(program: str) -> str:
    """What a fresh interpreter prints that knows the standard library and the control plane."""
    path = str(REPOSITORY / "functions" / "control-plane")
    run = subprocess.run(
        [sys.executable, "-S", "-c", program], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    return run.stdout


def seconds_of(work: Callable[[], object]) -> float:
    """Processor time."""
    began = time.process_time()
    work()
    return time.process_time() - began


def minute(number: int) -> Bucket:
    """One at a request a second, half of it on the candidate, with a failure now and then."""
    failed = int(number % 100 == 0)
    return Bucket(
        60.0 * number, 60, 1, 500_000, 30, failed, 2, 30, failed, failed, 2, 30, failed, failed, 2, 60, failed
    )


def test_the_core_loads_nothing_heavy() -> None:
    """The standard library's small modules, and itself."""
    assert HEAVY & set(told(LOADED).split()) == set()


def test_the_core_loads_in_a_fraction_of_what_asyncio_takes() -> None:
    """In the same minute on the same machine, the best of each; what the standard library costs is left out."""
    own, reference = (min(float(told(program)) for _ in range(ROUNDS)) for program in (OWN, REFERENCE))
    assert own / reference < SHARE_OF_REFERENCE


def test_a_week_of_minutes_is_judged_within_a_second_and_the_next_look_within_fifty_milliseconds() -> None:
    """With every row in words and numbers, as a look's record has them."""
    policy, position = Policy(), Position(500_000, 1_000_000)
    week = [minute(number) for number in range(WEEK_MINUTES)]
    later = [minute(WEEK_MINUTES + number) for number in range(ROUNDS)]
    known = fold(GateState(), week, policy, until=60.0 * WEEK_MINUTES)

    def judge(state: GateState, buckets: Sequence[Bucket]) -> None:
        checks(fold(state, buckets, policy, until=buckets[-1].end), position, policy)

    looks = [seconds_of(partial(judge, known, (bucket,))) for bucket in later]
    weeks = [seconds_of(partial(judge, GateState(), week)) for _ in range(2)]
    assert min(looks) < SLACK * LOOK_SECONDS
    assert min(weeks) < SLACK * WEEK_SECONDS
