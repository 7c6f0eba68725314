"""The state machine keeps the project's rules, and each rule is seen to find what it is there for."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from rampctl.rehearsal.stage import TASKS

from tests.statemachine.asl_rules import faults
from tests.statemachine.ramp_run import DEFINITION
from tests.template.document import RESOURCES

SUBSTITUTIONS = RESOURCES["RampStateMachine"]["Properties"]["DefinitionSubstitutions"]
TASK_STATES = [name for name, state in DEFINITION["States"].items() if state["Type"] == "Task"]


def test_the_state_machine_keeps_every_rule() -> None:
    """No fault; and the interpreter runs the very functions that the template substitutes."""
    assert faults(DEFINITION, SUBSTITUTIONS) == []
    assert {f"${{{name}}}" for name in SUBSTITUTIONS} == set(TASKS)


def change(*path: str | int, to: Any) -> Callable[[Any], None]:
    """A mutation that sets one value."""

    def mutate(definition: Any) -> None:
        for part in path[:-1]:
            definition = definition[part]
        definition[path[-1]] = to

    return mutate


def drop(*path: str | int) -> Callable[[Any], None]:
    """A mutation that removes one."""

    def mutate(definition: Any) -> None:
        for part in path[:-1]:
            definition = definition[part]
        del definition[path[-1]]

    return mutate


STATES = "States"
MUTATIONS: dict[str, tuple[Callable[[Any], None], str]] = {
    "no end": (drop("TimeoutSeconds"), "TimeoutSeconds: is not a day more than a plan's longest deadline, got nothing"),
    "an end before a ramp's own": (change("TimeoutSeconds", to=3600), "TimeoutSeconds: is not a day more"),
    "StartAt misspelt": (change("StartAt", to="Prepare"), "StartAt: leads nowhere"),
    "Next misspelt": (change(STATES, "Bake", "Next", to="Mesure"), "Bake.Next: leads nowhere, got 'Mesure'"),
    "Default misspelt": (change(STATES, "Action?", "Default", to="Rollback"), "Action?.Default: leads nowhere"),
    "Catch misspelt": (change(STATES, "Measure", "Catch", 0, "Next", to="X"), "Measure.Catch[0].Next: leads nowhere"),
    "Choice misspelt": (change(STATES, "Action?", "Choices", 0, "Next", to="X"), "Action?.Choices[0].Next: leads"),
    "Next gone": (drop(STATES, "Bake", "Next"), "Bake.Next: is missing"),
    "Default gone": (drop(STATES, "Action?", "Default"), "Action?.Default: is missing"),
    "state nobody enters": (change(STATES, "Clean Up", "Next", to="Clean Up Failed"), "Promoted: is reached by"),
    "variable never assigned": (
        drop(STATES, "Prepare Ramp", "Assign", "trouble"),
        "Roll Back.Arguments.Payload.trouble: may be unassigned, got $trouble",
    ),
    "variable assigned on one way only": (
        drop(STATES, "Prepare Ramp", "Catch", 0, "Assign", "verdict"),
        "Ramp Refused.Cause: may be unassigned, got $verdict",
    ),
    "variable misspelt": (change(STATES, "Bake", "Seconds", to="{% $rmap.look_seconds %}"), "got $rmap"),
    "JSONata that does not parse": (change(STATES, "Rolled Back", "Cause", to="{% $verdict.( %}"), "does not parse"),
    "JSONata that is text": (change(STATES, "Rolled Back", "Cause", to="{% $verdict.reason %}."), "is text to the end"),
    "result before there is one": (
        change(STATES, "Measure", "Arguments", "Payload", "ramp", to="{% $states.result %}"),
        "Measure.Arguments.Payload.ramp: is not there, got $states.result",
    ),
    "error output outside Catch": (
        change(STATES, "Measure", "Output", to="{% $states.errorOutput %}"),
        "Measure.Output: is not there, got $states.errorOutput",
    ),
    "time-out that is an expression": (
        change(STATES, "Measure", "TimeoutSeconds", to="{% $ramp.look_seconds %}"),
        "Measure.TimeoutSeconds: is no constant",
    ),
    "jitter gone": (drop(STATES, "Measure", "Retry", 0, "JitterStrategy"), "Measure.Retry[0]: is a stampede"),
    "longest delay gone": (
        drop(STATES, "Shift Traffic", "Retry", 0, "MaxDelaySeconds"),
        "Traffic.Retry[0]: is a",
    ),
    "Catch of one error only": (
        change(STATES, "Measure", "Catch", 0, "ErrorEquals", to=["States.Timeout"]),
        "Measure.Catch: strands the ramp",
    ),
    "Catch to the wrong end": (
        change(STATES, "Measure", "Catch", 0, "Next", to="Rolled Back"),
        "Measure.Catch: strands the ramp",
    ),
    "reason lost": (drop(STATES, "Measure", "Catch", 0, "Assign"), "Measure.Catch[0].Assign: loses the reason"),
    "error that no class has": (
        change(STATES, "Measure", "Retry", 0, "ErrorEquals", 5, to="AwsUnavailabel"),
        "Measure.Retry[0]: names no error, got 'AwsUnavailabel'",
    ),
    "error that AWS does not have": (
        change(STATES, "Measure", "Retry", 0, "ErrorEquals", 0, to="Lambda.Busy"),
        "got 'Lambda.Busy'",
    ),
    "green rollback": (change(STATES, "Rolled Back", "Type", to="Succeed"), "Rolled Back: ends green"),
    "green clean-up failure": (change(STATES, "Clean Up Failed", "Type", to="Succeed"), "Clean Up Failed: ends green"),
    "green End": (change(STATES, "Roll Back", "End", to=True), "Roll Back: ends green"),
    "silent Fail": (drop(STATES, "Rolled Back", "Cause"), "Rolled Back: says nothing"),
    "word that nobody says": (
        change(STATES, "Action?", "Choices", 3, "Condition", to="{% $verdict.action = 'PROMTE' %}"),
        "Action?: routes otherwise",
    ),
    "word routed elsewhere": (change(STATES, "Action?", "Choices", 0, "Next", to="Promote"), "Action?: routes other"),
    "default on the wrong side": (change(STATES, "Action?", "Default", to="Bake"), "Action?: routes otherwise"),
    "refusal that starts": (change(STATES, "Prepared?", "Default", to="Shift Traffic"), "Prepared?: routes otherwise"),
    "wait of its own": (change(STATES, "Bake", "Seconds", to=5), "Bake.Seconds: is another wait"),
    "placeholder misspelt": (
        change(STATES, "Measure", "Arguments", "FunctionName", to="${MesureFunctionArn}"),
        "${MesureFunctionArn}: is substituted by nothing",
    ),
}
MUTATIONS |= {
    f"{field} of {name} gone": (drop(STATES, name, field), f"{name}.{field}: ")
    for name in TASK_STATES
    for field in ("TimeoutSeconds", "Retry", "Catch")
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_state_machine_is_found(name: str) -> None:
    """One change to the real file, and the rule that is there for it speaks."""
    mutate, said = MUTATIONS[name]
    broken = copy.deepcopy(dict(DEFINITION))
    mutate(broken)
    found = faults(broken, SUBSTITUTIONS)
    assert any(said in fault for fault in found), found


def test_a_substitution_that_no_state_uses_is_found() -> None:
    """Template and file name the same functions."""
    found = faults(DEFINITION, [*SUBSTITUTIONS, "PauseFunctionArn"])
    assert found == ["DefinitionSubstitutions.PauseFunctionArn: is used nowhere, expected in a state's FunctionName"]
