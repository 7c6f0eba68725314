"""What of the template the emulator refuses or gets wrong, each with its reason, and the template without it.

A test deploys each refused thing alone: when MiniStack learns one, that test fails and the line here goes.
"""

import copy
from typing import Any

from local_stack.package import Template

PREFERENCE = "DeploymentPreference"
REFUSED_TYPES = {
    "AWS::CodeDeploy::Application": "MiniStack has no CodeDeploy",
    "AWS::CodeDeploy::DeploymentGroup": "MiniStack has no CodeDeploy",
    "AWS::Logs::QueryDefinition": "MiniStack has no saved Logs Insights queries",
}
REFUSED_PROPERTIES = {
    PREFERENCE: "it becomes AWS::CodeDeploy::DeploymentGroup",
    # One try of at most three, seconds apart, and the event is gone; AWS keeps a throttled event for up to six hours.
    "ReservedConcurrentExecutions": "MiniStack drops asynchronous events over the reserve instead of queueing them",
}


def without_refused(template: Template) -> tuple[Template, list[str]]:
    """The template that MiniStack takes, and one line for people for each thing that was left out.

    Outputs and DependsOn that name something left out go with it; any other reference to it is left empty.
    """
    fitted = copy.deepcopy(template)
    said: list[str] = []
    gone = {name for name, resource in fitted["Resources"].items() if resource["Type"] in REFUSED_TYPES}
    for name in sorted(gone):
        kind = fitted["Resources"].pop(name)["Type"]
        said.append(f"left out {name} ({kind}): {REFUSED_TYPES[kind]}")
    for name, resource in fitted["Resources"].items():
        gone |= _made_by_preference(name, resource)
    emptied = []
    for name, resource in fitted["Resources"].items():
        said += _fit(name, resource, gone)
        if _names(resource, gone):
            resource["Properties"] = _emptied(resource["Properties"], gone)
            emptied.append(name)
    if emptied:
        said.append(f"left empty what refers to them in {', '.join(emptied)}")
    fitted["Outputs"] = {key: value for key, value in fitted.get("Outputs", {}).items() if not _names(value, gone)}
    return fitted, said


def _made_by_preference(name: str, resource: dict[str, Any]) -> set[str]:
    """What SAM makes of a function's DeploymentPreference. Source: AWS SAM guide, generated resources."""
    if PREFERENCE not in resource.get("Properties", {}):
        return set()
    return {"ServerlessDeploymentApplication", "CodeDeployServiceRole", f"{name}DeploymentGroup"}


def _emptied(value: Any, gone: set[str]) -> Any:
    """`value` with every reference to one of `gone` an empty string."""
    if isinstance(value, list):
        return [_emptied(inner, gone) for inner in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Sub" in value and isinstance(value["Fn::Sub"], str):
        text = value["Fn::Sub"]
        for name in gone:
            text = text.replace(f"${{{name}}}", "")
        return {"Fn::Sub": text}
    if any(_refers(key, inner, gone) for key, inner in value.items()):
        return ""
    return {key: _emptied(inner, gone) for key, inner in value.items()}


def _fit(name: str, resource: dict[str, Any], gone: set[str]) -> list[str]:
    properties = resource.get("Properties", {})
    said = [
        f"left out {name}.{refused}: {reason}"
        for refused, reason in REFUSED_PROPERTIES.items()
        if properties.pop(refused, None) is not None
    ]
    if "DependsOn" in resource:
        wanted = resource.pop("DependsOn")
        kept = [other for other in ([wanted] if isinstance(wanted, str) else wanted) if other not in gone]
        resource.update({"DependsOn": kept} if kept else {})
    return said


def _names(value: object, gone: set[str]) -> bool:
    """Whether an intrinsic anywhere in `value` refers to one of the logical ids in `gone`."""
    if isinstance(value, dict):
        return any(_refers(key, inner, gone) or _names(inner, gone) for key, inner in value.items())
    return isinstance(value, list) and any(_names(inner, gone) for inner in value)


def _refers(intrinsic: str, argument: object, gone: set[str]) -> bool:
    if intrinsic == "Ref":
        return argument in gone
    if intrinsic == "Fn::GetAtt":
        return (argument[0] if isinstance(argument, list) else str(argument).split(".")[0]) in gone
    text = argument[0] if isinstance(argument, list) else argument
    return intrinsic == "Fn::Sub" and any(f"${{{name}" in str(text) for name in gone)
