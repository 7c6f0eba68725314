"""What a function of this plane may be handed: looked at once, at its door, so that nothing behind it meets odd values.

The plan has its own schema (`plan.py`); here are the events around it. Faults are sentences,
`field.path: what is wrong, got …, expected …`, and all come at once.
"""

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from ramp.core.plan import Plan, PlanInvalid

Json = Mapping[str, Any]

# Source: Step Functions quotas, input or output of a state (256 KiB); SNS quotas, message (256 KiB).
INPUT_CHARACTERS_MAX = 262_144
NESTING_MAX = 32
FAULTS_TOLD = 20
SHOWN_LENGTH = 60
# Source: DynamoDB keys and CloudWatch dimensions both hold a ramp's name; Step Functions quotas, name of an execution.
_NAME: Json = {"type": "string", "minLength": 1, "maxLength": 80}
_ARN: Json = {"type": "string", "minLength": 1, "maxLength": 2048}
_TEXT: Json = {"type": "string", "maxLength": 8192}
_TOLD = ("type", "minimum", "maximum", "minLength", "maxLength", "minItems")
_SECONDS: Json = {"type": "number", "minimum": 0, "maximum": 1e11}
_COUNT: Json = {"type": "integer", "minimum": 0, "maximum": 1_000_000_000}


def _object(required: Json, **optional: Json) -> Json:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def _closed(required: Json, **optional: Json) -> Json:
    return {**_object(required, **optional), "additionalProperties": False}


_QUESTION = _closed(
    {"request_id": _NAME, "causes": {"type": "array", "items": _TEXT}, "text": _TEXT, "asked_at": _SECONDS}
)
STATE = _closed(
    {"ramp": _NAME, "execution_arn": _ARN, "raw_plan": {}, "alias_version": _NAME, "started_at": _SECONDS},
    step=_COUNT,
    look=_COUNT,
    step_started_at=_SECONDS,
    look_seconds={"type": "integer", "minimum": 1, "maximum": 900},
    control_p95_ms={"type": ["number", "null"], "minimum": 0},
    acknowledged={"type": "array", "items": _TEXT},
    question={**_QUESTION, "type": ["object", "null"]},
    limited={"type": "boolean"},
    past_looks={"type": "array", "items": _COUNT},
    shadow_flag=_TEXT,
)
_STATE: Json = {"ramp": STATE}
_VERDICT = _object({}, action=_TEXT, reason=_TEXT)
_WORD: Json = {"by": _TEXT, "reason": _TEXT, "via": _TEXT}
_RECORDS: Json = {
    "type": "array",
    "minItems": 1,
    "items": _object({"Sns": _object({"Message": {"type": "string"}})}),
}
# Nothing but the name: an alarm that says too little, or says it oddly, brakes all the same.
_ALARM = Draft202012Validator(_object({"AlarmName": _TEXT}))

# By the name of the task or net function that the event is for.
SCHEMAS: Mapping[str, Json] = {
    "prepare": _object({"plan": {}, "ramp": _NAME, "execution_arn": _ARN}),
    "shift": _object(_STATE),
    "measure": _object(_STATE, decision={"type": ["object", "null"]}),
    "ask": _object({**_STATE, "token": {"type": "string", "minLength": 1, "maxLength": 2048}}, verdict=_VERDICT),
    "promote": _object({**_STATE, "verdict": _object({"reason": _TEXT})}),
    "clean_up": _object({**_STATE, "verdict": _object({"reason": _TEXT})}),
    "roll_back": _object(_STATE, verdict={"type": ["object", "null"]}, trouble={"type": ["object", "null"]}),
    "brake": _object({}, Records=_RECORDS, ramp=_NAME, rejects=_NAME, **_WORD),
    "cleanup": _object(
        {}, deadline_of=_NAME, undo_of=_NAME, examine={"type": "boolean"}, repair={"type": "boolean"}, **_WORD
    ),
}
_VALIDATORS = {name: Draft202012Validator(schema) for name, schema in SCHEMAS.items()}


