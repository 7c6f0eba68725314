"""Every permission of every role is needed, and none that is needed lacks: under IAM, by taking each away."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from local_stack import emulator, state
from local_stack.authorization import Need, is_allowed
from local_stack.stack import Stack
from ministack.core.iam_evaluator import parse_policy_document

from tests.emulator.deeds import Deeds
from tests.template.test_permissions import needs_of_ramps

pytestmark = pytest.mark.long

# Managed by AWS, attached by the SAM transform to every function and machine: writing logs and segments. Lambda itself
# writes logs in MiniStack, and the X-Ray daemon is a UDP socket, so nobody asks for these there.
OF_AWS = "arn:aws:iam::aws:policy/"
# CodeDeploy, which moves the alias, is not there.
AWS_ONLY = {
    "service-role/AWSLambdaBasicExecutionRole",
    "AWSXrayWriteOnlyAccess",
    "AWSXRayDaemonWriteAccess",
    "service-role/AWSCodeDeployRoleForLambdaLimited",
}

# Taken by AppConfig for its monitors, by CodeDeploy, and by its hook; MiniStack has neither.
OF_NOBODY_HERE = {"FlagMonitorRole", "CodeDeployRole", "CodeDeployHookFunctionRole"}
# Role and statement that nothing on this stack can ask for, each with where it is asked for.
NOT_HERE = {
    "FlagMonitorRole: cloudwatch:DescribeAlarms": "AppConfig's own call",
    "CodeDeployRole: sns:Publish": "CodeDeploy's own call, for the triggers of its deployments",
    "PrepareFunctionRole: HandTheMonitorsTheirRole": "an environment with monitors: tests/emulator/test_guards.py",
    "PrepareFunctionRole: LetCloudFormationRead": "CloudFormation's own calls when it compares",
    "PageFunctionRole: ReadWhichFieldsDiffer without": "AWS asks for the group with :*, MiniStack for the group",
    "AskFunctionRole: FindARequestThatShowsIt without": "the same; which log is asked hangs on the check",
    "RollBackFunctionRole: FindARequestThatShowsIt without": "the same",
    "ShadowCompareFunctionRole: TakeComparisonsFromTheQueue": "by queue: tests/emulator/test_shadow_queue.py",
    "ShadowCompareFunctionRole: sqs:SendMessage": "comparisons that failed, which Lambda itself sends",
    "MockReadFunctionRole: QueueComparisons": "by queue: tests/emulator/test_shadow_queue.py",
}


@dataclass(frozen=True)
class Role:
    """A deployed role: its policies as documents, and what it was seen to need."""

    name: str
    policies: tuple[Mapping[str, Any], ...]
    needs: tuple[Need, ...]

    def allows(self, policies: list[Mapping[str, Any]], need: Need) -> bool:
        return is_allowed([parse_policy_document(dict(policy)) for policy in policies], self.name, need)


@pytest.fixture(scope="module")
def roles(local_stack: Stack, repository: Path) -> tuple[Role, ...]:
    """The stack's roles, after everything the product does has been done."""
    Deeds(local_stack).all()
    iam = local_stack.client("iam")
    asked = [json.loads(line) for line in _log(repository).read_text().splitlines()]
    return tuple(
        Role(role["RoleName"], tuple(_documents(iam, role["RoleName"])), tuple(_needs(asked, role["RoleName"])))
        for role in iam.list_roles()["Roles"]
    )


def _log(repository: Path) -> Path:
    return repository / state.FOLDER / emulator.AUTHORIZATIONS_FILE


def _documents(iam: Any, role: str) -> Iterator[Mapping[str, Any]]:
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield _plain(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = attached["PolicyArn"]
        if arn.startswith(OF_AWS):
            assert arn.removeprefix(OF_AWS) in AWS_ONLY
            continue
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        yield _plain(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])


def _plain(document: Any) -> Mapping[str, Any]:
    return dict(json.loads(document) if isinstance(document, str) else document)


def _needs(asked: list[dict[str, Any]], role: str) -> Iterator[Need]:
    for line in asked:
        if line["role"] == role:
            yield Need(line["action"], line["resource"], line["context"])


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _weakened(
    policies: tuple[Mapping[str, Any], ...],
) -> Iterator[tuple[str, set[str], list[Mapping[str, Any]]]]:
    """The policies with one statement, one action, or one resource less: what is gone, its actions, what is left."""
    for index, policy in enumerate(policies):
        statements = _list(policy["Statement"])
        for at, statement in enumerate(statements):
            rest = [*statements[:at], *statements[at + 1 :]]
            for said, actions, less in _less(statement):
                changed = {**policy, "Statement": [*rest, less] if less else rest}
                yield said, actions, [*policies[:index], changed, *policies[index + 1 :]]


def _less(statement: Mapping[str, Any]) -> Iterator[tuple[str, set[str], Mapping[str, Any] | None]]:
    actions, resources = _list(statement["Action"]), _list(statement["Resource"])
    about = statement.get("Sid") or "/".join(actions)
    yield about, set(actions), None
    for action in actions if len(actions) > 1 else []:
        yield f"{about} without {action}", {action}, {**statement, "Action": [a for a in actions if a != action]}
    for resource in resources if len(resources) > 1 else []:
        kept = [other for other in resources if other != resource]
        yield f"{about} without {resource}", set(actions), {**statement, "Resource": kept}


def _logical(role: str) -> str:
    """CloudFormation names a role after its stack, its logical id, and a suffix."""
    return role.split("-")[-2]


def test_no_role_is_refused_anything_it_asks_for(roles: tuple[Role, ...]) -> None:
    """A missing permission shows in the worst moment otherwise: at the deadline, in a rollback."""
    refused = [
        (_logical(role.name), need) for role in roles for need in role.needs if not role.allows([*role.policies], need)
    ]
    assert refused == []
    assert {_logical(role.name) for role in roles if not role.needs} == OF_NOBODY_HERE


def test_whatever_is_taken_from_a_role_is_missed(roles: tuple[Role, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Each statement, each action and each resource of it: one that can go unnoticed is excess, and has to go.

    What comes to pass in a race only (the brake within a shift) is missed in the ramps of tests/template instead.
    """
    in_races = needs_of_ramps()
    missed, elsewhere, unnoticed = 0, [], []
    for role in roles:
        for said, actions, weaker in _weakened(role.policies):
            if any(not role.allows(weaker, need) for need in role.needs):
                missed += 1
            elif _unseen(role, actions) & in_races.get(_function(role.name), set()):
                elsewhere.append(f"{_logical(role.name)}: {said}")
            elif not f"{_logical(role.name)}: {said}".startswith(tuple(NOT_HERE)):
                unnoticed.append(f"{_logical(role.name)}: {said}")
    with capsys.disabled():
        print(f"\n{len(roles)} roles; taken away in turn and missed: {missed}; not missed: {len(unnoticed)}")
        print("not enforced or not reached on the emulator:", *sorted(AWS_ONLY), *NOT_HERE, *elsewhere, sep="\n  ")
    assert missed
    assert not unnoticed, "\n" + "\n".join(unnoticed)


def _unseen(role: Role, actions: set[str]) -> set[str]:
    """Those of the actions that the role never asked for here."""
    return actions - {need.action for need in role.needs}


def _function(role: str) -> str:
    return _logical(role).removesuffix("Role")
