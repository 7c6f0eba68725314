"""AWS services with the function's own credentials, each made once in a sandbox."""

from __future__ import annotations

from functools import cache

from read_path import settings
from read_path.aws import Service
from read_path.telemetry import telemetry


@cache
def service(name: str) -> Service:
    """Return the service by the name of its endpoint."""
    credentials = settings.credentials()
    signing_name = "appconfig" if name == "appconfigdata" else name  # Source: botocore, appconfigdata's signingName.
    return Service(signing_name, settings.endpoint_url(name, credentials.region), credentials, telemetry().onward)


def extension(port: int) -> Service:
    """Return the AppConfig Lambda extension, which listens in the sandbox and looks at no signature."""
    return Service("appconfig", f"http://127.0.0.1:{port}", settings.credentials(), lambda: "")
