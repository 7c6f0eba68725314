"""Errors as botocore raises them: the modelled class where the service models the code, ClientError elsewhere."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

REGION = "us-east-1"
REFUSED, FAILED = 400, 500


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
    return tuple(_code(shape) for shape in model.error_shapes)


def refusal(service: str, operation: str, code: str, message: str = "as the service says it") -> ClientError:
    """The error that a client of `service` raises for `code`."""
    kind: type[ClientError] = real_client(service).exceptions.from_code(code)
    metadata: Any = {"HTTPStatusCode": _statuses(service).get(code, REFUSED)}
    return kind({"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, operation)


@cache
def _statuses(service: str) -> dict[str, int]:
    """The status that comes with each code, by the service's model: a fault of AWS's own without one is a 500."""
    return {
        # `fault` is left out of a shape's public metadata.
        _code(shape): _error(shape).get("httpStatusCode", FAILED if shape._shape_model.get("fault") else REFUSED)
        for shape in real_client(service).meta.service_model.error_shapes
    }


def _error(shape: Any) -> dict[str, Any]:
    found: dict[str, Any] = shape.metadata.get("error", {})
    return found


def _code(shape: Any) -> str:
    return str(_error(shape).get("code", shape.name))
