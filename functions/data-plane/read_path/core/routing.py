"""The flag document as values, and the arm that serves a user."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from math import inf
from typing import Any, NamedTuple

from read_path.core.bucketing import WHOLE_PPM, in_share

_RAMP_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_DEADLINE_MS = (10, 10_000)


class Arm(StrEnum):
    """The metric dimension `arm`."""

    CONTROL = "control"
    CANDIDATE = "candidate"
    SHADOW = "shadow"


class FlagError(ValueError):
    """The document breaks docs/wire.md. `faults` holds one sentence for each fault, each with its field's path."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))


class Phase(NamedTuple):
    """Ramp and step that evidence is keyed by; `none` outside a ramp.

    A read is slow when it takes longer than its arm's limit, in milliseconds; without a limit nothing is said of it.
    """

    ramp: str = "none"
    step: str = "none"
    control_slow_ms: float | None = None
    candidate_slow_ms: float | None = None

    def slow(self, arm: Arm, latency_ms: float) -> bool | None:
        """Whether a read of `arm` was slow; None when the step knows no limit."""
        limit = self.control_slow_ms if arm is Arm.CONTROL else self.candidate_slow_ms
        return None if limit is None else latency_ms > limit


class AdapterFlag(NamedTuple):
    """Who goes to the candidate, and on what terms. Units and ranges as in docs/wire.md."""

    phase: Phase
    share_ppm: int
    salt: str
    deadline_ms: int
    fallback: bool
    allow_users: frozenset[str] = frozenset()
    deny_users: frozenset[str] = frozenset()
    candidate_version: str = ""


class ShadowFlag(NamedTuple):
    """What is compared: the kill switch of all comparison."""

    phase: Phase
    sample_ppm: int
    budget_ms: int


class Flags(NamedTuple):
    """Both flags; None is a flag that is off. `age_seconds` is how old they are at most, None where none were read."""

    adapter: AdapterFlag | None = None
    shadow: ShadowFlag | None = None
    age_seconds: float | None = None

    @property
    def phase(self) -> Phase:
        """Ramp and step of the moment; in a shadow step only the shadow flag knows them."""
        present = self.adapter or self.shadow
        return present.phase if present else Phase()


def decide(flags: Flags, user_id: str, function_version: str) -> Arm:
    """Return the arm that serves this user on this version of the function.

    Deny wins over allow, both win over the share. With a `candidate_version` the alias deals out the traffic, so the
    version that runs decides and the share is not asked.
    """
    adapter = flags.adapter
    if adapter is None or user_id in adapter.deny_users:
        return Arm.CONTROL
    if user_id in adapter.allow_users:
        return Arm.CANDIDATE
    if adapter.candidate_version:
        chosen = function_version == adapter.candidate_version
    else:
        chosen = in_share(adapter.salt, user_id, adapter.share_ppm)
    return Arm.CANDIDATE if chosen else Arm.CONTROL


def parse(document: object, adapter_flag: str, shadow_flag: str) -> Flags:
    """Read both flags out of a document as AppConfig serves it, or as it stores it (then the object under `values`).

    A flag that is absent or disabled is off; nothing else of it is read.

    Raises FlagError with all faults of both flags at once.
    """
    if not isinstance(document, Mapping):
        raise FlagError([f"document: is not an object, got {type(document).__name__}, expected an object of flags"])
    flags = document["values"] if "flags" in document and "values" in document else document
    if not isinstance(flags, Mapping):
        raise FlagError([f"values: is not an object, got {type(flags).__name__}, expected an object of flags"])
    adapter, shadow = _Fields(flags, adapter_flag), _Fields(flags, shadow_flag)
    parsed = Flags(
        adapter=_adapter(adapter) if adapter.is_enabled() else None,
        shadow=_shadow(shadow) if shadow.is_enabled() else None,
    )
    if adapter.faults or shadow.faults:
        raise FlagError([*adapter.faults, *shadow.faults])
    return parsed


def _adapter(fields: _Fields) -> AdapterFlag:
    return AdapterFlag(
        phase=fields.phase(),
        share_ppm=fields.integer("share_ppm", 0, WHOLE_PPM),
        salt=fields.text("salt"),
        deadline_ms=fields.integer("deadline_ms", *_DEADLINE_MS),
        fallback=fields.boolean("fallback"),
        allow_users=fields.texts("allow_users"),
        deny_users=fields.texts("deny_users"),
        candidate_version=fields.text("candidate_version", absent=""),
    )


def _shadow(fields: _Fields) -> ShadowFlag:
    return ShadowFlag(
        phase=fields.phase(),
        sample_ppm=fields.integer("sample_ppm", 0, WHOLE_PPM),
        budget_ms=fields.integer("budget_ms", *_DEADLINE_MS),
    )


class _Fields:
    """One flag's attributes, and the faults found while reading them. A faulty attribute reads as a harmless value."""

    def __init__(self, flags: Mapping[str, Any], name: str) -> None:
        self.name = name
        self.faults: list[str] = []
        found = flags.get(name, {})
        self._values: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
        if not isinstance(found, Mapping):
            self.faults.append(f"{name}: is not an object, got {type(found).__name__}, expected enabled and attributes")

    def is_enabled(self) -> bool:
        return self.boolean("enabled") if self._values else False

    def phase(self) -> Phase:
        ramp = self.text("ramp")
        if isinstance(self._values.get("ramp"), str) and not _RAMP_ID.fullmatch(ramp):
            self._fault("ramp", "is no ramp id", f"{len(ramp)} characters", "1-80 of A-Za-z0-9_-")
        limits = {field: self.limit(field) for field in ("control_slow_ms", "candidate_slow_ms")}
        return Phase(ramp, str(self.integer("step", 0, None)), **limits)

    def limit(self, field: str) -> float | None:
        value = self._values.get(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < inf:
            self._fault(field, "is no limit", _described(value), "milliseconds from 0, or nothing")
            return None
        return value

    def integer(self, field: str, low: int, high: int | None) -> int:
        value = self._values.get(field)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        expected = f"an integer of {low}-{high:,}" if high is not None else f"an integer ≥ {low}"
        if not isinstance(value, int) or isinstance(value, bool):
            self._fault(field, "is not an integer", _described(value), expected)
            return low
        if value < low or (high is not None and value > high):
            self._fault(field, "is out of range", str(value), expected)
        return value

    def boolean(self, field: str) -> bool:
        value = self._values.get(field)
        if not isinstance(value, bool):
            self._fault(field, "is not a boolean", _described(value), "true or false")
        return value is True

    def text(self, field: str, absent: str | None = None) -> str:
        value = self._values.get(field, absent)
        if isinstance(value, str):
            return value
        self._fault(field, "is not a string", _described(value), "a string")
        return ""

    def texts(self, field: str) -> frozenset[str]:
        """Absent is empty: a console that drops an empty list must not stop the flag from being read."""
        value = self._values.get(field, [])
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return frozenset(value)
        self._fault(field, "is not a list of strings", _described(value), "a list of strings")
        return frozenset()

    def _fault(self, field: str, wrong: str, got: str, expected: str) -> None:
        self.faults.append(f"{self.name}.{field}: {wrong}, got {got}, expected {expected}")


def _described(value: object) -> str:
    return "nothing" if value is None else type(value).__name__
