"""Deploys template.yaml through the emulator's CloudFormation, with the parameters of the local stack."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local_stack import omissions
from local_stack.package import BUCKET, Package, Template, package, read_template
from local_stack.process import LocalStackError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient

STACK_NAME = "huntaze-prisma-skeleton"
SECRET_NAME = "huntaze/database"  # noqa: S105 - the secret's name, not the secret
CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
TEMPLATE_KEY = "template.json"
DEPLOY_SECONDS = 60.0
LOCAL_PARAMETERS = {"FlagStalenessSeconds": "1", "DatabaseStatementTimeoutMs": "5000"}

Client = Callable[[str], Any]


def digest(repository: Path, parameters: Mapping[str, str]) -> str:
    """What `deploy` would deploy, as one hash: unchanged code, template and parameters hash the same."""
    built = package(read_template(repository / "template.yaml"), repository)
    return f"{built.digest}:{json.dumps(dict(sorted(parameters.items())))}"


def deploy(
    client: Client, repository: Path, database_url: str, parameters: Mapping[str, str], say: Callable[[str], None]
) -> str:
    """Create or update the stack, and return when it is complete; returns its digest.

    `parameters` override the template's, and LOCAL_PARAMETERS. Raises LocalStackError with the reason of every resource
    that failed.
    """
    template = read_template(repository / "template.yaml")
    fitted, left_out = omissions.without_refused(template)
    for line in left_out:
        say(line)
    built = package(fitted, repository)
    _put_secret(client, database_url)
    _upload(client, built)
    chosen = {**LOCAL_PARAMETERS, **parameters}
    _apply(client("cloudformation"), built.template, _uploaded(client, built.template), chosen)
    return digest(repository, parameters)


def _put_secret(client: Client, database_url: str) -> None:
    secrets = client("secretsmanager")
    value = json.dumps({"DATABASE_URL": database_url})
    try:
        secrets.create_secret(Name=SECRET_NAME, SecretString=value)
    except secrets.exceptions.ResourceExistsException:
        secrets.put_secret_value(SecretId=SECRET_NAME, SecretString=value)


def _upload(client: Client, built: Package) -> None:
    storage = client("s3")
    storage.create_bucket(Bucket=BUCKET)
    for key, content in built.objects.items():
        storage.put_object(Bucket=BUCKET, Key=key, Body=content)


def _uploaded(client: Client, template: Template) -> str:
    """The template's address; as sam deploy does it, since a template in the call has room for 51,200 bytes."""
    storage = client("s3")
    storage.put_object(Bucket=BUCKET, Key=TEMPLATE_KEY, Body=json.dumps(template).encode())
    return f"{storage.meta.endpoint_url}/{BUCKET}/{TEMPLATE_KEY}"


def _apply(cloudformation: "CloudFormationClient", template: Template, url: str, parameters: Mapping[str, str]) -> None:
    wanted: Any = {
        "StackName": STACK_NAME,
        "TemplateURL": url,
        "Capabilities": list(CAPABILITIES),
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in parameters.items()
            if name in template.get("Parameters", {})
        ],
    }
    unknown = sorted(set(parameters) - set(template.get("Parameters", {})) - set(LOCAL_PARAMETERS))
    if unknown:
        raise LocalStackError(f"parameters: unknown, got {unknown}, expected of {sorted(template['Parameters'])}")
    try:
        if _status(cloudformation) is None:
            cloudformation.create_stack(**wanted)
        else:
            cloudformation.update_stack(**wanted)
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return
        raise LocalStackError(f"template.yaml: refused, {error.response['Error']['Message']}") from None
    _wait(cloudformation)


def _status(cloudformation: "CloudFormationClient") -> str | None:
    try:
        return cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]["StackStatus"]
    except ClientError:
        return None


def _wait(cloudformation: "CloudFormationClient") -> None:
    deadline = time.monotonic() + DEPLOY_SECONDS
    while (status := _status(cloudformation)) and status.endswith("_IN_PROGRESS") and time.monotonic() < deadline:
        time.sleep(0.1)
    if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        raise LocalStackError(f"stack {STACK_NAME}: {status}\n{_failures(cloudformation)}")


def _failures(cloudformation: "CloudFormationClient") -> str:
    events = cloudformation.describe_stack_events(StackName=STACK_NAME)["StackEvents"]
    failed = [event for event in events if event.get("ResourceStatus", "").endswith("_FAILED")]
    return "\n".join(f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed)
