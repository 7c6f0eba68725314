"""Control's answer against the candidate's: structural, field by field.

Two things are kept apart: what is compared (the values) and what may be logged (paths, types and keyed hashes). A value
never leaves this module in the clear.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any

from read_path.core.answer import Answer

MOST_MISMATCHES = 20  # logged for one comparison; the rest is counted
LONGEST_PATH = 120
DEEPEST = 16

_HASH_HEX = 12
_ABSENT = object()


@dataclass(frozen=True)
class Mismatch:
    """A field that differs: its path (`status`, `body.email`, `body.tags.0`) and both values as `type:hash`."""

    path: str
    control: str
    candidate: str


@dataclass(frozen=True)
class Comparison:
    """`count` is the number of fields that differ; `mismatches` holds at most MOST_MISMATCHES of them."""

    count: int = 0
    mismatches: tuple[Mismatch, ...] = ()

    @property
    def matches(self) -> bool:
        return self.count == 0


def compare(
    control: Answer, candidate: Answer, key: bytes, ignore: Sequence[str] = (), again: Answer | None = None
) -> Comparison:
    """Compare two answers.

    `ignore` holds field paths, `*` for any run of characters (`body.updatedAt`, `body.items.*.seen`). `again` is a
    second answer of control to the same question: a field in which control differs from itself moves by itself, so it
    counts for nothing. `key` keys the hashes (HMAC-SHA-256, 48 bits shown): no dictionary of emails undoes them.
    """
    noise = frozenset(path for path, _, _ in _differences(control, again)) if again else frozenset()
    found = [
        (path, left, right)
        for path, left, right in _differences(control, candidate)
        if path not in noise and not any(fnmatchcase(path, pattern) for pattern in ignore)
    ]
    shown = tuple(
        Mismatch(path[:LONGEST_PATH], _fingerprint(left, key), _fingerprint(right, key))
        for path, left, right in found[:MOST_MISMATCHES]
    )
    return Comparison(len(found), shown)


def _differences(left: Answer, right: Answer) -> Iterator[tuple[str, Any, Any]]:
    if left.status != right.status:
        yield "status", left.status, right.status
    yield from _walk("body", _parsed(left.body), _parsed(right.body), DEEPEST)


def _parsed(body: str) -> Any:
    """Text that is no JSON is compared as text."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


def _walk(path: str, left: Any, right: Any, depth: int) -> Iterator[tuple[str, Any, Any]]:
    if depth > 0 and isinstance(left, dict) and isinstance(right, dict):
        for name in sorted(left.keys() | right.keys()):
            yield from _walk(f"{path}.{name}", left.get(name, _ABSENT), right.get(name, _ABSENT), depth - 1)
    elif depth > 0 and isinstance(left, list) and isinstance(right, list):
        for index in range(max(len(left), len(right))):
            yield from _walk(f"{path}.{index}", _at(left, index), _at(right, index), depth - 1)
    elif not _same(left, right):
        yield path, left, right


def _at(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else _ABSENT


def _same(left: Any, right: Any) -> bool:
    """JSON has one kind of number (1 and 1.0 are one value), and a boolean is none; Python thinks otherwise."""
    return _kind(left) == _kind(right) and bool(left == right)


def _kind(value: Any) -> str:
    if value is _ABSENT:
        return "absent"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if value is None:
        return "null"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _fingerprint(value: Any, key: bytes) -> str:
    if value is _ABSENT or value is None:
        return _kind(value)
    text = json.dumps(value, sort_keys=True, default=str)
    return f"{_kind(value)}:{hmac.new(key, text.encode(), sha256).hexdigest()[:_HASH_HEX]}"
