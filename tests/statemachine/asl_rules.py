"""The project's own rules for `ramp.asl.json`; cfn-lint looks at none of this behind `DefinitionUri`.

Each rule takes the definition and gives one sentence a fault, `state.field: what is wrong, got …, expected …`.
Source: AWS Step Functions developer guide, "Passing data between states with variables", "Transforming data with
JSONata in Step Functions", "Handling errors".
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonata import JException, Jsonata  # type: ignore[import-untyped]  # the package has no types
from ramp import errors
from ramp.core.plan import SCHEMA
from ramp.core.verdict import Action

State = Mapping[str, Any]
LAST_RESORT = {"Prepare Ramp": "Ramp Refused", "Roll Back": "Rollback Failed", "Clean Up": "Clean Up Failed"}
GREEN = {"Promoted"}
NEVER_ROUTED = {Action.START, Action.REFUSE}  # words of Prepare Ramp, which Measure never says
ROUTES = {
    "Prepared?": {"START": "Shift Traffic", "default": "Ramp Refused"},
    "Action?": {
        "EXTEND": "Bake",
        "ADVANCE": "Shift Traffic",
        "CALIBRATE": "Shift Traffic",
        "ASK": "Ask For Decision",
        "PROMOTE": "Promote",
        "default": "Roll Back",
    },
}
# Source: AWS Lambda developer guide, "Best practices for Step Functions and Lambda": what the service itself may raise.
LAMBDA_ERRORS = {
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
}
# Source: Step Functions developer guide, "Handling errors" (Lambda.Unknown); AWS Lambda developer guide, "Troubleshoot
# invocation issues": a function out of time or memory tells so by an errorType of its own.
CUT_OFF = {"Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout"}
STATES_ERRORS = {"States.ALL", "States.Timeout", "States.TaskFailed"}
OUR_ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type)}
LONGEST_RAMP_SECONDS: int = SCHEMA["properties"]["deadline_seconds"]["maximum"]
DAY_SECONDS = 86_400  # what a ramp at its deadline may take for the way back, with every retry there is
EXPRESSION = re.compile(r"^\{%(.*)%\}$", re.DOTALL)
VARIABLE = re.compile(r"\$([A-Za-z_]\w*)(?!\w*\()(\.\w+)?")
LITERAL = re.compile(r"'[^']*'|\"[^\"]*\"")
COMPARED = re.compile(r"^\s*\$verdict\.action\s*=\s*'(\w+)'\s*$")
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class Edge:
    """A way from one state to another, and the variables that are assigned on it."""

    source: str
    field: str
    target: str
    assigns: frozenset[str]


def faults(definition: Mapping[str, Any], placeholders: Iterable[str]) -> list[str]:
    """Every fault of every rule; `placeholders` are the template's DefinitionSubstitutions."""
    states: Mapping[str, State] = definition["States"]
    return [
        *_endless(definition),
        *_dangling(definition, states),
        *_unreachable(definition, states),
        *_unassigned(definition, states),
        *_expressions(states),
        *_tasks(states),
        *_error_names(states),
        *_endings(states),
        *_routes(states),
        *_waits(states),
        *_placeholders(states, set(placeholders)),
    ]


def _edges(states: Mapping[str, State]) -> Iterator[Edge]:
    for name, state in states.items():
        own = frozenset(state.get("Assign", {}))
        if "Next" in state:
            yield Edge(name, "Next", state["Next"], own)
        if "Default" in state:
            yield Edge(name, "Default", state["Default"], own)
        for index, choice in enumerate(state.get("Choices", [])):
            yield Edge(name, f"Choices[{index}].Next", choice["Next"], frozenset(choice.get("Assign", {})))
        for index, catcher in enumerate(state.get("Catch", [])):
            yield Edge(name, f"Catch[{index}].Next", catcher["Next"], frozenset(catcher.get("Assign", {})))


