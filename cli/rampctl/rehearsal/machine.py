"""Runs `ramp.asl.json` in this process: exactly the features that the file uses, and an error for any other.

Time is a clock that Wait states and time-outs move; a Task is a Python callable; retries happen at once. Expressions
are evaluated by jsonata-python, and one that gives nothing fails the state, as on AWS.
Source: AWS Step Functions developer guide, "Transforming data with JSONata", "Handling errors".
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jsonata import JException, Jsonata  # type: ignore[import-untyped]  # the package has no types

Json = Any
Task = Callable[[Json], Json]
LAMBDA, LAMBDA_WITH_TOKEN = "arn:aws:states:::lambda:invoke", "arn:aws:states:::lambda:invoke.waitForTaskToken"
# Source: Step Functions developer guide, "Execution history": entered and exited, and of a task scheduled, started and
# succeeded or submitted, and for a token its end.
EVENTS = {"Task": 6, "Choice": 2, "Wait": 2, "Succeed": 2, "Fail": 1}
MOST_STATES = 9_000  # Source: Step Functions quotas, 25,000 history events; a state makes two to six


class TaskError(Exception):
    """What a state fails with; `name` is the error name that Retry and Catch match."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name}: {cause}")
        self.name, self.cause = name, cause


@dataclass
class Execution:
    """How an execution ended, and the states it went through."""

    status: str = "RUNNING"
    error: str = ""
    cause: str = ""
    output: Json = None
    path: list[str] = field(default_factory=list)
    history_events: int = 0


@dataclass
class Run:
    """Where an execution stands between two states: at `current`, with `data` for it; None is past the last."""

    context: Json
    data: Json
    current: str | None
    variables: dict[str, Json] = field(default_factory=dict)
    execution: Execution = field(default_factory=Execution)
    tokens: int = 0


def nothing(run: Run) -> None:
    """Nobody looks."""


