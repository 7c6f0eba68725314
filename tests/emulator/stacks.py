"""Small stacks on a bare emulator."""

import json
import time
from collections.abc import Mapping
from typing import Any

TRANSFORM = "AWS::Serverless-2016-10-31"
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]


def made(clients: Any, name: str, resources: Mapping[str, Any], **sections: Any) -> str:
    """The status that a stack of these resources ends with, `sections` of its template beside them.

    Raises ClientError when CloudFormation refuses it.
    """
    cloudformation = clients("cloudformation")
    template = json.dumps({"Transform": TRANSFORM, "Resources": resources, **sections})
    cloudformation.create_stack(StackName=name, TemplateBody=template, Capabilities=CAPABILITIES)
    while (status := _status(cloudformation, name)).endswith("PROGRESS"):
        time.sleep(0.05)
    return status


def _status(cloudformation: Any, name: str) -> str:
    return str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
