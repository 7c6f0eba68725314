"""A grammar of mutations: a sound JSON value in, one that is wrong in a few places out. The dice are the caller's."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Path = tuple[Any, ...]

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, -(2**63), 10**30, 1e308, -0.5, float("nan"), float("inf"), float("-inf"),
    "", " ", "0", "-1", "1e3", "true", "null", "NaN", "\x00", "a\x00b", "\ud800", "é" * 300, "x" * 5_000,
    "\r\nX-Evil: 1", "<script>alert(1)</script>", "'; DROP TABLE users; --", "${jndi:ldap://x}", "../../etc/passwd",
    "{% $ramp %}",
    "2026-02-30T25:61:61Z", "2026-11-22T07:00:00.000+0000", b"\xff\xfe", [], {}, [None],
    {"": None}, [[[[[]]]]], {"a": {"b": {}}},
)  # fmt: skip


def mutations(value: Any, dice: random.Random) -> Any:
    """A copy of `value` with one to three mutations."""
    mutated = copy.deepcopy(value)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        mutated = _mutated(mutated, dice)
    return mutated


def _mutated(value: Any, dice: random.Random) -> Any:
    places = list(_places(value))
    path = dice.choice(places)
    if not path:
        return dice.choice((_odd(dice), value, [value], {"value": value}))
    parent = _at(value, path[:-1])
    dice.choice(_CHANGES)(parent, path[-1], dice)
    return value


def _places(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, (*path, index))


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def _odd(dice: random.Random) -> Any:
    return copy.deepcopy(dice.choice(ODD))


def _replace(parent: Any, key: Any, dice: random.Random) -> None:
    parent[key] = _odd(dice)


def _remove(parent: Any, key: Any, dice: random.Random) -> None:
    del parent[key]


def _add(parent: Any, key: Any, dice: random.Random) -> None:
    if isinstance(parent, dict):
        parent[dice.choice(("", "unknown", "enabled", "__proto__", "userId", "Records", str(key) * 2))] = _odd(dice)
    else:
        parent.insert(dice.randint(0, len(parent)), _odd(dice))


def _retype(parent: Any, key: Any, dice: random.Random) -> None:
    """The same, as another type would write it."""
    changes: tuple[Callable[[Any], Any], ...] = (
        str,
        lambda it: [it],
        lambda it: {"value": it},
        lambda it: f" {it} ",
        repr,
    )
    parent[key] = dice.choice(changes)(parent[key])


def _swap(parent: Any, key: Any, dice: random.Random) -> None:
    other = dice.choice(list(parent) if isinstance(parent, Mapping) else range(len(parent)))
    parent[key], parent[other] = parent[other], parent[key]


def _nudge(parent: Any, key: Any, dice: random.Random) -> None:
    """Numbers just past where they were, and far; other things twice."""
    value = parent[key]
    if isinstance(value, int | float):
        parent[key] = value * dice.choice((-1, 2, 1_000, 1e12)) + dice.choice((-1, 0, 1, 0.5))
    elif isinstance(value, str | list):
        parent[key] = value * dice.choice((2, 200))


def _nest(parent: Any, key: Any, dice: random.Random) -> None:
    deep: Any = parent[key]
    for _ in range(dice.choice((3, 60))):
        deep = [deep]
    parent[key] = deep


_CHANGES: tuple[Callable[[Any, Any, random.Random], None], ...] = (
    _replace, _replace, _replace, _remove, _add, _retype, _swap, _nudge, _nest,
)  # fmt: skip
