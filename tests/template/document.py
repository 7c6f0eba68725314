"""`template.yaml` as values, its functions by logical name with the globals filled in."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]  # the package has no types

ROOT = Path(__file__).parents[2]
TEMPLATE: Mapping[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
RESOURCES: Mapping[str, Any] = TEMPLATE["Resources"]
GLOBALS: Mapping[str, Any] = TEMPLATE["Globals"]["Function"]
FUNCTIONS: Mapping[str, Mapping[str, Any]] = {
    name: resource["Properties"]
    for name, resource in RESOURCES.items()
    if resource["Type"] == "AWS::Serverless::Function"
}


def environment(function: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of one function, the globals' and its own."""
    own = function.get("Environment", {}).get("Variables", {})
    return {**GLOBALS["Environment"]["Variables"], **own}


def of_type(kind: str) -> dict[str, Any]:
    """Properties of the resources of one type, by logical name."""
    return {name: resource["Properties"] for name, resource in RESOURCES.items() if resource["Type"] == kind}


def actions(value: Any) -> Iterator[str]:
    """Every IAM action named anywhere in a part of the template."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name == "Action":
                yield from [item] if isinstance(item, str) else item
            else:
                yield from actions(item)
    elif isinstance(value, list):
        for item in value:
            yield from actions(item)
