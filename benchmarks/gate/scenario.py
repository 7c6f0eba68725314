"""The scenarios: what kind of candidate meets the gate, and whether it should pass."""

import json
from pathlib import Path
from typing import Any, NamedTuple


class Scenario(NamedTuple):
    """Rates are 0-1. `kind`: healthy, bad, or grey (near the limit, either verdict is right).

    `live_*` replace the candidate's rates where users are served only, so that shadow does not show the fault;
    `is_late` delays a live fault to a moment uniform in the first live hour (day at a small load); `is_drift`
    lets it grow to its rate over that time. `latency` multiplies the candidate's times,
    `share_factor` is the routing bug.
    """

    name: str
    kind: str
    control_errors: float = 0.001
    candidate_errors: float = 0.001
    live_errors: float | None = None
    is_late: bool = False
    is_drift: bool = False
    broken_users: float = 0.0
    shared_broken_account: bool = False
    shared_outage: bool = False
    cold_starts: bool = False
    cluster: float = 1.0
    burst: float = 0.0
    diurnal: float = 0.0
    latency: float = 1.0
    mismatches: float = 0.0
    share_factor: float = 1.0
    rate_factor: float = 1.0
    no_pass_without_evidence: bool = False

    @classmethod
    def from_file(cls, path: Path) -> "Scenario":
        """A scenario of one's own: a JSON object with the fields above."""
        raw: dict[str, Any] = json.loads(path.read_text("utf-8"))
        unknown = sorted(set(raw) - set(cls._fields))
        if unknown or not {"name", "kind"} <= set(raw):
            raise ValueError(f"{path}: is no scenario, got {sorted(raw)}, expected name, kind and of {cls._fields}")
        return cls(**raw)


SCENARIOS = (
    Scenario("healthy 0.1 %", "healthy"),
    Scenario("healthy 1 %", "healthy", 0.01, 0.01),
    Scenario("candidate half of control", "healthy", 0.01, 0.005),
    Scenario("bursty traffic", "healthy", 0.01, 0.01, burst=1.0),
    Scenario("diurnal traffic", "healthy", 0.01, 0.01, diurnal=0.8),
    Scenario("clustered errors", "healthy", 0.01, 0.01, cluster=5.0),
    Scenario("shared outage", "healthy", shared_outage=True),
    Scenario("cold starts", "healthy", cold_starts=True),
    Scenario("one broken account", "healthy", shared_broken_account=True),
    Scenario("latency +10 %", "healthy", latency=1.1),
    Scenario("mismatches 0.1 %", "healthy", mismatches=0.001),
    Scenario("live errors 2.5 %, control 1 %", "bad", 0.01, 0.01, live_errors=0.025),
    Scenario("live errors 2.5 %", "bad", live_errors=0.025),
    Scenario("live errors 5 %, control 1 %", "bad", 0.01, 0.01, live_errors=0.05),
    Scenario("live errors 5 %", "bad", live_errors=0.05),
    Scenario("live errors 20 %", "bad", live_errors=0.2),
    Scenario("live errors 100 %", "bad", live_errors=1.0),
    Scenario("errors 2.5 % in shadow", "bad", 0.01, 0.025),
    Scenario("errors 5 % in shadow", "bad", candidate_errors=0.05),
    Scenario("errors 100 % in shadow", "bad", candidate_errors=1.0),
    Scenario("late fault 20 %", "bad", live_errors=0.2, is_late=True),
    Scenario("late fault 100 %", "bad", live_errors=1.0, is_late=True),
    Scenario("drift to 10 %", "bad", live_errors=0.1, is_drift=True),
    Scenario("5 % of users broken", "bad", broken_users=0.05),
    Scenario("latency +40 %", "bad", latency=1.4),
    Scenario("mismatches 2 %", "bad", mismatches=0.02),
    Scenario("nothing routed", "bad", share_factor=0.0, no_pass_without_evidence=True),
    Scenario("three times the share", "bad", share_factor=3.0),
    Scenario("zero traffic", "bad", rate_factor=0.0, no_pass_without_evidence=True),
    Scenario("errors 1.5 %", "grey", 0.01, 0.015),
    Scenario("latency +20 %", "grey", latency=1.2),
    Scenario("mismatches 0.6 %", "grey", mismatches=0.006),
)
