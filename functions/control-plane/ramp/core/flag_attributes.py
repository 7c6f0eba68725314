"""The attributes of the two flags of docs/wire.md: what AppConfig declares of each, and what a router takes for it."""

import re
from collections.abc import Callable, Iterator, Mapping
from math import inf
from typing import Any, NamedTuple

from ramp.core.units import WHOLE_PPM

# Source: AWS AppConfig user guide, type reference for AWS.AppConfig.FeatureFlags.
_STRING, _NUMBER, _BOOLEAN = {"type": "string"}, {"type": "number"}, {"type": "boolean"}
_STRINGS = {"type": "array", "elements": _STRING}
RAMP_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


class Attribute(NamedTuple):
    """`constraint` is AppConfig's; `takes` says whether a router takes a value, `expected` in words."""

    constraint: Mapping[str, Any]
    expected: str
    takes: Callable[[Any], bool]
    is_needed: bool = True


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _integer(low: int, high: float = inf) -> Attribute:
    """AppConfig knows numbers only, so 2.0 is one."""
    expected = f"an integer of {low:,}-{high:,}" if high < inf else f"an integer ≥ {low}"
    return Attribute(_NUMBER, expected, lambda value: _is_number(value) and low <= value <= high and value % 1 == 0)


def _is_ramp(value: object) -> bool:
    return isinstance(value, str) and RAMP_NAME.fullmatch(value) is not None


def _is_limit(value: Any) -> bool:
    return value is None or (_is_number(value) and 0 <= value < inf)


def _are_users(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


_LIMIT = Attribute(_NUMBER, "milliseconds from 0, or nothing", _is_limit, is_needed=False)
_USERS = Attribute(_STRINGS, "a list of strings", _are_users, is_needed=False)
_TEXT = Attribute(_STRING, "a string", lambda value: isinstance(value, str))
_TIME = _integer(10, 10_000)
_KEY: Mapping[str, Attribute] = {
    "ramp": Attribute(_STRING, "1-80 of A-Za-z0-9_-", _is_ramp),
    "step": _integer(0),
    "control_slow_ms": _LIMIT,
    "candidate_slow_ms": _LIMIT,
}
ADAPTER: Mapping[str, Attribute] = {
    **_KEY,
    "share_ppm": _integer(0, WHOLE_PPM),
    "salt": _TEXT,
    "deadline_ms": _TIME,
    "fallback": Attribute(_BOOLEAN, "true or false", lambda value: isinstance(value, bool)),
    "allow_users": _USERS,
    "deny_users": _USERS,
    "candidate_version": _TEXT._replace(is_needed=False),
}
SHADOW: Mapping[str, Attribute] = {**_KEY, "sample_ppm": _integer(0, WHOLE_PPM), "budget_ms": _TIME}


def faults_of(name: str, flag: object, attributes: Mapping[str, Attribute]) -> Iterator[str]:
    """Why a router refuses the flag, each fault with its path; one that is off may hold anything."""
    if not isinstance(flag, Mapping):
        yield f"{name}: is no flag, got {told(flag)}, expected an object with enabled"
        return
    enabled = flag.get("enabled") if flag else False
    if not isinstance(enabled, bool):
        yield f"{name}.enabled: is unusable, got {told(enabled)}, expected true or false"
    if enabled is not True:
        return
    for field, attribute in attributes.items():
        if field not in flag:
            if attribute.is_needed:
                yield f"{name}.{field}: is missing, got nothing, expected {attribute.expected}"
        elif not attribute.takes(flag[field]):
            yield f"{name}.{field}: is unusable, got {told(flag[field])}, expected {attribute.expected}"


def told(value: object) -> str:
    """A value for people, who need not see whom a list names."""
    if value is None:
        return "nothing"
    return f"{value!r:.40}" if _is_number(value) else type(value).__name__
