"""What policies and the local stack's authorisation name is what AWS's reference names, as cfn-lint carries it."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from local_stack.authorization import APPCONFIG_RESOURCES, needs

from tests.template.document import RESOURCES, actions

REFERENCE: Mapping[str, Any] = json.loads(
    files("cfnlint").joinpath("data", "AdditionalSpecs", "Policies.json").read_text("utf-8")
)


def _reference(action: str) -> Mapping[str, Any] | None:
    service, _, name = action.partition(":")
    found: Mapping[str, Any] | None = REFERENCE.get(service, {}).get("Actions", {}).get(name.lower())
    return found


def test_every_action_of_the_template_is_one_of_aws() -> None:
    """A misspelt action allows nothing, and says so to nobody."""
    named = set(actions(RESOURCES))
    assert named
    assert [action for action in sorted(named) if _reference(action) is None] == []


def test_appconfig_is_authorised_on_the_resources_that_the_reference_names() -> None:
    """All of them: a policy that lacks one would be refused on AWS first."""
    for action, kinds in APPCONFIG_RESOURCES.items():
        found = _reference(f"appconfig:{action}")
        assert found is not None
        assert set(kinds) == set(found["Resources"]), action


def test_a_request_is_asked_about_as_aws_asks() -> None:
    """The alias by its own action, the schedule in its group with the role that it hands on."""
    target = {"GroupName": "g", "Target": {"RoleArn": "arn:aws:iam::1:role/r"}}
    schedule = needs("scheduler", "POST", "/schedules/s", {}, json.dumps(target).encode(), {})
    assert [need.action for need in schedule] == ["scheduler:CreateSchedule", "iam:PassRole"]
    assert schedule[0].resource.endswith(":schedule/g/s")
    alias = needs("lambda", "GET", "/2015-03-31/functions/f/aliases/live", {}, b"", {})
    assert {(need.action, need.resource.rpartition("function:")[2]) for need in alias} == {
        ("lambda:GetAlias", "f"),
        ("lambda:GetAlias", "f:live"),
    }
