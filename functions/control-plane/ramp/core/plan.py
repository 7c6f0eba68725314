"""The plan: what people hand to `StartExecution`, checked whole before anything is touched.

`plan.schema.json` is the one place for fields, ranges and defaults, and serves editors too; the rules that no schema
can say (rising shares, 100 % at the end, a deadline after the last bake) are here.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Self

from ramp.core.planner import HISTORY_EVENTS_PLANNED, history_events
from ramp.core.units import MINUTE_SECONDS

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError
    from typing_extensions import TypeIs

PPM_PER_PERCENT = 10_000
HIGH_RESOLUTION_SECONDS = 3 * 60 * 60  # Source: CloudWatch keeps periods under 60 s for 3 hours (GetMetricData).
SHOWN_LENGTH = 60
FAULTS_TOLD = 60  # Source: Step Functions takes a cause of at most 32,768 characters.
AUTO = "auto"

SCHEMA: Mapping[str, Any] = json.loads(files(__package__).joinpath("plan.schema.json").read_text("utf-8"))
_PERIODS = SCHEMA["properties"]["evidence"]["properties"]["period_seconds"]["enum"]
SHORT_PERIODS = tuple(period for period in _PERIODS if period < MINUTE_SECONDS)
DEADLINE_SECONDS: int = SCHEMA["properties"]["deadline_seconds"]["default"]


class PlanInvalid(ValueError):  # noqa: N818  # an error name of the state machine
    """A plan with faults; `faults` holds one sentence each, `field.path: what is wrong, got …, expected …`."""

    def __init__(self, faults: Sequence[str]) -> None:
        more = (f"plan: has more faults, got {len(faults):,}, expected none",) if len(faults) > FAULTS_TOLD else ()
        self.faults = (*faults[:FAULTS_TOLD], *more)
        super().__init__("\n".join(self.faults))


@dataclass(frozen=True)
class Step:
    """One share of users and how long it is watched."""

    share_ppm: int
    bake_seconds: int
    patience_seconds: int
    approval: bool

    @property
    def is_shadow(self) -> bool:
        """No user is served by the candidate; it is only compared."""
        return self.share_ppm == 0

    @property
    def title(self) -> str:
        """For people: `shadow`, `5 %`, `0.0017 %`."""
        return "shadow" if self.is_shadow else format_percent(self.share_ppm)


@dataclass(frozen=True)
class Shadow:
    """How control's answers are compared; sample in parts per million."""

    sample_ppm: int
    budget_ms: int


@dataclass(frozen=True)
class Routing:
    """How the router treats users under this ramp."""

    deadline_ms: int
    fallback: bool
    salt: str
    allow_users: tuple[str, ...]
    deny_users: tuple[str, ...]


@dataclass(frozen=True)
class Gates:
    """Thresholds; percents are 0–100, not shares."""

    min_requests: int
    error_percent_max: float
    latency_go_percent: float
    latency_investigate_percent: float
    latency_allowance_ms: int
    mismatch_go_percent: float
    mismatch_investigate_percent: float
    shadow_failure_percent_max: float
    shadow_p95_ms_max: int
    warn_only: tuple[str, ...]
    acknowledged: tuple[str, ...]
    on_investigate: str
    on_patience: str


@dataclass(frozen=True)
class Budgets:
    """Probabilities of error of the sequential gate; percents are 0–100, not shares."""

    roll_back_percent: float
    ask_percent: float
    certificate_percent: float
    step_certificate_percent: float


@dataclass(frozen=True)
class EvidenceSettings:
    """How CloudWatch is read: periods in seconds, and the ages at which one may be judged, and is final."""

    period_seconds: int
    delay_seconds: int
    settle_seconds: int


@dataclass(frozen=True)
class Approvals:
    """How long a question stands, and what silence means."""

    timeout_seconds: int
    on_timeout: str