@dataclass
class Machine:
    """`tasks` maps function placeholders to callables of the payload; `await_token` answers for people.

    `await_token` gets token and time-out in seconds and returns `("success", output)`, `("failure", {Error, Cause})`
    or None for silence until the time-out. `between_states` sees the run before each state and after the last.
    """

    definition: Mapping[str, Any]
    tasks: Mapping[str, Task]
    pass_seconds: Callable[[float], None]
    await_token: Callable[[str, float], tuple[str, Json] | None]
    expect_token: Callable[[str], None] = lambda token: None
    between_states: Callable[[Run], None] = nothing

    def run(self, name: str, arn: str, plan: Json) -> Execution:
        """Run to the end."""
        context = {"Execution": {"Name": name, "Id": arn, "Input": plan}}
        return self.go_on(Run(context, plan, self.definition["StartAt"]))

    def go_on(self, run: Run) -> Execution:
        """Run to the end from where it stands."""
        execution = run.execution
        self.between_states(run)
        while run.current is not None:
            execution.path.append(run.current)
            if len(execution.path) > MOST_STATES:
                raise AssertionError(f"does not end: {execution.path[-20:]}")
            state = self.definition["States"][run.current]
            execution.history_events += EVENTS[state["Type"]]
            run.current, run.data = self._step(state, run)
            self.between_states(run)
        return execution

    def _step(self, state: Mapping[str, Any], run: Run) -> tuple[str | None, Json]:
        execution, variables, data = run.execution, run.variables, run.data
        states = {"input": data, "context": run.context}
        match state["Type"]:
            case "Task":
                return self._task(state, run, states)
            case "Choice":
                chosen = (c["Next"] for c in state["Choices"] if evaluate(c["Condition"], variables, states) is True)
                return next(chosen, state["Default"]), data
            case "Wait":
                self.pass_seconds(evaluate(state["Seconds"], variables, states))
                return state["Next"], data
            case "Succeed":
                execution.status, execution.output = "SUCCEEDED", data
                return None, data
            case "Fail":
                execution.status = "FAILED"
                execution.error = evaluate(state["Error"], variables, states)
                execution.cause = evaluate(state["Cause"], variables, states)
                return None, data
            case unknown:
                raise AssertionError(f"the interpreter knows no {unknown} state")

    def _task(self, state: Mapping[str, Any], run: Run, states: dict[str, Json]) -> tuple[str, Json]:
        failures: dict[int, int] = {}
        while True:
            try:
                return self._attempt(state, run, states)
            except TaskError as error:
                index, retrier = _matching(state.get("Retry", []), error.name)
                failures[index] = failures.get(index, 0) + 1
                if retrier is not None and failures[index] <= retrier["MaxAttempts"]:
                    continue
                _, catcher = _matching(state.get("Catch", []), error.name)
                if catcher is None:
                    raise
                states |= {"errorOutput": {"Error": error.name, "Cause": error.cause}}
                run.variables |= evaluate(catcher.get("Assign", {}), run.variables, states)
                return catcher["Next"], states["errorOutput"]

    def _attempt(self, state: Mapping[str, Any], run: Run, states: Mapping[str, Json]) -> tuple[str, Json]:
        token, run.tokens = f"token-{run.tokens}", run.tokens + 1
        waits = state["Resource"] == LAMBDA_WITH_TOKEN
        if waits:
            self.expect_token(token)
            states = {**states, "context": {**states["context"], "Task": {"Token": token}}}
        arguments = evaluate(state["Arguments"], run.variables, states)
        payload = json.loads(json.dumps(arguments["Payload"]))
        try:
            result = {"Payload": json.loads(json.dumps(self.tasks[arguments["FunctionName"]](payload)))}
        except TaskError:
            raise
        except Exception as error:  # the runtime of Lambda catches all, and names the class
            cause = json.dumps({"errorMessage": str(error), "errorType": type(error).__name__})
            raise TaskError(type(error).__name__, cause) from error
        if waits:
            result = self._outcome(token, state["TimeoutSeconds"])
        states = {**states, "result": result}
        assigned = evaluate(state.get("Assign", {}), run.variables, states)
        output = evaluate(state["Output"], run.variables, states) if "Output" in state else result
        run.variables |= assigned
        return state["Next"], output

    def _outcome(self, token: str, timeout_seconds: float) -> Json:
        outcome = self.await_token(token, timeout_seconds)
        if outcome is None:
            self.pass_seconds(timeout_seconds)
            raise TaskError("States.Timeout", "")
        kind, value = outcome
        if kind == "failure":
            raise TaskError(value["Error"], value["Cause"])
        return value


def evaluate(template: Json, variables: Mapping[str, Json], states: Mapping[str, Json]) -> Json:
    """`template` with every `{% … %}` in it evaluated.

    Raises:
        TaskError: States.QueryEvaluationError, for an expression that fails or gives nothing.
    """
    if isinstance(template, Mapping):
        return {name: evaluate(item, variables, states) for name, item in template.items()}
    if isinstance(template, list):
        return [evaluate(item, variables, states) for item in template]
    if not (isinstance(template, str) and template.startswith("{%")):
        return template
    source = template.removeprefix("{%").removesuffix("%}")
    try:
        value = _compiled(source).evaluate(None, {**variables, "states": states})
    except JException as error:
        raise TaskError("States.QueryEvaluationError", f"{source.strip()}: {error}") from error
    if value is None:
        raise TaskError("States.QueryEvaluationError", f"{source.strip()}: gives nothing")
    return value


@cache
def _compiled(source: str) -> Jsonata:
    """Compiling takes longer than evaluating, and a ramp evaluates the same few expressions at every look."""
    return Jsonata(source)


def _matching(rules: list[Mapping[str, Any]], name: str) -> tuple[int, Mapping[str, Any] | None]:
    for index, rule in enumerate(rules):
        names = rule["ErrorEquals"]
        if name in names or "States.ALL" in names or ("States.TaskFailed" in names and name != "States.Timeout"):
            return index, rule
    return -1, None
