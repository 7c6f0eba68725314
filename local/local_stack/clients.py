"""boto3 clients of the emulator, untouched by the user's own profile and credentials."""

from typing import Any

import boto3
from botocore.config import Config

from local_stack.emulator import CREDENTIALS, REGION

CONNECTIONS = 32
READ_SECONDS = 20


def client(endpoint_url: str, service: str, attempts: int = 2) -> Any:
    """A client of `service` at the emulator; `attempts` counts the first try."""
    return boto3.client(
        service,  # type: ignore[call-overload]  # any service by name, so Any is what comes back
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(
            max_pool_connections=CONNECTIONS, read_timeout=READ_SECONDS, retries={"total_max_attempts": attempts}
        ),
    )