def _endless(definition: Mapping[str, Any]) -> Iterator[str]:
    """Without a time-out an execution that hangs lives for a year, and the alarm on those that time out is green."""
    wanted = LONGEST_RAMP_SECONDS + DAY_SECONDS
    if definition.get("TimeoutSeconds") != wanted:
        got = definition.get("TimeoutSeconds", "nothing")
        yield f"TimeoutSeconds: is not a day more than a plan's longest deadline, got {got}, expected {wanted}"


def _dangling(definition: Mapping[str, Any], states: Mapping[str, State]) -> Iterator[str]:
    if definition["StartAt"] not in states:
        yield f"StartAt: leads nowhere, got {definition['StartAt']!r}, expected a state"
    for edge in _edges(states):
        if edge.target not in states:
            yield f"{edge.source}.{edge.field}: leads nowhere, got {edge.target!r}, expected a state"
    for name, state in states.items():
        if state["Type"] in {"Task", "Wait"} and "Next" not in state:
            yield f"{name}.Next: is missing, got nothing, expected a state"
        if state["Type"] == "Choice" and "Default" not in state:
            yield f"{name}.Default: is missing, got nothing, expected the safe side"


def _unreachable(definition: Mapping[str, Any], states: Mapping[str, State]) -> Iterator[str]:
    reached, found = set[str](), {definition["StartAt"]}
    while found:
        reached |= found
        found = {edge.target for edge in _edges(states) if edge.source in reached} - reached
    yield from (f"{name}: is reached by nothing, expected a way to it" for name in states if name not in reached)


def _unassigned(definition: Mapping[str, Any], states: Mapping[str, State]) -> Iterator[str]:
    """Variables that a state uses although some way to it has not assigned them."""
    edges = list(_edges(states))
    everything = frozenset().union(*(edge.assigns for edge in edges))
    assigned = dict.fromkeys(states, everything) | {definition["StartAt"]: frozenset()}
    for _ in states:
        for name in states:
            into = [assigned[edge.source] | edge.assigns for edge in edges if edge.target == name]
            if name != definition["StartAt"] and into:
                assigned[name] = frozenset.intersection(*into)
    for name, state in states.items():
        for path, source in _sources(state):
            for variable in _variables(source) - assigned[name] - {"states"}:
                yield f"{name}.{path}: may be unassigned, got ${variable}, expected one of {sorted(assigned[name])}"


def _expressions(states: Mapping[str, State]) -> Iterator[str]:
    for name, state in states.items():
        for path, text in _texts(state):
            if "{%" in text and not EXPRESSION.match(text):
                yield f"{name}.{path}: is text to the end, got {text!r}, expected one expression in {{% %}}"
        for path, source in _sources(state):
            try:
                Jsonata(source)
            except JException as error:
                yield f"{name}.{path}: does not parse, got {source.strip()!r}, expected JSONata: {error}"
            for field in re.findall(r"\$states\.(\w+)", LITERAL.sub("''", source)):
                if field not in _visible(state, path):
                    yield f"{name}.{path}: is not there, got $states.{field}, expected one of {_visible(state, path)}"


def _visible(state: State, path: str) -> list[str]:
    """What of `$states` may be read at `path`."""
    if path.startswith("Catch"):
        return ["input", "context", "errorOutput"]
    if state["Type"] == "Task" and path.startswith(("Assign", "Output")):
        return ["input", "context", "result"]
    return ["input", "context"]


def _tasks(states: Mapping[str, State]) -> Iterator[str]:
    for name, state in states.items():
        if state["Type"] != "Task":
            continue
        if not isinstance(state.get("TimeoutSeconds"), int):
            yield f"{name}.TimeoutSeconds: is no constant, got {state.get('TimeoutSeconds')!r}, expected whole seconds"
        if not state.get("Retry"):
            yield f"{name}.Retry: is missing, got nothing, expected one on named errors"
        for index, retrier in enumerate(state.get("Retry", [])):
            if retrier.get("JitterStrategy") != "FULL" or "MaxDelaySeconds" not in retrier:
                yield f"{name}.Retry[{index}]: is a stampede, got {retrier}, expected jitter and MaxDelaySeconds"
        yield from _catches(name, state)


