"""Dealing: what each stretch of time counts, drawn from two arms at a share of users."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from rampctl.rehearsal.arm import Arm, Moments
from rampctl.rehearsal.season import Season

Counts = npt.NDArray[np.int64]
COUNTED = (
    "control_requests",
    "control_errors",
    "control_slow",
    "control_user_errors",
    "candidate_requests",
    "candidate_errors",
    "candidate_discordant_errors",
    "candidate_slow",
    "candidate_user_errors",
    "candidate_comparisons",
    "candidate_mismatches",
    "shadow_requests",
    "shadow_errors",
    "shadow_discordant_errors",
    "shadow_slow",
    "shadow_timeouts",
    "shadow_comparisons",
    "shadow_mismatches",
)
COLD_REQUESTS, COLD_TIMEOUTS = 5, 0.02  # of a new step. Source: benchmarks/gate/world.py
COLUMN = {name: index for index, name in enumerate(COUNTED)}


class Setting(NamedTuple):
    """What the flag says, as far as counts depend on it. `share` and `sample` are 0–1, limits None while unknown.

    The sample is of control's answers (docs/wire.md): of the candidate's all are compared, unless the sample is nought.
    Of the candidate's requests `broken` are of users whose reads it fails; `*_account` is the part of an arm's requests
    that one account sends which fails on either arm.
    """

    step: int = 0
    share: float = 0.0
    sample: float = 0.0
    fallback: bool = True
    deadline_ms: float = 500.0
    budget_ms: float = 500.0
    control_slow_ms: float | None = None
    candidate_slow_ms: float | None = None
    broken: float = 0.0
    candidate_account: float = 0.0
    control_account: float = 0.0


class Dealing(Protocol):
    """Where a simulation's counts come from."""

    def before(self) -> "Dealing":
        """The day before the ramp."""

    def deal(
        self, rng: np.random.Generator, at: Moments, seconds: Moments, setting: Setting, *, served: int = 0
    ) -> Counts:
        """Counts of the stretches that begin at `at` and last `seconds`; a row each, with the columns of COUNTED.

        `served` is how many requests the candidate has served at this step before.
        """


@dataclass(frozen=True)
class Dealer:
    """Two arms and the traffic between them."""

    requests_per_second: float
    control: Arm
    candidate: Arm
    season: Season = field(default_factory=Season)

    def before(self) -> Self:
        """The day before, with the faults that control begins the ramp with."""
        lasting = tuple(fault for fault in self.control.faults if not fault.at and not fault.whole_at)
        return replace(self, control=replace(self.control, faults=lasting))

    def deal(
        self, rng: np.random.Generator, at: Moments, seconds: Moments, setting: Setting, *, served: int = 0
    ) -> Counts:
        """As `Dealing.deal`."""
        table = np.zeros((len(at), len(COUNTED)), dtype=np.int64)
        control_rate = self.control.error_rate(at)
        mean = self.requests_per_second * seconds * self.season.factors(rng, at)
        column = {name: table[:, index] for name, index in COLUMN.items()}

        by_control = column["control_requests"]
        by_control[:] = rng.poisson(mean * (1 - setting.share))
        errors = _failures(rng, by_control, control_rate, self.control.cluster)
        column["control_errors"][:] = errors + rng.binomial(by_control - errors, setting.control_account)
        column["control_user_errors"][:] = column["control_errors"]
        if setting.control_slow_ms:
            column["control_slow"][:] = rng.binomial(by_control, self.control.slower_rate(at, setting.control_slow_ms))
        if setting.share:
            column["candidate_requests"][:] = rng.poisson(mean * setting.share)
            self._read(rng, at, control_rate, column, "candidate", setting, served)
            escaped = column["candidate_errors"] - column["candidate_discordant_errors"]
            column["candidate_user_errors"][:] = escaped if setting.fallback else column["candidate_errors"]
        if setting.sample:
            column["shadow_requests"][:] = rng.binomial(by_control, setting.sample)
            self._read(rng, at, control_rate, column, "shadow", setting, served)
        return table

    def _read(
        self,
        rng: np.random.Generator,
        at: Moments,
        control_rate: Moments,
        column: dict[str, Counts],
        arm: str,
        setting: Setting,
        served: int,
    ) -> None:
        """The candidate's reads of one arm: failures, slow ones, comparisons."""
        live = arm == "candidate"
        requests, errors = column[f"{arm}_requests"], column[f"{arm}_errors"]
        late = self.candidate.slower_rate(at, setting.deadline_ms if live else setting.budget_ms)
        broken = setting.broken if live else self.candidate.broken_users
        failing = 1 - (1 - self.candidate.error_rate(at, live=live)) * (1 - broken)
        either = failing + (1 - failing) * late
        errors[:] = _failures(rng, requests, either, self.candidate.cluster)
        cold = _cold(requests, served) if live and self.candidate.has_cold_starts else np.zeros_like(requests)
        if cold.any():
            errors[:] = np.minimum(requests, errors + rng.binomial(cold, COLD_TIMEOUTS))
        discordant = rng.binomial(errors, 1 - control_rate)
        column[f"{arm}_discordant_errors"][:] = discordant
        errors[:] += rng.binomial(requests - errors, setting.candidate_account if live else setting.control_account)
        if setting.candidate_slow_ms:
            slow = rng.binomial(requests, self.candidate.slower_rate(at, setting.candidate_slow_ms))
            column[f"{arm}_slow"][:] = np.minimum(requests, slow + cold)
        if not live:
            column["shadow_timeouts"][:] = rng.binomial(discordant, late / np.maximum(either, 1e-12))
        compared = column[f"{arm}_comparisons"]
        compared[:] = rng.binomial(requests - errors, 1 - control_rate) if setting.sample else 0
        column[f"{arm}_mismatches"][:] = rng.binomial(compared, self.candidate.mismatch_rate(at))


def _failures(rng: np.random.Generator, requests: Counts, rate: Moments, cluster: float) -> Counts:
    """How many of the requests fail, `cluster` at a time on average."""
    if cluster == 1:
        return rng.binomial(requests, rate)
    clusters = rng.poisson(requests * rate / cluster)
    more = rng.negative_binomial(np.maximum(clusters, 1), 1 / cluster)  # beyond the first of each: geometric sizes
    return np.minimum(requests, np.where(clusters > 0, clusters + more, 0))


def _cold(requests: Counts, served: int) -> Counts:
    """How many of the requests are among the first of the step."""
    upto = np.minimum(served + np.cumsum(requests), COLD_REQUESTS)
    return np.diff(upto, prepend=min(served, COLD_REQUESTS))
