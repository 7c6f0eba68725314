"""One account: its services, and the clients that reach them.

Every call goes through `around`, which may lose it, answer it otherwise, or let somebody else act first. What a client
is given is checked against botocore's own model of the operation, as botocore does before it sends anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from types import SimpleNamespace
from typing import Any, NamedTuple

from botocore.exceptions import ParamValidationError
from botocore.validate import ParamValidator

from tests.sweep.memory.appconfig import AppConfig, AppConfigData
from tests.sweep.memory.cloudwatch import CloudWatch
from tests.sweep.memory.deploys import CloudFormation, CodeDeploy
from tests.sweep.memory.dynamodb import DynamoDb
from tests.sweep.memory.errors import operations, real_client
from tests.sweep.memory.functions import Functions
from tests.sweep.memory.logs import Logs
from tests.sweep.memory.scheduler import Scheduler
from tests.sweep.memory.sns import Sns
from tests.sweep.memory.stepfunctions import StepFunctions

CALL_SECONDS = 0.02


class Call(NamedTuple):
    """One request to AWS: service, operation as AWS names it, and what it was given."""

    service: str
    operation: str
    given: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.service}:{self.operation}"


Effect = Callable[[], Any]
Around = Callable[[Call, Effect], Any]


class Aws:
    """All services on one clock; `now` gives epoch seconds and `sleep` passes them.

    `services` by name are those of another account that this one goes on with.
    """

    def __init__(
        self, now: Callable[[], float], sleep: Callable[[float], None], services: Mapping[str, Any] | None = None
    ) -> None:
        self.now, self.sleep = now, sleep
        self.services = services or _services(now)
        self.appconfig: AppConfig = self.services["appconfig"]
        self.functions: Functions = self.services["lambda"]
        self.dynamodb: DynamoDb = self.services["dynamodb"]
        self.cloudwatch: CloudWatch = self.services["cloudwatch"]
        self.logs: Logs = self.services["logs"]
        self.scheduler: Scheduler = self.services["scheduler"]
        self.sns: Sns = self.services["sns"]
        self.stepfunctions: StepFunctions = self.services["stepfunctions"]
        self.around: Around = lambda _, effect: effect()
        self.validates = True

    def client(self, service: str, config: object = None) -> Client:
        """What `boto3.Session.client` gives."""
        return Client(self, service)

    def resource(self, service: str, config: object = None) -> Any:
        """What `boto3.Session.resource` gives for DynamoDB: tables whose items are plain values."""
        client = Client(self, service)
        return SimpleNamespace(Table=lambda name: Table(client, name), meta=SimpleNamespace(client=client))

    def call(self, service: str, method: str, given: Mapping[str, Any]) -> Any:
        """Send one request."""
        operation = operations(service)[method]
        if self.validates and service != "dynamodb":  # its resource turns plain values into typed ones first
            _validate(service, operation, given)
        self.sleep(CALL_SECONDS)
        effect = getattr(self.services[service], method)
        return self.around(Call(service, operation, given), lambda: effect(**given))


def _services(now: Callable[[], float]) -> Mapping[str, Any]:
    appconfig = AppConfig(now)
    return {
        "appconfig": appconfig,
        "appconfigdata": AppConfigData(appconfig),
        "cloudformation": CloudFormation(),
        "cloudwatch": CloudWatch(),
        "codedeploy": CodeDeploy(),
        "dynamodb": DynamoDb(),
        "lambda": Functions(),
        "logs": Logs(),
        "scheduler": Scheduler(),
        "sns": Sns(),
        "stepfunctions": StepFunctions(),
    }


class Client:
    """Operations as methods, with the service's own exceptions and paginators."""

    def __init__(self, aws: Aws, service: str) -> None:
        self._aws, self._service = aws, service
        self.exceptions = real_client(service).exceptions
        self.meta = SimpleNamespace(endpoint_url="memory:", client=self)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_") or method not in operations(self._service):
            raise AttributeError(method)
        call, service = self._aws.call, self._service

        def operation(**given: Any) -> Any:
            return call(service, method, given)

        self.__dict__[method] = operation  # found there from now on
        return operation

    def get_paginator(self, method: str) -> Any:
        """Pages of a list operation, each a call of its own."""
        return SimpleNamespace(paginate=partial(self._pages, method))

    def _pages(self, method: str, **given: Any) -> Iterator[Any]:
        token_in = _token_name(self._service, method)
        while True:
            page = getattr(self, method)(**given)
            yield page
            if not page.get("NextToken"):
                return
            given = {**given, token_in: page["NextToken"]}


class Table:
    """A DynamoDB table as boto3's resource shows it."""

    def __init__(self, client: Client, name: str) -> None:
        self._client, self.name = client, name
        self.meta = SimpleNamespace(client=client)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        operation = getattr(self._client, method)
        return lambda **given: operation(TableName=self.name, **given)


@cache
def _token_name(service: str, method: str) -> str:
    token: str = real_client(service).get_paginator(method)._pagination_cfg["input_token"]
    return token


def _validate(service: str, operation: str, given: Mapping[str, Any]) -> None:
    shape = real_client(service).meta.service_model.operation_model(operation).input_shape
    report = ParamValidator().validate(dict(given), shape)
    if report.has_errors():
        raise ParamValidationError(report=report.generate_report())
