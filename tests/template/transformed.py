"""`template.yaml` as CloudFormation gets it: what SAM makes of it, by SAM's own translator."""

import os
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, cast

from samtranslator.translator.transform import transform  # type: ignore[import-untyped]  # the package has no types
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]  # as above

from tests.template.document import ROOT

ADDRESSES = ("CodeUri", "ContentUri", "DefinitionUri")  # what `sam package` replaces with where it has put the files


class NoManagedPolicies:
    """The template names none of AWS's own policies by its bare name."""

    def load(self) -> Mapping[str, str]:
        return {}


@cache
def resources() -> Mapping[str, Mapping[str, Any]]:
    """Every resource with SAM's own, by logical name, by the parameters' defaults."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # the translator asks for one and calls nobody
    template = yaml_parse((ROOT / "template.yaml").read_text())
    for resource in template["Resources"].values():
        for name in ADDRESSES:
            if name in resource["Properties"]:
                resource["Properties"][name] = "s3://bucket/key"
    defaults = {name: parameter["Default"] for name, parameter in template["Parameters"].items()}
    made = transform(template, defaults, NoManagedPolicies())
    return cast("Mapping[str, Mapping[str, Any]]", made["Resources"])


def of_type(kind: str) -> dict[str, Mapping[str, Any]]:
    """The resources of one type, by logical name, whole."""
    return {name: resource for name, resource in resources().items() if resource["Type"] == kind}


def named(value: Any) -> Iterator[str]:
    """What a value refers to: parameters, resources, conditions, and each `${...}` of a Fn::Sub."""
    if isinstance(value, list):
        for item in value:
            yield from named(item)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key in {"Ref", "Condition"}:
                yield inner
            elif key == "Fn::Sub":
                text = inner[0] if isinstance(inner, list) else inner
                yield from (part.partition("}")[0] for part in text.split("${")[1:])
            elif key == "Fn::If":
                yield inner[0]
                yield from named(inner[1:])
            else:
                yield from named(inner)