@dataclass(frozen=True)
class Plan:
    """A checked plan with every default filled in; no steps: they are made when the ramp starts, see feasibility."""

    flag: str
    lever: str
    candidate_version: str
    steps: tuple[Step, ...]
    look_seconds: int | None
    shadow: Shadow
    routing: Routing
    gate: str
    gates: Gates
    budgets: Budgets
    evidence: EvidenceSettings
    approvals: Approvals
    notify: Mapping[str, tuple[str, ...]]
    deadline_seconds: int
    acknowledged_drift: tuple[str, ...]
    undo_seconds: int

    @classmethod
    def parse(cls, raw: object) -> Self:
        """Check `raw` (decoded JSON) and fill in the defaults.

        Raises:
            PlanInvalid: with every fault found, in the order of their paths.
        """
        faults = [*_structural_faults(raw)]
        if isinstance(raw, Mapping):
            faults += _rule_faults(raw)
        if faults or not isinstance(raw, Mapping):
            raise PlanInvalid(faults)
        plan = cls.recorded(raw)
        if faults := [*_history_faults(plan)]:
            raise PlanInvalid(faults)
        return plan

    @classmethod
    def recorded(cls, raw: Mapping[str, Any]) -> Self:
        """A plan that `parse` has taken before: its defaults are filled in, and nothing is checked again."""
        whole = _with_defaults(raw, SCHEMA)
        return cls(
            flag=whole["flag"],
            lever=whole["lever"],
            candidate_version=whole["candidate_version"],
            steps=tuple(_step(step) for step in whole["steps"] if whole["steps"] != AUTO),
            look_seconds=whole.get("look_seconds"),
            shadow=Shadow(to_ppm(whole["shadow"]["sample_percent"]), whole["shadow"]["budget_ms"]),
            routing=Routing(
                **whole["routing"] | {name: tuple(whole["routing"][name]) for name in ("allow_users", "deny_users")},
            ),
            gate=whole["gate"],
            gates=Gates(
                **whole["gates"] | {name: tuple(whole["gates"][name]) for name in ("warn_only", "acknowledged")}
            ),
            budgets=Budgets(**whole["budgets"]),
            evidence=EvidenceSettings(**whole["evidence"]),
            approvals=Approvals(**whole["approvals"]),
            notify={channel: tuple(kinds) for channel, kinds in whole["notify"].items()},
            deadline_seconds=whole["deadline_seconds"],
            acknowledged_drift=tuple(whole["acknowledged_drift"]),
            undo_seconds=whole["undo_seconds"],
        )


def to_ppm(percent: float) -> int:
    """Percent (0–100) to parts per million, exact: `to_ppm(0.0017) == 17`."""
    return int(Decimal(str(percent)) * PPM_PER_PERCENT)


def format_percent(share_ppm: int) -> str:
    """Parts per million for people: 50000 → `5 %`, 17 → `0.0017 %`."""
    return f"{(Decimal(share_ppm) / PPM_PER_PERCENT).normalize():f} %"


def _step(raw: Mapping[str, Any]) -> Step:
    return Step(
        share_ppm=to_ppm(raw["percent"]),
        bake_seconds=raw["bake_seconds"],
        patience_seconds=raw.get("patience_seconds", raw["bake_seconds"]),
        approval=raw["approval"],
    )


def _with_defaults(value: Any, schema: Mapping[str, Any]) -> Any:
    """`value` with every default of `schema` filled in, at any depth; what it does not know is left as it is."""
    if isinstance(value, Mapping):
        properties = schema.get("properties", {})
        absent = {name: sub["default"] for name, sub in properties.items() if name not in value and "default" in sub}
        return {name: _with_defaults(item, properties.get(name, {})) for name, item in {**value, **absent}.items()}
    if isinstance(value, list):
        return [_with_defaults(item, schema.get("items", {})) for item in value]
    return value


@cache
def _validator() -> "Draft202012Validator":
    from jsonschema import Draft202012Validator  # noqa: PLC0415  # slow to import, and the page checks no plan

    return Draft202012Validator(SCHEMA)


def _structural_faults(raw: object) -> Iterator[str]:
    errors: list[ValidationError] = sorted(_validator().iter_errors(raw), key=_place)
    for error in errors:
        yield from _sentences(error)


def _place(error: "ValidationError") -> list[str]:
    """Sorts by path, and tenth items after second ones."""
    return [f"{part:06}" if isinstance(part, int) else part for part in error.absolute_path]


def _sentences(error: "ValidationError") -> Iterator[str]:
    path = list(error.absolute_path)
    got: Any = error.instance
    schema: Any = error.schema
    known = schema.get("properties", {})
    if error.validator == "required":
        for name in (name for name in schema["required"] if name not in got):
            yield _fault([*path, name], "is missing", "nothing", _expected(known.get(name, {})))
    elif error.validator == "additionalProperties":
        for name in (name for name in got if name not in known):
            close = get_close_matches(name, known, n=1)
            hint = f"{close[0]}? One of " if close else "one of "
            yield _fault([*path, name], "is no field of a plan", _shown(got[name]), f"{hint}{', '.join(known)}")
    else:
        yield _fault(path, _WRONG.get(str(error.validator), "is wrong"), _shown(got), _expected(schema))


_WRONG = {
    "type": "has the wrong type",
    "minimum": "is out of range",
    "maximum": "is out of range",
    "exclusiveMinimum": "is out of range",
    "exclusiveMaximum": "is out of range",
    "minItems": "has too few items",
    "maxItems": "has too many items",
    "minLength": "is too short",
    "maxLength": "is too long",
    "enum": "is none of the choices",
    "const": "is none of the choices",
    "pattern": "is not of the form",
}


