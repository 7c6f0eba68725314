"""Logs, metrics and traces: the one module that knows Powertools. Nothing in it can fail a request."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricResolution, MetricUnit

from read_path.core.routing import Arm, Phase

TRACE_NAMESPACE = "huntaze"
_PRECISION = 3  # microseconds are enough for a latency in milliseconds


class Telemetry:
    """What handlers say. Message prefixes, metric names and dimensions are those of docs/wire.md."""

    def __init__(self, logger: Logger, tracer: Tracer) -> None:
        self._logger = logger
        self._tracer = tracer
        self._recorder: Any = tracer.provider  # X-Ray's, which Powertools' own type says too little of
        with _harmless():
            if not tracer.disabled:
                # One library, by name: the calls to Lambda are what joins router and candidate in the service map.
                tracer.patch(["botocore"])

    def info(self, message: str, **fields: object) -> None:
        """Log one JSON line; `fields` are further keys of it."""
        with _harmless():
            self._logger.info(message, extra=fields)

    def warning(self, message: str, **fields: object) -> None:
        """Log what an operator should find but nobody must be woken for."""
        with _harmless():
            self._logger.warning(message, extra=fields)

    def error(self, message: str, **fields: object) -> None:
        """Log trouble of our own."""
        with _harmless():
            self._logger.error(message, extra=fields)

    def record(self, arm: Arm, phase: Phase, *, latency_ms: float | None = None, **counts: bool | None) -> None:
        """Emit one EMF record with dimension sets [ramp, step, arm] and [arm], at a resolution of one second.

        One record for one request, so that a request and its error arrive together; a count that is None is not known,
        and left out. `service` is empty because Powertools would add it to the dimensions otherwise.
        """
        with _harmless():
            metrics = EphemeralMetrics(service="")
            for name, value in (("ramp", phase.ramp), ("step", phase.step), ("arm", arm.value)):
                metrics.add_dimension(name, value)
            metrics.add_dimensions(arm=arm.value)
            for name, happened in counts.items():
                if happened is not None:
                    metrics.add_metric(name, MetricUnit.Count, int(happened), MetricResolution.High)
            if latency_ms is not None:
                rounded = round(latency_ms, _PRECISION)
                metrics.add_metric("latency_ms", MetricUnit.Milliseconds, rounded, MetricResolution.High)
            metrics.flush_metrics()

    def annotate(self, **annotations: str | bool) -> None:
        """Put X-Ray annotations (searchable) on the open subsegment."""
        with _harmless():
            for key, value in annotations.items():
                self._tracer.put_annotation(key, value)

    def describe(self, **metadata: str | float | bool) -> None:
        """Put X-Ray metadata on the open subsegment, under `huntaze`."""
        with _harmless():
            for key, value in metadata.items():
                self._tracer.put_metadata(key, value, TRACE_NAMESPACE)

    @contextmanager
    def subsegment(self, name: str, namespace: Literal["local", "remote"] = "local") -> Iterator[None]:
        """Trace the block as a subsegment; a `remote` one becomes a node of the service map."""
        opened = False
        with _harmless():
            opened = self._recorder.begin_subsegment(name, namespace) is not None
        try:
            yield
        finally:
            with _harmless():
                if opened:
                    self._recorder.end_subsegment()


def telemetry() -> Telemetry:
    """Build the real one: service, namespace and log level come from Powertools' own environment variables."""
    return Telemetry(Logger(location=None, utc=True), Tracer(auto_patch=False))


@contextmanager
def _harmless() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the user's answer never depends on whether we could tell of it
        sys.stderr.write(f"telemetry lost: {type(error).__name__}\n")
