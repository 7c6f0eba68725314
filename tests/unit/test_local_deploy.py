"""The local deploy ships the product's own template: what is left out is listed, and nothing else changes."""

from pathlib import Path
from typing import Any

import pytest
from local_stack import omissions
from local_stack.package import BUCKET, package, read_template

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def template() -> dict[str, Any]:
    return read_template(REPOSITORY / "template.yaml")


def test_what_is_not_listed_reaches_the_emulator_unchanged(template: dict[str, Any]) -> None:
    fitted, _ = omissions.without_refused(template)
    untouched = [
        name
        for name, resource in template["Resources"].items()
        if resource["Type"] not in omissions.REFUSED_TYPES
        and not set(omissions.REFUSED_PROPERTIES) & set(resource.get("Properties", {}))
        and "DependsOn" not in resource
        and "ServerlessDeploymentApplication" not in str(resource)
    ]
    assert untouched
    assert all(fitted["Resources"][name] == template["Resources"][name] for name in untouched)


def test_everything_left_out_is_said(template: dict[str, Any]) -> None:
    fitted, said = omissions.without_refused(template)
    changed = {name for name in template["Resources"] if fitted["Resources"].get(name) != template["Resources"][name]}
    assert changed
    assert all(any(name in line for line in said) for name in changed)


def test_outputs_and_dependencies_on_something_left_out_go_with_it() -> None:
    refused = "AWS::Logs::QueryDefinition"
    fitted, _ = omissions.without_refused(
        {
            "Resources": {
                "Query": {"Type": refused},
                "Topic": {"Type": "AWS::SNS::Topic", "DependsOn": ["Query", "Other"]},
                "Other": {"Type": "AWS::SNS::Topic", "DependsOn": "Query"},
            },
            "Outputs": {
                "Gone": {"Value": {"Fn::Sub": "id of ${Query.Id}"}},
                "AlsoGone": {"Value": {"Fn::GetAtt": ["Query", "Id"]}},
                "Stays": {"Value": {"Ref": "Topic"}},
            },
        }
    )
    assert fitted["Resources"]["Topic"]["DependsOn"] == ["Other"]
    assert "DependsOn" not in fitted["Resources"]["Other"]
    assert list(fitted["Outputs"]) == ["Stays"]


def test_a_reference_to_what_a_left_out_property_makes_is_left_empty() -> None:
    """SAM makes CodeDeploy's application and group; a function that asks about them then asks about none."""
    function = "AWS::Serverless::Function"
    variables = {"APPLICATION": {"Ref": "ServerlessDeploymentApplication"}, "OTHER": {"Ref": "Topic"}}
    fitted, said = omissions.without_refused(
        {
            "Resources": {
                "Read": {"Type": function, "Properties": {"DeploymentPreference": {"Type": "AllAtOnce"}}},
                "Task": {"Type": function, "Properties": {"Environment": {"Variables": variables}}},
                "Topic": {"Type": "AWS::SNS::Topic"},
            }
        }
    )
    assert fitted["Resources"]["Task"]["Properties"]["Environment"]["Variables"] == {
        "APPLICATION": "",
        "OTHER": {"Ref": "Topic"},
    }
    assert said[-1] == "left empty what refers to them in Task"


def application(folder: Path) -> dict[str, Any]:
    (folder / "code" / "__pycache__").mkdir(parents=True)
    (folder / "code" / "main.py").write_text("handler = None\n")
    (folder / "code" / "requirements.txt").write_text("boto3\n")
    (folder / "code" / "__pycache__" / "main.pyc").write_bytes(b"0")
    return {"Resources": {"F": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "code/"}}}}


def test_an_unchanged_application_has_an_unchanged_digest(tmp_path: Path) -> None:
    template = application(tmp_path)
    before = package(template, tmp_path)
    (tmp_path / "code" / "main.py").touch()
    (tmp_path / "code" / "__pycache__" / "other.pyc").write_bytes(b"1")
    assert package(template, tmp_path) == before


def test_a_changed_line_changes_the_key_of_its_code(tmp_path: Path) -> None:
    template = application(tmp_path)
    before = package(template, tmp_path)
    (tmp_path / "code" / "main.py").write_text("handler = 1\n")
    after = package(template, tmp_path)
    assert after.digest != before.digest
    assert after.template["Resources"]["F"]["Properties"]["CodeUri"]["Bucket"] == BUCKET
    assert list(after.objects) != list(before.objects)
