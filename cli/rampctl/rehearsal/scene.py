"""The scene of a rehearsal: traffic, the two arms, and how people answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from ramp.core.plan import Plan
from ramp.core.planner import Traffic

from rampctl.rehearsal.arm import Arm
from rampctl.rehearsal.dealing import Dealer
from rampctl.rehearsal.guards import MINUTE
from rampctl.rehearsal.season import Season
from rampctl.rehearsal.simulation import Simulation
from rampctl.rehearsal.users import Users


@dataclass(frozen=True)
class Scene:
    """`answer` is approve, reject or none; it comes `answer_seconds` after each question. `raw_plan` is a sound plan.

    `guarded`: the alarms of the template pull the brake.
    """

    raw_plan: Mapping[str, Any]
    traffic: Traffic
    control: Arm
    candidate: Arm
    answer: str = "none"
    answer_seconds: float = 1_800.0
    guarded: bool = True
    season: Season = field(default_factory=Season)

    @cached_property
    def plan(self) -> Plan:
        """The checked plan."""
        return Plan.parse(self.raw_plan)

    def name(self, seed: int) -> str:
        """The ramp's name, which deals the users anew for each seed where the plan names no salt."""
        return f"rehearsal-{seed}"

    def simulation(self, seed: int) -> Simulation:
        """The world of `seed`, its only source of chance."""
        dealer = Dealer(self.traffic.requests_per_second, self.control, self.candidate, self.season)
        cell_seconds = float(min(MINUTE, self.plan.evidence.period_seconds))
        rng = np.random.default_rng(seed)
        return Simulation(dealer, rng, (self.control, self.candidate), cell_seconds, guarded=self.guarded)

    def users(self, seed: int) -> Users:
        """The users, dealt as the plan says."""
        return Users(
            self.traffic.users,
            self.plan.routing,
            self.name(seed),
            broken=self.candidate.broken_users,
            account=self.control.has_broken_account,
        )
