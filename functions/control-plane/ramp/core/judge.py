"""The judge: one look at the evidence through the gate that the plan asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ramp.core import gate, sequential_checks
from ramp.core.check import Check
from ramp.core.evidence import Evidence
from ramp.core.missing import explained
from ramp.core.plan import Plan
from ramp.core.policy import Policy, Position
from ramp.core.sequential_gate import GateState, fold
from ramp.core.state import RampState


@dataclass(frozen=True)
class Look:
    """What a look found. `kept` is what the gate keeps while the step goes on, `left` when it is left: plain JSON."""

    checks: tuple[Check, ...]
    kept: Mapping[str, Any]
    left: Mapping[str, Any]


def judge(state: RampState, evidence: Evidence, kept: Mapping[str, Any], now: float) -> Look:
    """Judge `evidence` at the state's step; `kept` is what the gate kept at the look before, `now` epoch seconds."""
    requests = evidence.control.requests + evidence.candidate.requests
    exact = (*gate.alarm_checks(evidence.alarms), *gate.misrouted_checks(evidence.misrouted, requests))
    if state.plan.gate == "fixed":
        return Look((*exact, *explained(_fixed(state, evidence), state, evidence, now)), {}, {})
    policy, settle_seconds = policy_of(state.plan), state.plan.evidence.settle_seconds
    known, share_ppm = GateState.from_wire(kept), state.current.share_ppm
    buckets = [bucket._replace(share_ppm=share_ppm) for bucket in evidence.buckets if bucket.end > known.horizon]
    settled = fold(known, buckets, policy, until=min(evidence.until, now - settle_seconds))
    view = fold(settled, buckets, policy, until=evidence.until)
    checks = sequential_checks.checks(view, position_of(state.plan, state.step), policy, evidence.until)
    checks = explained(checks, state, evidence, now)
    return Look((*exact, *checks), settled.to_wire(), view.to_wire())


def policy_of(plan: Plan) -> Policy:
    """The plan's limits as rates, and its budgets as probabilities."""
    limits = Policy(
        error_limit=plan.gates.error_percent_max / 100,
        mismatch_limit=plan.gates.mismatch_go_percent / 100,
        mismatch_certified=plan.gates.mismatch_investigate_percent / 100,
        fallback=plan.routing.fallback,
    )
    budgets = plan.budgets
    return limits.with_budgets(
        roll_back=budgets.roll_back_percent / 100,
        ask=budgets.ask_percent / 100,
        certificate=budgets.certificate_percent / 100,
        step_certificate=budgets.step_certificate_percent / 100,
    )


def position_of(plan: Plan, step: int) -> Position:
    """Where the ramp stands at `step`."""
    shares = [each.share_ppm for each in plan.steps]
    return Position(shares[step], shares[step + 1] if step + 1 < len(shares) else None)


def _fixed(state: RampState, evidence: Evidence) -> tuple[Check, ...]:
    plan = state.plan
    return gate.checks(
        evidence,
        state.current,
        plan.gates,
        fallback=plan.routing.fallback,
        control_p95_ms=state.control_p95_ms,
        seconds=evidence.until - state.step_started_at,
    )
