"""The router with Powertools' Logger, Metrics and Tracer around it, as their documentation puts them, and no client."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from read_path import router

logger = Logger(service="router")
tracer = Tracer(service="router", auto_patch=False)
metrics = Metrics(namespace="Router", service="router")


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer as the router does."""
    return router.handler(event, context)
