"""The Lambda handlers: one a state, in the order of the flow; then brake, safety net, and CodeDeploy's question."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, wraps
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004  # botocore's own name

from ramp import code_deploy, net, tasks
from ramp.core import inputs
from ramp.errors import AwsUnavailable, InputRefused
from ramp.settings import Settings
from ramp.tracing import traced
from ramp.world import World

# Codes that AWS answers with 400 although trying again is right; the others come with 429 or 5xx.
THROTTLED = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
TOO_MANY, FAULT = 429, 500  # statuses

logger = Logger()

Task = Callable[[Mapping[str, Any], World], dict[str, Any]]
Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


@cache
def world() -> World:
    """The adapters, made once a sandbox."""
    return World.on_aws(Settings.from_environment(os.environ), boto3.Session())


def handler(task: Task) -> Handler:
    """A task as a Lambda handler: logged, traced, and with AWS's passing troubles under the name that is retried."""

    @wraps(task)
    def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        return handled(task, event, replace(world(), invocation=context.aws_request_id))

    return logger.inject_lambda_context(traced(handle))


def handled(task: Task, event: Mapping[str, Any], world: World) -> dict[str, Any]:
    """What the task makes of the event.

    Raises:
        InputRefused: the event does not read, and the task has not seen it.
        AwsUnavailable: AWS throttled or did not answer.
    """
    if faults := inputs.faults(task.__name__, event):
        raise InputRefused("\n".join(faults))
    try:
        return task(event, world)
    except (ConnectionError, HTTPClientError) as error:
        raise AwsUnavailable(str(error)) from error
    except ClientError as error:
        if is_passing(error):
            raise AwsUnavailable(str(error)) from error
        raise


def is_passing(error: ClientError) -> bool:
    """Whether AWS refused for want of room, or failed by itself; by the status, since each service names it its way."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status == TOO_MANY or status >= FAULT or error.response["Error"]["Code"] in THROTTLED


prepare = handler(tasks.prepare)
shift = handler(tasks.shift)
measure = handler(tasks.measure)
ask = handler(tasks.ask)
promote = handler(tasks.promote)
clean_up = handler(tasks.clean_up)
roll_back = handler(tasks.roll_back)
brake = handler(net.brake)
cleanup = handler(net.cleanup)
before_code_deploy = handler(code_deploy.before_code_deploy)
