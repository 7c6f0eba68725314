"""boto3 clients, each made once in a sandbox and for one attempt: a retry would outlast whoever waits."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_appconfigdata import AppConfigDataClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

FLAG_TIMEOUT_SECONDS = 1.0
SECRET_TIMEOUT_SECONDS = 2.0
DISPATCH_TIMEOUT_SECONDS = 0.5


@lru_cache(maxsize=8)  # a deadline changes with a plan, not with a request
def lambda_client(timeout_seconds: float) -> LambdaClient:
    """Return the Lambda client that waits this long; only a cold connection can take up to twice as long."""
    return boto3.client("lambda", config=_config(timeout_seconds))


@lru_cache(maxsize=1)
def appconfigdata_client() -> AppConfigDataClient:
    """Return the client flags are read with."""
    return boto3.client("appconfigdata", config=_config(FLAG_TIMEOUT_SECONDS))


@lru_cache(maxsize=1)
def secretsmanager_client() -> SecretsManagerClient:
    """Return the client the database secret is read with."""
    return boto3.client("secretsmanager", config=_config(SECRET_TIMEOUT_SECONDS))


def _config(timeout_seconds: float) -> Config:
    return Config(connect_timeout=timeout_seconds, read_timeout=timeout_seconds, retries={"total_max_attempts": 1})