def faults(task: str, event: object) -> list[str]:
    """What is wrong with `event` for `task`, one sentence each; nothing is, for a task that has no schema here."""
    found = _all_faults(task, event) if task in SCHEMAS else []
    more = [f"event: has more faults, got {len(found)}, expected none"] if len(found) > FAULTS_TOLD else []
    return found[:FAULTS_TOLD] + more


def _all_faults(task: str, event: object) -> list[str]:
    found = list(_unsound(event, "event"))
    found = found or [_sentence(error, "") for error in _VALIDATORS[task].iter_errors(event)]
    if found or not isinstance(event, Mapping):
        return found
    if task == "brake":
        return list(_of_alarms(event.get("Records", [])))
    return list(_of_state(event["ramp"])) if SCHEMAS[task]["properties"].get("ramp") is STATE else []


def _unsound(value: object, path: str) -> Iterator[str]:
    """What no schema can say: numbers that are none, text that no encoding has, nesting and size without end."""
    yield from _unsound_within(value, path, 0)
    if (size := len(json.dumps(value, default=repr))) > INPUT_CHARACTERS_MAX:
        yield f"{path}: is too large, got {size:,} characters, expected at most {INPUT_CHARACTERS_MAX:,}"


def _unsound_within(value: object, path: str, depth: int) -> Iterator[str]:
    if depth > NESTING_MAX:
        yield f"{path}: is nested too deep, got more than {NESTING_MAX} levels, expected fewer"
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _unsound_text(key, path)
            yield from _unsound_within(inner, f"{path}.{_plain(key)}", depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unsound_within(inner, f"{path}[{index}]", depth + 1)
    else:
        yield from _unsound_text(value, path)


def _unsound_text(value: object, path: str) -> Iterator[str]:
    if isinstance(value, str) and value.encode("utf-8", "replace").decode() != value:
        yield f"{path}: is no text, got characters that have no encoding, expected Unicode"
    elif isinstance(value, float) and not isfinite(value):
        yield f"{path}: is no number, got {value}, expected a finite one"
    elif not isinstance(value, str | int | float | None):
        yield f"{path}: is no JSON, got {type(value).__name__}, expected JSON"


def _of_alarms(records: list[Any]) -> Iterator[str]:
    for index, record in enumerate(records):
        path, message = f"Records[{index}].Sns.Message", record["Sns"]["Message"]
        try:
            alarm = json.loads(message)
        except (ValueError, RecursionError):
            yield f"{path}: is no JSON, got {len(message)} characters, expected an alarm"
            continue
        yield from list(_unsound(alarm, path)) or (_sentence(error, path) for error in _ALARM.iter_errors(alarm))


def _of_state(state: Json) -> Iterator[str]:
    try:
        steps = Plan.parse(state["raw_plan"]).steps
    except PlanInvalid as invalid:
        yield from (f"ramp.raw_plan.{fault}" for fault in invalid.faults)
        return
    if state.get("step", 0) >= len(steps):
        yield f"ramp.step: is no step of the plan, got {state['step']}, expected 0 to {len(steps) - 1}"


def _sentence(error: ValidationError, root: str) -> str:
    schema: Any = error.schema
    got: Any = error.instance
    path = root + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    if error.validator == "required":
        missing = next(name for name in schema["required"] if name not in got)
        return f"{path}.{missing}: is missing, got nothing, expected a value".removeprefix(".")
    if error.validator == "additionalProperties":
        unknown = sorted(_plain(name) for name in got if name not in schema["properties"])
        return f"{path}: has unknown fields, got {', '.join(unknown)}, expected none".removeprefix(".")
    expected = ", ".join(f"{name} {schema[name]}" for name in _TOLD if name in schema)
    return f"{path or 'event'}: is wrong, got {_plain(json.dumps(got))}, expected {expected}".removeprefix(".")


def _plain(text: object) -> str:
    """Short, on one line, and in characters that every encoding has."""
    return (
        str(text)[:SHOWN_LENGTH].encode("ascii", "backslashreplace").decode().replace("\n", "\\n").replace("\r", "\\r")
    )
