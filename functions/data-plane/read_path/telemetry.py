"""Logs, metrics and traces. Nothing in it can fail a request.

A request's metrics ride on its log line: one line in CloudWatch's embedded metric format, written whatever the log
level, since metrics are evidence. The lines are those of Powertools' Logger, key for key, and made without it: loading
it costs half of a bare function's start, in front of a user who waits (docs/performance.md).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from typing import IO, Any

from read_path import settings
from read_path.core.routing import Arm, Phase
from read_path.tracing import Tracing

TRACE_NAMESPACE = "huntaze"
_HASH_DIGITS = 16
_PRECISION = 3  # microseconds are enough for a latency in milliseconds
_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
_UNITS = {"latency_ms": "Milliseconds", "flag_age_seconds": "Seconds"}


class Telemetry:
    """What handlers say. Message prefixes, metric names and dimensions are those of docs/wire.md."""

    def __init__(
        self,
        about: settings.TelemetrySettings,
        tracing: Tracing,
        stream: IO[str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._about = about
        self._tracing = tracing
        self._stream = stream
        self._clock = clock

    def info(self, message: str, **fields: object) -> None:
        """Log one JSON line; `fields` are further keys of it."""
        self._log("INFO", message, fields)

    def warning(self, message: str, **fields: object) -> None:
        """Log what an operator should find but nobody must be woken for."""
        self._log("WARNING", message, fields)

    def error(self, message: str, **fields: object) -> None:
        """Log trouble of our own."""
        self._log("ERROR", message, fields)

    def record(
        self,
        message: str,
        arm: Arm,
        phase: Phase,
        fields: dict[str, Any],
        *,
        level: str = "INFO",
        **metrics: float | None,
    ) -> None:
        """Write the one line of a request: log line and EMF record with dimension sets [ramp, step, arm] and [arm].

        One record for one request, so that a request and its error arrive together. `metrics` are counts of 0 or 1,
        `latency_ms` and `flag_age_seconds`; what is None is not known, and left out. Resolution is one second.
        """
        with _harmless():
            known = {name: round(value + 0, _PRECISION) for name, value in metrics.items() if value is not None}
            key = {"ramp": phase.ramp, "step": phase.step, "arm": arm.value}
            self._write(level, message, {**fields, **key, **known}, _directive(self._about.namespace, tuple(known)))

    def annotate(self, **annotations: str | bool) -> None:
        """Put X-Ray annotations (searchable) on the open subsegment."""
        with _harmless():
            self._tracing.annotate(self._shown(annotations, "userId"))

    def describe(self, **metadata: str | float | bool) -> None:
        """Put X-Ray metadata on the open subsegment, under `huntaze`."""
        with _harmless():
            self._tracing.describe(TRACE_NAMESPACE, metadata)

    def fault(self, error: Exception) -> None:
        """Put an exception of our own on the open subsegment: its class and where it came from."""
        with _harmless():
            self._tracing.fail(error)

    @contextmanager
    def subsegment(self, name: str, **about: Any) -> Iterator[None]:
        """Trace the block as a subsegment; one with `namespace="remote"` becomes a node of the service map."""
        opened = None
        with _harmless():
            opened = self._tracing.begin(name, about)
        try:
            yield
        finally:
            if opened is not None:
                with _harmless():
                    self._tracing.end(opened)

    def onward(self) -> str:
        """Return the tracing header for a call made now; empty outside a trace."""
        with _harmless():
            return self._tracing.onward()
        return ""

    def _log(self, level: str, message: str, fields: dict[str, object]) -> None:
        with _harmless():
            if _LEVELS.get(level, 0) >= _LEVELS.get(self._about.log_level, 0):
                self._write(level, message, fields)

    def _shown(self, fields: Mapping[str, Any], name: str) -> dict[str, Any]:
        """`fields` with the user's id under `name` as clear, hashed or off; a setting that is none of them is off.

        The hash is as lasting as its key, so that one user's requests are found together, and no other's.
        """
        shown = dict(fields)
        if self._about.user_ids == "clear" or name not in shown:
            return shown
        user_id = shown.pop(name)
        if self._about.user_ids == "hashed":
            keyed = f"{self._about.user_id_key}:{user_id}".encode("utf-8", "backslashreplace")
            shown[name] = sha256(keyed).hexdigest()[:_HASH_DIGITS]
        return shown

    def _write(self, level: str, message: str, fields: Mapping[str, object], directive: str = "") -> None:
        now, header = self._clock(), settings.tracing_header()
        line = {
            "level": level,
            "message": message,
            "timestamp": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z",
            "service": self._about.service,
            **self._shown(fields, "user_id"),
            "xray_trace_id": header.partition(";")[0].removeprefix("Root=") or None,
            "xray_sampled": False if "Sampled=0" in header else None,
        }
        text = json.dumps({name: value for name, value in line.items() if value is not None})
        if directive:
            text = f'{text[:-1]}, "_aws": {{"Timestamp": {int(now * 1000)}, {directive}}}}}'
        stream = self._stream or sys.stdout
        stream.write(f"{text}\n")
        stream.flush()


@lru_cache(maxsize=1)
def telemetry() -> Telemetry:
    """Return the real one. Service, namespace and log level come from Powertools' own environment variables."""
    about = settings.telemetry_settings()
    return Telemetry(about, Tracing(about.daemon, settings.tracing_header))


@lru_cache(maxsize=64)  # a handful of sets of metrics; their names are the code's own
def _directive(namespace: str, names: tuple[str, ...]) -> str:
    """Return the part of `_aws` that is alike for all records with these metrics.

    Source: CloudWatch, "Specification: Embedded metric format".
    """
    metrics = [{"Name": name, "Unit": _UNITS.get(name, "Count"), "StorageResolution": 1} for name in names]
    directive = {"Namespace": namespace, "Dimensions": [["ramp", "step", "arm"], ["arm"]], "Metrics": metrics}
    return f'"CloudWatchMetrics": {json.dumps([directive])}'


@contextmanager
def _harmless() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the user's answer never depends on whether we could tell of it
        sys.stderr.write(f"telemetry lost: {type(error).__name__}\n")
