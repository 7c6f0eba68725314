"""The only reader of the environment, one value for each handler. Names and defaults: docs/wire.md."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


class SettingsError(ValueError):
    """The environment cannot be used; the message holds all faults, each with the variable's name."""


@dataclass(frozen=True)
class RouterSettings:
    """`flag_extension_port` is the AppConfig Lambda extension's port, or None to ask AppConfig itself."""

    application: str
    environment: str
    profile: str
    adapter_flag: str
    shadow_flag: str
    flag_staleness_seconds: int
    flag_extension_port: int | None
    candidate_function: str
    shadow_function: str


@dataclass(frozen=True)
class CandidateSettings:
    """A `statement_timeout_ms` of 0 leaves the timeout to the database role."""

    secret: str
    statement_timeout_ms: int
    prepared_statements: bool


@dataclass(frozen=True)
class ShadowSettings:
    """`ignore` holds field paths that are not compared, `*` for any run of characters."""

    candidate_function: str
    ignore: tuple[str, ...]


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
        flag_staleness_seconds=read.integer("FLAG_STALENESS_SECONDS", 15, 1, 3_600),
        flag_extension_port=port or None,
        candidate_function=read.text("CANDIDATE_FUNCTION"),
        shadow_function=read.text("SHADOW_FUNCTION"),
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
    ignored = environment.get("COMPARISON_IGNORE", "").split(",")
    settings = ShadowSettings(
        candidate_function=read.text("CANDIDATE_FUNCTION"),
        ignore=tuple(path.strip() for path in ignored if path.strip()),
    )
    read.finish()
    return settings


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
