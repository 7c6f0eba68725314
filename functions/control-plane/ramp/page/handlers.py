"""The Lambda handlers of the page: signed-in people's, and the one that links lead to."""

import os
import secrets
import time
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004  # botocore's own name

from ramp.adapters.brake import Brake
from ramp.adapters.comparisons import Comparisons
from ramp.adapters.executions import Executions
from ramp.adapters.late import late
from ramp.adapters.metrics import Metrics
from ramp.adapters.table import RampTable
from ramp.errors import AwsUnavailable
from ramp.page.desk import Desk
from ramp.page.routes import link_app, page_app
from ramp.settings import PageSettings
from ramp.tracing import traced

# A person waits: rather say soon that AWS does not answer. The brake may take its time.
CONFIG = Config(connect_timeout=2, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 2})
BRAKE_SECONDS = 130  # more than the brake's own Timeout
TROUBLES = (AwsUnavailable, ClientError, ConnectionError, HTTPClientError)

logger = Logger()


@cache
def desk() -> Desk:
    """The adapters, made once a sandbox."""
    settings, session = PageSettings.from_environment(os.environ), boto3.Session()
    patient = CONFIG.merge(Config(read_timeout=BRAKE_SECONDS, retries={"total_max_attempts": 1}))
    return Desk(
        flags=settings.flags,
        table=RampTable(session.resource("dynamodb", config=CONFIG).Table(settings.table)),
        metrics=Metrics(late(lambda: session.client("cloudwatch", config=CONFIG)), settings.alarms),
        executions=Executions(late(lambda: session.client("stepfunctions", config=CONFIG))),
        brake=Brake(
            late(lambda: session.client("lambda", config=patient)), settings.brake_function, settings.cleanup_function
        ),
        comparisons=Comparisons(late(lambda: session.client("logs", config=CONFIG)), settings.comparator_logs),
        now=time.time,
        random_id=secrets.token_urlsafe,
        troubles=TROUBLES,
    )


@cache
def _page() -> Any:
    return page_app(desk())


@cache
def _link() -> Any:
    return link_app(desk())


@logger.inject_lambda_context
@traced
def page(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The ramp page, behind a function URL with AWS_IAM."""
    answer: dict[str, Any] = _page().resolve(event, context)
    return answer


@logger.inject_lambda_context
@traced
def link(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Where the links in messages lead, behind a public function URL."""
    answer: dict[str, Any] = _link().resolve(event, context)
    return answer
