"""Dealing: what each stretch of time counts, drawn from two arms at a share of users."""

from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from rampctl.rehearsal.arm import Arm, Moments

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
COLUMN = {name: index for index, name in enumerate(COUNTED)}


class Setting(NamedTuple):
    """What the flag says, as far as counts depend on it. `share` and `sample` are 0–1, limits None while unknown."""

    step: int = 0
    share: float = 0.0
    sample: float = 0.0
    fallback: bool = True
    deadline_ms: float = 500.0
    budget_ms: float = 500.0
    control_slow_ms: float | None = None
    candidate_slow_ms: float | None = None


class Dealing(Protocol):
    """Where a simulation's counts come from."""

    def before(self) -> "Dealing":
        """The day before the ramp."""

    def deal(self, rng: np.random.Generator, at: Moments, seconds: Moments, setting: Setting) -> Counts:
        """Counts of the stretches that begin at `at` and last `seconds`; a row each, with the columns of COUNTED."""


@dataclass(frozen=True)
class Dealer:
    """Two arms and the traffic between them."""

    requests_per_second: float
    control: Arm
    candidate: Arm

    def before(self) -> Self:
        """The day before, with the faults that control begins the ramp with."""
        return replace(self, control=replace(self.control, faults=tuple(f for f in self.control.faults if not f.at)))

    def deal(self, rng: np.random.Generator, at: Moments, seconds: Moments, setting: Setting) -> Counts:
        """As `Dealing.deal`."""
        table = np.zeros((len(at), len(COUNTED)), dtype=np.int64)
        control_rate, mean = self.control.error_rate(at), self.requests_per_second * seconds
        column = {name: table[:, index] for name, index in COLUMN.items()}

        served = column["control_requests"]
        served[:] = rng.poisson(mean * (1 - setting.share))
        column["control_errors"][:] = rng.binomial(served, control_rate)
        column["control_user_errors"][:] = column["control_errors"]
        if setting.control_slow_ms:
            column["control_slow"][:] = rng.binomial(served, self.control.slower_rate(at, setting.control_slow_ms))
        if setting.share:
            column["candidate_requests"][:] = rng.poisson(mean * setting.share)
            self._read(rng, at, control_rate, column, "candidate", setting)
            escaped = column["candidate_errors"] - column["candidate_discordant_errors"]
            column["candidate_user_errors"][:] = escaped if setting.fallback else column["candidate_errors"]
        if setting.sample:
            column["shadow_requests"][:] = rng.binomial(served, setting.sample)
            self._read(rng, at, control_rate, column, "shadow", setting)
        return table

    def _read(
        self,
        rng: np.random.Generator,
        at: Moments,
        control_rate: Moments,
        column: dict[str, Counts],
        arm: str,
        setting: Setting,
    ) -> None:
        """The candidate's reads of one arm: failures, slow ones, comparisons."""
        live = arm == "candidate"
        requests = column[f"{arm}_requests"]
        late = self.candidate.slower_rate(at, setting.deadline_ms if live else setting.budget_ms)
        failing = self.candidate.error_rate(at, live=live)
        errors = column[f"{arm}_errors"]
        either = failing + (1 - failing) * late
        errors[:] = rng.binomial(requests, either)
        column[f"{arm}_discordant_errors"][:] = rng.binomial(errors, 1 - control_rate)
        if setting.candidate_slow_ms:
            slow = self.candidate.slower_rate(at, setting.candidate_slow_ms)
            column[f"{arm}_slow"][:] = rng.binomial(requests, slow)
        if not live:
            column["shadow_timeouts"][:] = rng.binomial(
                errors, late / np.maximum(failing + (1 - failing) * late, 1e-12)
            )
        compared = column[f"{arm}_comparisons"]
        compared[:] = rng.binomial(requests - errors, (1 - control_rate) * setting.sample)
        column[f"{arm}_mismatches"][:] = rng.binomial(compared, self.candidate.mismatch_rate(at))
