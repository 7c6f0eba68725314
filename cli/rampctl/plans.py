"""Plan files: read, checked, and told to people."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ramp.core.judgement import duration
from ramp.core.plan import SCHEMA, Gates, Plan, PlanInvalid
from rich.console import Group, RenderableType
from rich.table import Table

STDIN = "-"
AUTO_STEPS = (
    "The steps are made when the ramp starts, from the traffic of the day before; --traffic 1000/day shows some."
)


DEFAULT_BUDGETS = {name: field["default"] for name, field in SCHEMA["properties"]["budgets"]["properties"].items()}


def read(path: str) -> tuple[Any, Plan]:
    """The decoded document and the checked plan of a file, or of standard input for `-`.

    Raises:
        PlanInvalid: with every fault: of the file, of its JSON (line and column), or of the plan.
    """
    name = "standard input" if path == STDIN else path
    try:
        text = sys.stdin.read() if path == STDIN else Path(path).read_text("utf-8")
        raw = json.loads(text)
    except OSError as error:
        raise PlanInvalid([f"{name}: cannot be read, got {error.strerror}, expected a JSON file"]) from None
    except UnicodeDecodeError as error:
        raise PlanInvalid([f"{name}: is not UTF-8, got byte {error.object[error.start]:#x} at {error.start}"]) from None
    except json.JSONDecodeError as error:
        where = f"{name}: line {error.lineno}, column {error.colno}"
        raise PlanInvalid([f"{where}: is no JSON, {error.msg[0].lower()}{error.msg[1:]}"]) from None
    return raw, Plan.parse(raw)


def total_seconds(plan: Plan) -> int:
    """The ramp's shortest time: every bake, no waiting for evidence or people."""
    return sum(step.bake_seconds for step in plan.steps)


def described(plan: Plan) -> RenderableType:
    """The plan for people: steps, total, thresholds in force, and what silence means."""
    steps = Table("step", "users", "bake", "patience", "people", box=None, pad_edge=False)
    for number, step in enumerate(plan.steps, 1):
        asked = "go or no-go" if step.approval else ""
        steps.add_row(str(number), step.title, duration(step.bake_seconds), duration(step.patience_seconds), asked)
    return Group(steps if plan.steps else AUTO_STEPS, "", *_sentences(plan))


def _sentences(plan: Plan) -> Iterator[str]:
    gates, approvals = plan.gates, plan.approvals
    yield (
        f"Flag {plan.flag}, lever {plan.lever}; {duration(total_seconds(plan))} at least, "
        f"settled after {duration(plan.deadline_seconds)} in any case."
    )
    yield from _thresholds(gates) if plan.gate == "fixed" else _proofs(gates)
    if gates.warn_only:
        yield f"Shown, and never acting: {', '.join(gates.warn_only)}."
    if gates.acknowledged:
        yield f"Not asked about, since the plan says go: {', '.join(gates.acknowledged)}."
    if plan.acknowledged_drift:
        yield f"Guards that may differ from the template, since the plan says so: {', '.join(plan.acknowledged_drift)}."
    yield from _where_in_doubt(plan)
    silence = "rolled back" if approvals.on_timeout == "roll_back" else "held at its step, and asked again"
    yield f"A question that nobody answers within {duration(approvals.timeout_seconds)}: the ramp is {silence}."


def _where_in_doubt(plan: Plan) -> Iterator[str]:
    """Only what the plan says otherwise than by default."""
    gates, budgets = plan.gates, plan.budgets
    if gates.on_investigate == "roll_back":
        yield "Nobody is asked about a doubt: it rolls back."
    if gates.on_patience == "roll_back":
        yield "Evidence that does not suffice within bake and patience rolls back."
    if gates.on_patience == "hold":
        yield "Evidence that does not suffice within bake and patience holds the share until it does, or the deadline."
    if plan.gate == "sequential" and asdict(budgets) != DEFAULT_BUDGETS:
        yield (
            f"Error probabilities of a whole ramp: {budgets.roll_back_percent:g} % rolled back and "
            f"{budgets.ask_percent:g} % asked about while healthy; certificates let {budgets.certificate_percent:g} % "
            f"of bad candidates through, those of the steps between {budgets.step_certificate_percent:g} %."
        )


def _proofs(gates: Gates) -> Iterator[str]:
    yield (
        f"Judged by proof. Failures above {gates.error_percent_max:g} %, or 1.5 times control's where that is more, "
        f"roll back. More than {gates.mismatch_go_percent:g} % mismatches, answers slower than control's by "
        f"{gates.latency_go_percent:g} % and {gates.latency_allowance_ms} ms, or users not where they belong, ask."
    )
    yield (
        f"Going on takes certificates: in shadow less than {gates.error_percent_max:g} % failures and "
        f"{gates.mismatch_investigate_percent:g} % mismatches; of users' requests as few as the next share can bear."
    )


def _thresholds(gates: Gates) -> Iterator[str]:
    yield f"Nothing is judged on fewer than {gates.min_requests} observations; a step is extended until there are."
    yield (
        f"Rolled back: more than {gates.error_percent_max:g} % of the candidate's reads failed, more than "
        f"{gates.shadow_failure_percent_max:g} % of shadow reads failed or timed out, or an alarm in ALARM."
    )
    yield (
        f"Asked: p95 more than {gates.latency_investigate_percent:g} % and {gates.latency_allowance_ms} ms over "
        f"control's (go within {gates.latency_go_percent:g} %), more than {gates.mismatch_investigate_percent:g} % "
        f"mismatches (go within {gates.mismatch_go_percent:g} %), shadow p95 from {gates.shadow_p95_ms_max} ms on, "
        "or users not where the plan puts them."
    )
