"""The one module of this plane that knows how traces are made; see docs/decisions.md for a switch to OpenTelemetry."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Tracer

# AWS is called through this alone. By default X-Ray would import everything that it knows how to patch.
_tracer = Tracer(patch_modules=("botocore",))


def traced(handler: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """A Lambda handler whose invocations are subsegments; what it answers is not kept."""
    captured: Callable[..., dict[str, Any]] = _tracer.capture_lambda_handler(handler, capture_response=False)
    return captured
