"""A replay: control's recorded minutes dealt to two arms that are the same, so that whatever is condemned is healthy.

Requests and failures of each minute are dealt to the candidate at the share in force, one by one (binomial thinning);
shadow reads fail as often as control did in that minute. Everything that made those minutes uneven stays in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from ramp.core.bucket import Bucket
from ramp.core.units import DAY_SECONDS, MINUTE_SECONDS

from rampctl.rehearsal.arm import Moments
from rampctl.rehearsal.dealing import COLUMN, COUNTED, Counts, Setting
from rampctl.rehearsal.recording import days
from rampctl.rehearsal.scene import Scene
from rampctl.rehearsal.simulation import Simulation

SLOW_SHARE = 0.05  # above control's p95, by its definition


@dataclass(frozen=True)
class Replay:
    """Deals recorded minutes from `first` on; after the last comes the first again.

    `minutes` has a row for each minute and columns requests, errors, slow.
    """

    minutes: Counts
    first: int

    @classmethod
    def of(cls, recording: Sequence[Bucket], day: int) -> Self:
        """From the start of a recorded day on, counted from 0."""
        span = days(recording) * DAY_SECONDS // MINUTE_SECONDS
        minutes = np.zeros((span, 3), dtype=np.int64)
        for bucket in recording:
            index = int(bucket.start - recording[0].start) // MINUTE_SECONDS
            control, requests = bucket.control_requests, bucket.control_requests + bucket.candidate_requests
            whole = requests / control if control else 0.0  # had control served those of the candidate, too
            minutes[index] += requests, round(bucket.control_errors * whole), round(bucket.control_slow * whole)
        if not minutes[:, 2].any():
            minutes[:, 2] = np.round(minutes[:, 0] * SLOW_SHARE)
        return cls(minutes, day * DAY_SECONDS // MINUTE_SECONDS)

    def before(self) -> Self:
        """The day before, of which the first has the last one's."""
        return replace(self, first=self.first - DAY_SECONDS // MINUTE_SECONDS)

    def deal(
        self, rng: np.random.Generator, at: Moments, seconds: Moments, setting: Setting, *, served: int = 0
    ) -> Counts:
        """As `Dealer.deal`; `served` does not matter."""
        index = (self.first + at // MINUTE_SECONDS).astype(np.int64) % len(self.minutes)
        recorded = self.minutes[index]
        requests, errors, slow = rng.binomial(recorded, np.minimum(1.0, seconds / MINUTE_SECONDS)[:, None]).T
        errors, slow = np.minimum(errors, requests), np.minimum(slow, requests)
        table = np.zeros((len(at), len(COUNTED)), dtype=np.int64)
        column = {name: table[:, place] for name, place in COLUMN.items()}
        failed = rng.binomial(errors, setting.share)
        by_candidate = failed + rng.binomial(requests - errors, setting.share)
        column["control_requests"][:], column["control_errors"][:] = requests - by_candidate, errors - failed
        column["control_user_errors"][:] = errors - failed
        column["candidate_requests"][:], column["candidate_errors"][:] = by_candidate, failed
        column["candidate_discordant_errors"][:] = failed  # nobody knows: as if control had answered
        slow_served = np.minimum(rng.binomial(slow, setting.share), by_candidate)
        if setting.control_slow_ms:
            column["control_slow"][:] = np.minimum(slow - slow_served, requests - by_candidate)
            column["candidate_slow"][:] = slow_served
        column["candidate_comparisons"][:] = by_candidate - failed if setting.sample else 0
        shadow = column["shadow_requests"]
        shadow[:] = rng.binomial(requests - by_candidate, setting.sample)
        column["shadow_errors"][:] = rng.binomial(shadow, errors / np.maximum(requests, 1))
        column["shadow_discordant_errors"][:] = column["shadow_errors"]
        if setting.control_slow_ms:
            column["shadow_slow"][:] = rng.binomial(shadow, slow / np.maximum(requests, 1))
        column["shadow_comparisons"][:] = shadow - column["shadow_errors"]
        return table


@dataclass(frozen=True)
class RecordedScene(Scene):
    """A scene whose traffic is a recording; each seed starts at another of its days."""

    recording: tuple[Bucket, ...] = ()

    def simulation(self, seed: int) -> Simulation:
        """The recording from day `seed` on, modulo its days."""
        replay = Replay.of(self.recording, seed % days(self.recording))
        return replace(super().simulation(seed), dealer=replay)