def _fault(path: Sequence[str | int], wrong: str, got: str, expected: str) -> str:
    return f"{_path(path)}: {wrong}, got {got}, expected {expected}"


def _path(path: Sequence[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_on_one_line(part)}" for part in path)
    return text.removeprefix(".") or "plan"


def _on_one_line(name: str) -> str:
    """A field's name as somebody wrote it, however odd."""
    return name[:SHOWN_LENGTH].encode("unicode_escape").decode() if not name.isprintable() else name[:SHOWN_LENGTH]


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}…"


def _expected(schema: Any) -> str:
    why = f" ({schema['$comment']})" if "$comment" in schema else ""
    return f"{_allowed(schema)}{why}"


def _allowed(schema: Any) -> str:
    if "else" in schema:
        return f"{_expected(schema['else'])}, or {_expected(schema['then'])}"
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(choice) for choice in schema["enum"])
    low, high = (schema.get(end, schema.get(f"exclusive{end.capitalize()}")) for end in ("minimum", "maximum"))
    least, most = schema.get("minItems", schema.get("minLength")), schema.get("maxItems", schema.get("maxLength"))
    kind = json.dumps(schema["const"]) if "const" in schema else _KINDS[schema.get("type", "object")]
    if low is not None:
        to = "to below" if "exclusiveMaximum" in schema else "to"
        return f"{kind} {'above' if 'exclusiveMinimum' in schema else 'from'} {low} {to} {high}"
    if most is not None:
        unit = "items" if schema["type"] == "array" else "characters"
        return f"{kind} of {least or 0} to {most} {unit}"
    if "pattern" in schema:
        return f"{kind} like {schema['pattern']}"
    return kind


_KINDS = {
    "array": "a list",
    "object": "an object",
    "string": "a string",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}


def _rule_faults(raw: Mapping[str, Any]) -> Iterator[str]:
    """Faults that only show across fields; looks only at fields that have the right type by themselves."""
    steps = raw.get("steps")
    if isinstance(steps, list):
        yield from _step_faults([step if isinstance(step, Mapping) else {} for step in steps])
        yield from _deadline_faults(raw, [step for step in steps if isinstance(step, Mapping)])
    elif steps == AUTO and raw.get("gate") == "fixed":
        yield 'steps: are made for the sequential gate only, got "auto" with gate "fixed", expected a list of steps'
    yield from _period_faults(raw)
    sample = raw["shadow"].get("sample_percent") if isinstance(raw.get("shadow"), Mapping) else None
    if _is_number(sample) and not _is_whole_ppm(sample):
        yield f"shadow.sample_percent: is too fine, got {_shown(sample)}, expected at most four decimals"
    if raw.get("lever") == "alias" and not raw.get("candidate_version"):
        yield "candidate_version: is missing, got nothing, expected the published version that lever alias moves to"
    gate = raw.get("gate", SCHEMA["properties"]["gate"]["default"])
    if isinstance(raw.get("gates"), Mapping):
        yield from _threshold_faults(raw["gates"], gate)
        yield from _foreign_faults(raw["gates"], gate)
    if "budgets" in raw and gate == "fixed":
        yield 'budgets: are probabilities of gate "sequential", got gate "fixed", expected none'


