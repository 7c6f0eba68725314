"""Errors as botocore raises them: the modelled class where the service models the code, ClientError elsewhere."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

REGION = "us-east-1"


@cache
def real_client(service: str) -> Any:
    """A boto3 client that is asked for its models only and never called."""
    session = boto3.Session(aws_access_key_id="none", aws_secret_access_key="none", region_name=REGION)  # noqa: S106 - nobody's
    return session.client(service)  # type: ignore[call-overload]  # any service by name


@cache
def operations(service: str) -> dict[str, str]:
    """Operations by the names that clients give them."""
    names: dict[str, str] = real_client(service).meta.method_to_api_mapping
    return names


@cache
def error_codes(service: str, operation: str) -> tuple[str, ...]:
    """The error codes that the service's model lists for the operation."""
    model = real_client(service).meta.service_model.operation_model(operation)
    return tuple(shape.metadata.get("error", {}).get("code", shape.name) for shape in model.error_shapes)


def refusal(service: str, operation: str, code: str, message: str = "as the service says it") -> ClientError:
    """The error that a client of `service` raises for `code`."""
    kind: type[ClientError] = real_client(service).exceptions.from_code(code)
    return kind({"Error": {"Code": code, "Message": message}}, operation)