def _catches(name: str, state: State) -> Iterator[str]:
    """The last Catch takes everything to Roll Back, but for the three states that have a reason not to."""
    catchers = state.get("Catch", [])
    expected = LAST_RESORT.get(name, "Roll Back")
    last = (catchers[-1]["ErrorEquals"], catchers[-1]["Next"]) if catchers else None
    if last != (["States.ALL"], expected):
        yield f"{name}.Catch: strands the ramp, got {last}, expected States.ALL to {expected}"
    for index, catcher in enumerate(catchers):
        told = {"trouble", "verdict"} & set(catcher.get("Assign", {}))
        if "States.ALL" in catcher["ErrorEquals"] and not told:
            yield f"{name}.Catch[{index}].Assign: loses the reason, got nothing, expected trouble or verdict"


def _error_names(states: Mapping[str, State]) -> Iterator[str]:
    known = LAMBDA_ERRORS | CUT_OFF | STATES_ERRORS | OUR_ERRORS
    for name, state in states.items():
        for kind in ("Retry", "Catch"):
            for index, rule in enumerate(state.get(kind, [])):
                for error in rule["ErrorEquals"]:
                    if error not in known:
                        yield f"{name}.{kind}[{index}]: names no error, got {error!r}, expected one of {sorted(known)}"


def _endings(states: Mapping[str, State]) -> Iterator[str]:
    for name, state in states.items():
        ends = state["Type"] == "Succeed" or state.get("End") is True
        if ends and name not in GREEN:
            yield f"{name}: ends green, got {state['Type']}, expected Fail, since only {sorted(GREEN)} may succeed"
        if state["Type"] == "Fail" and not (state.get("Error") and "$" in str(state.get("Cause"))):
            yield f"{name}: says nothing, got {state}, expected an Error and a Cause for people"


def _routes(states: Mapping[str, State]) -> Iterator[str]:
    for name, expected in ROUTES.items():
        state = states.get(name, {})
        words = {_word(choice["Condition"]): choice["Next"] for choice in state.get("Choices", [])}
        got = words | {"default": state.get("Default")}
        if got != expected:
            yield f"{name}: routes otherwise, got {got}, expected {expected}"
    routed = {word for route in ROUTES.values() for word in route} - {"default"}
    for action in set(Action) - NEVER_ROUTED - {Action.ROLL_BACK} - routed:
        yield f"Action?: knows no {action}, got {sorted(routed)}, expected every Action but ROLL_BACK, the default"


def _word(condition: str) -> str:
    compared = COMPARED.match(condition.removeprefix("{%").removesuffix("%}"))
    return compared.group(1) if compared and compared.group(1) in set(Action) else condition


def _waits(states: Mapping[str, State]) -> Iterator[str]:
    for name, state in states.items():
        if state["Type"] == "Wait" and state.get("Seconds") != "{% $ramp.look_seconds %}":
            yield f"{name}.Seconds: is another wait, got {state.get('Seconds')!r}, expected $ramp.look_seconds"


def _placeholders(states: Mapping[str, State], substituted: set[str]) -> Iterator[str]:
    used = {found for state in states.values() for _, text in _texts(state) for found in PLACEHOLDER.findall(text)}
    for name in sorted(used - substituted):
        yield f"${{{name}}}: is substituted by nothing, expected one of {sorted(substituted)}"
    for name in sorted(substituted - used):
        yield f"DefinitionSubstitutions.{name}: is used nowhere, expected in a state's FunctionName"


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in `value` and where it stands; comments are for people."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name != "Comment":
                yield from _texts(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}[{index}]")
    elif isinstance(value, str):
        yield path, value


def _sources(state: State) -> Iterator[tuple[str, str]]:
    return ((path, found.group(1)) for path, text in _texts(state) if (found := EXPRESSION.match(text)))


def _variables(source: str) -> set[str]:
    return {name for name, _ in VARIABLE.findall(LITERAL.sub("''", source))}