def _step_faults(steps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    percents = [step.get("percent") for step in steps]
    for index, percent in enumerate(percents):
        if not _is_number(percent):
            continue
        field = f"steps[{index}].percent"
        if not _is_whole_ppm(percent):
            yield f"{field}: is too fine, got {_shown(percent)}, expected at most four decimals"
        before = percents[index - 1] if index else None
        if _is_number(before) and percent <= before:
            yield f"{field}: does not rise, got {_shown(percent)}, expected more than {_shown(before)}, the step before"
    if percents and _is_number(percents[-1]) and percents[-1] < 100:  # noqa: PLR2004  # percent
        last = f"steps[{len(percents) - 1}].percent"
        yield f"{last}: the last step ends the ramp, got {_shown(percents[-1])}, expected 100"


def _deadline_faults(raw: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    bake_seconds = sum(step["bake_seconds"] for step in steps if _is_number(step.get("bake_seconds")))
    deadline = raw.get("deadline_seconds", DEADLINE_SECONDS)
    if _is_number(deadline) and bake_seconds >= deadline:
        yield (
            f"deadline_seconds: ends the ramp before its last step, got {_shown(deadline)}, "
            f"expected more than {bake_seconds}, the sum of all bake_seconds"
        )


def _period_faults(raw: Mapping[str, Any]) -> Iterator[str]:
    """A step's evidence is asked for whole, however long a question or a pause has held the ramp there."""
    evidence, deadline = raw.get("evidence"), raw.get("deadline_seconds", DEADLINE_SECONDS)
    period = evidence.get("period_seconds") if isinstance(evidence, Mapping) else None
    if not (_is_number(period) and _is_number(deadline)):
        return
    if period in SHORT_PERIODS and deadline > HIGH_RESOLUTION_SECONDS:
        yield (
            f"evidence.period_seconds: CloudWatch forgets such short periods after 3 hours, got {_shown(period)}, "
            f"expected {MINUTE_SECONDS} or more, or a deadline_seconds of at most {HIGH_RESOLUTION_SECONDS}"
        )


def _history_faults(plan: Plan) -> Iterator[str]:
    """Of the longest way through the plan: every patience used up, every approval waited for, until the deadline.

    Where patience may lead to holding, the ramp may be held at any step, and the longest of those ways counts.
    """
    left_seconds = plan.deadline_seconds
    watched_seconds, asked_seconds, held_events = [], 0, 0
    for step in plan.steps:
        watched_seconds.append(min(left_seconds, step.bake_seconds + step.patience_seconds))
        left_seconds -= watched_seconds[-1]
        if plan.gates.on_patience == "hold":
            way = (watched_seconds, plan.look_seconds)
            held_events = max(held_events, history_events(*way, asked_seconds=asked_seconds, held_seconds=left_seconds))
        if step.approval:
            holds = plan.approvals.on_timeout == "hold"
            waited_seconds = left_seconds if holds else min(left_seconds, plan.approvals.timeout_seconds)
            asked_seconds += waited_seconds
            left_seconds -= waited_seconds
    events = max(held_events, history_events(watched_seconds, plan.look_seconds, asked_seconds=asked_seconds))
    if events > HISTORY_EVENTS_PLANNED:
        yield (
            f"look_seconds: may fill the execution's history, got {events} events of looks and questions, "
            f"expected at most {HISTORY_EVENTS_PLANNED}: look less often, or shorten bake, patience or deadline"
        )


def _threshold_faults(gates: Mapping[str, Any], gate: object) -> Iterator[str]:
    whole = _with_defaults({name: gates[name] for name in gates if name in _GATES["properties"]}, _GATES)
    for check in ("latency", "mismatch") if gate == "fixed" else ("mismatch",):
        go, investigate = whole[f"{check}_go_percent"], whole[f"{check}_investigate_percent"]
        if _is_number(go) and _is_number(investigate) and go > investigate:
            yield (
                f"gates.{check}_go_percent: is above the threshold to investigate, got {_shown(go)}, "
                f"expected at most {_shown(investigate)}"
            )
    if gate == "sequential" and whole["mismatch_go_percent"] == 0 and _is_number(whole["mismatch_go_percent"]):
        yield (
            "gates.mismatch_go_percent: is no rate that a proof could stand on, got 0, "
            "expected more than 0, for example 0.1"
        )


def _foreign_faults(gates: Mapping[str, Any], gate: Any) -> Iterator[str]:
    """What the plan sets and its gate does not know: a limit that nobody holds the candidate to must not look like one.

    Nothing is said of a gate that is itself a fault.
    """
    if gate not in [*GATES]:
        return
    for name, of in LIMIT_OF.items():
        if name in gates and gate != of:
            got = f'got {_shown(gates[name])} with gate "{gate}"'
            yield f'gates.{name}: is a limit of gate "{of}", {got}, expected none'
    for field in ("warn_only", "acknowledged"):
        names = gates.get(field)
        for index, name in enumerate(names if isinstance(names, list) else []):
            if isinstance(name, str) and CHECK_OF.get(name, gate) != gate:
                got = f'got "{name}" with gate "{gate}"'
                yield f'gates.{field}[{index}]: is a check of gate "{CHECK_OF[name]}", {got}, expected one of its own'


_GATES = SCHEMA["properties"]["gates"]
GATES = frozenset(SCHEMA["properties"]["gate"]["enum"])
LIMIT_OF: Mapping[str, str] = {
    "latency_investigate_percent": "fixed",
    "shadow_failure_percent_max": "fixed",
    "shadow_p95_ms_max": "fixed",
}
CHECK_OF: Mapping[str, str] = {
    "shadow failures": "fixed",
    "shadow p95": "fixed",
    "errors against control": "sequential",
    "shadow errors": "sequential",
    "shadow latency": "sequential",
}


def _is_number(value: object) -> "TypeIs[int | float]":
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole_ppm(percent: Any) -> bool:
    parts = Decimal(str(percent)) * PPM_PER_PERCENT
    return parts == parts.to_integral_value()
