"""The only reader of the environment, one value for each handler. Names and defaults: docs/wire.md."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from read_path.signature import Credentials


class SettingsError(ValueError):
    """The environment cannot be used; the message holds all faults, each with the variable's name."""


class RouterSettings(NamedTuple):
    """`flag_extension_port` is the AppConfig Lambda extension's port, or None to ask AppConfig itself.

    Comparisons go to the queue where there is a `shadow_queue_url`, else straight to the function.
    """

    application: str
    environment: str
    profile: str
    adapter_flag: str
    shadow_flag: str
    flag_staleness_seconds: int
    flag_extension_port: int | None
    candidate_function: str
    shadow_function: str
    shadow_queue_url: str


class CandidateSettings(NamedTuple):
    """A `statement_timeout_ms` of 0 leaves the timeout to the database role."""

    secret: str
    statement_timeout_ms: int
    prepared_statements: bool


class ShadowSettings(NamedTuple):
    """`rules` is JSON text as docs/wire.md, "Comparison rules", has it."""

    candidate_function: str
    rules: str


class TelemetrySettings(NamedTuple):
    """`daemon` is X-Ray's `host:port`, empty where nothing is traced.

    `user_ids` is `clear`, `hashed` (with `user_id_key`) or `off`: what logs and traces show of a user's id.
    """

    service: str
    namespace: str
    log_level: str
    daemon: str
    user_ids: str = "clear"
    user_id_key: str = ""


def router_settings(environment: Mapping[str, str] = os.environ) -> RouterSettings:
    """Read the router's settings. Raises SettingsError with all faults at once."""
    read = _Reader(environment)
    port = read.integer("FLAG_EXTENSION_PORT", 0, 0, 65_535)
    settings = RouterSettings(
        application=read.text("APPCONFIG_APPLICATION"),
        environment=read.text("APPCONFIG_ENVIRONMENT"),
        profile=read.text("APPCONFIG_PROFILE"),
        adapter_flag=read.text("ADAPTER_FLAG", "prismaAdapter"),
        shadow_flag=read.text("SHADOW_FLAG", "prismaShadow"),
        flag_staleness_seconds=read.integer("FLAG_STALENESS_SECONDS", 15, 1, 300),
        flag_extension_port=port or None,
        candidate_function=read.text("CANDIDATE_FUNCTION"),
        shadow_function=read.text("SHADOW_FUNCTION"),
        shadow_queue_url=environment.get("SHADOW_QUEUE_URL", ""),
    )
    read.finish()
    return settings


def candidate_settings(environment: Mapping[str, str] = os.environ) -> CandidateSettings:
    """Read the candidate's settings. Raises SettingsError with all faults at once."""
    read = _Reader(environment)
    settings = CandidateSettings(
        secret=read.text("DATABASE_SECRET"),
        statement_timeout_ms=read.integer("DATABASE_STATEMENT_TIMEOUT_MS", 500, 0, 60_000),
        prepared_statements=read.boolean("DATABASE_PREPARED_STATEMENTS", absent=True),
    )
    read.finish()
    return settings


def shadow_settings(environment: Mapping[str, str] = os.environ) -> ShadowSettings:
    """Read the comparator's settings. Raises SettingsError with all faults at once."""
    read = _Reader(environment)
    settings = ShadowSettings(read.text("CANDIDATE_FUNCTION"), environment.get("COMPARISON_RULES", ""))
    read.finish()
    return settings


def telemetry_settings(environment: Mapping[str, str] = os.environ) -> TelemetrySettings:
    """Read what says where telemetry goes. Never raises: a function answers without it."""
    return TelemetrySettings(
        service=environment.get("POWERTOOLS_SERVICE_NAME", "service_undefined"),
        namespace=environment.get("POWERTOOLS_METRICS_NAMESPACE", "Huntaze/ReadPath"),
        log_level=environment.get("POWERTOOLS_LOG_LEVEL", "INFO").upper(),
        daemon=environment.get("AWS_XRAY_DAEMON_ADDRESS", ""),
        user_ids=environment.get("USER_IDS", "clear"),
        user_id_key=environment.get("USER_ID_KEY", ""),
    )


def tracing_header() -> str:
    """Return the trace that Lambda gave this invocation, `Root=…;Parent=…;Sampled=…`; empty without one."""
    return os.environ.get("_X_AMZN_TRACE_ID", "")


def credentials(environment: Mapping[str, str] = os.environ) -> Credentials:
    """Return the function's own credentials: a sandbox has them for its whole life. Raises SettingsError."""
    read = _Reader(environment)
    found = Credentials(
        region=environment.get("AWS_REGION") or read.text("AWS_DEFAULT_REGION"),
        access_key=read.text("AWS_ACCESS_KEY_ID"),
        secret_key=read.text("AWS_SECRET_ACCESS_KEY"),
        token=environment.get("AWS_SESSION_TOKEN", ""),
    )
    read.finish()
    return found


def endpoint_url(service: str, region: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return where a service is reached.

    Source: AWS SDKs, "Service-specific endpoints", AWS_ENDPOINT_URL; AWS China endpoints.
    """
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return environment.get("AWS_ENDPOINT_URL") or f"https://{service}.{region}.{suffix}"


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._faults: list[str] = []

    def text(self, name: str, absent: str = "") -> str:
        value = self._environment.get(name, absent)
        if not value:
            self._faults.append(f"{name}: is missing, expected a name")
        return value

    def integer(self, name: str, absent: int, low: int, high: int) -> int:
        value = self._environment.get(name, str(absent))
        if value.isdecimal() and low <= int(value) <= high:
            return int(value)
        self._faults.append(f"{name}: is unusable, got {value!r}, expected an integer of {low}-{high}")
        return absent

    def boolean(self, name: str, *, absent: bool) -> bool:
        value = self._environment.get(name, str(absent)).lower()
        if value not in {"true", "false"}:
            self._faults.append(f"{name}: is unusable, got {value!r}, expected true or false")
        return value == "true"

    def finish(self) -> None:
        if self._faults:
            raise SettingsError("; ".join(self._faults))
