"""The same as the Powertools documentation would have it, with a client made at import: what the router is spared."""

from __future__ import annotations

from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

from benchmarks.read import bare

logger = Logger(service="idiomatic")
tracer = Tracer(service="idiomatic")
metrics = Metrics(namespace="Idiomatic", service="idiomatic")
functions = boto3.client("lambda", region_name="us-east-1")


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Log, count and trace what the router logs, counts and traces."""
    tracer.put_annotation("canary", value=False)
    tracer.put_annotation("path", "mock")
    metrics.add_dimension("arm", "control")
    for name in ("requests", "errors", "slow", "user_errors", "dispatch_errors"):
        metrics.add_metric(name, MetricUnit.Count, 1)
    metrics.add_metric("latency_ms", MetricUnit.Milliseconds, 1)
    logger.info("[MOCK-SUCCESS]", extra={"user_id": "user-1", "status": 200, "duration_ms": 1})
    return bare.handler(event, context)
