"""One ramp, from the first shadow read to its end, in virtual time."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from ramp.core.bucket import Bucket

from benchmarks.gate.look import Contender, Look, Word
from benchmarks.gate.scenario import Scenario
from benchmarks.gate.schedule import Schedule
from benchmarks.gate.traffic import Load
from benchmarks.gate.world import World

VISIBLE_SECONDS = 60  # CloudWatch shows a bucket a minute after it closed
ACT_SECONDS = 60  # and a decision reads back a minute after the look
WHOLE_PPM = 1_000_000

Enter = Callable[[Sequence[Bucket], np.random.Generator], Contender]


class Outcome(NamedTuple):
    """How it ended. `failures`: the candidate's failed live requests; `seen_failures`: those control could not answer.

    `seconds_to_whole`: until every user was on the candidate, None when never.
    """

    word: Word
    seconds: float
    seconds_to_whole: float | None
    failures: int
    seen_failures: int
    candidate_requests: int
    step: int


def run(scenario: Scenario, load: Load, schedule: Schedule, enter: Enter, seed: Sequence[int]) -> Outcome:
    """The ramp of `seed`. World and contender have their own dice, so that all contenders meet the same world."""
    world_rng, own_rng = (np.random.default_rng([*seed, side]) for side in (0, 1))
    world = World(scenario, load, schedule, world_rng)
    contender = enter(world.history(), own_rng)
    lag = -(-(VISIBLE_SECONDS + ACT_SECONDS) // load.period_seconds)  # buckets between a bucket's end and its effect
    step, step_since, at, failures, seen, requests = 0, 0.0, 0.0, 0, 0, 0
    pending: list[tuple[float, Word]] = []
    whole_at: float | None = None
    while True:
        if pending and pending[0][0] <= at:
            word = pending.pop(0)[1]
            if word is not Word.ADVANCE or step == len(schedule.stages) - 1:
                return Outcome(word, at, whole_at, failures, seen, requests, step)
            step, step_since = step + 1, at
            whole_at = at if schedule.stages[step].share_ppm == WHOLE_PPM else whole_at
        bucket = world.bucket(at, step, schedule.stages[step].share_ppm)
        failures += bucket.candidate_errors
        seen += bucket.candidate_errors - bucket.candidate_discordant
        requests += bucket.candidate_requests
        at += load.period_seconds
        if pending:
            continue
        look = Look(bucket, step, at - step_since, schedule, scenario.latency)
        word = contender.look(look)
        if word is not Word.EXTEND:
            pending.append((at + lag * load.period_seconds, word))
