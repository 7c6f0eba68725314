"""Control's answer against the candidate's: structural, field by field.

Two things are kept apart: what is compared (the values) and what may be logged (paths, kinds and keyed hashes). A value
never leaves this module in the clear, and neither does a field's name that looks like data.

Two answers are equal when their statuses are, and their bodies field by field; so two refusals (404) are equal when
they also say the same. A failure (status ≥ 500) is never compared: it is counted as one.
"""

from __future__ import annotations

import hmac
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from read_path.core.answer import Answer
from read_path.core.rules import EXACTLY, Rule

MOST_MISMATCHES = 20  # logged for one comparison; the rest is counted
LONGEST_PATH = 120
DEEPEST = 16

_HASH_HEX = 12
_ABSENT = object()
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")

Lenience = Callable[[str], Rule]
"""Says how the field of a shape (`body.tags[]`) is compared."""

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Difference:
    """One field that differs. `forgiven_by` is the narrowest rule under which it would not."""

    path: Path
    control: Any
    candidate: Any
    forgiven_by: Rule

    @property
    def shape(self) -> str:
        return shape(self.path)


@dataclass(frozen=True)
class Mismatch:
    """A field that differs: its path (`status`, `body.email`, `body.tags[0]`) and both values as `kind:hash`."""

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


def compare(control: Answer, candidate: Answer, lenience: Lenience = lambda _: EXACTLY) -> list[Difference]:
    """Return every field in which the answers differ for all that `lenience` forgives."""
    return list(_differences(control, candidate, lenience))


def publish(differences: list[Difference], key: bytes) -> Comparison:
    """Return what may be logged of them. `key` keys the hashes (HMAC-SHA-256, 48 bits shown): no dictionary of emails
    undoes them.
    """
    shown = tuple(
        Mismatch(_shown(each.path, key), _fingerprint(each.control, key), _fingerprint(each.candidate, key))
        for each in differences[:MOST_MISMATCHES]
    )
    return Comparison(len(differences), shown)


def shape(path: Path) -> str:
    """Return a path with `[]` for every index."""
    return "".join("[]" if isinstance(part, int) else f".{part}" for part in path)[1:]


def _differences(left: Answer, right: Answer, lenience: Lenience) -> Iterator[Difference]:
    if left.status != right.status:
        yield Difference(("status",), left.status, right.status, Rule(ignore=True))
    yield from _walk(("body",), _parsed(left.body), _parsed(right.body), lenience)


def _parsed(body: str) -> Any:
    """Text that is no JSON is compared as text."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


def _walk(path: Path, left: Any, right: Any, lenience: Lenience) -> Iterator[Difference]:
    rule = lenience(shape(path))
    if rule.ignore:
        return
    if len(path) <= DEEPEST and isinstance(left, dict) and isinstance(right, dict):
        for name in sorted(left.keys() | right.keys()):
            yield from _walk((*path, name), left.get(name, _ABSENT), right.get(name, _ABSENT), lenience)
    elif len(path) <= DEEPEST and isinstance(left, list) and isinstance(right, list):
        yield from _walk_lists(path, left, right, rule, lenience)
    elif not _same(left, right, rule):
        forgiven_by = Rule(moves=True) if _kind(left) == _kind(right) else Rule(ignore=True)
        yield Difference(path, left, right, forgiven_by)


def _walk_lists(path: Path, left: list[Any], right: list[Any], rule: Rule, lenience: Lenience) -> Iterator[Difference]:
    """What differs most simply may be the order: that is one difference then, not one for each item."""
    in_order = [] if rule.unordered else list(_walk_items(path, left, right, lenience))
    if not in_order and not rule.unordered:
        return
    in_bag = list(_walk_items(path, *_lined_up(left, right), lenience))
    if rule.unordered:
        yield from in_bag
    elif len(in_bag) < len(in_order):
        yield Difference(path, left, right, Rule(unordered=True))
        yield from in_bag
    else:
        yield from in_order


def _walk_items(path: Path, left: list[Any], right: list[Any], lenience: Lenience) -> Iterator[Difference]:
    for index in range(max(len(left), len(right))):
        yield from _walk((*path, index), _at(left, index), _at(right, index), lenience)


def _lined_up(left: list[Any], right: list[Any]) -> tuple[list[Any], list[Any]]:
    """Sort two lists by what they have in common, so that equal items meet whatever moves inside them."""
    both = [*left, *right]
    names = {name for item in both for name in item} if all(isinstance(item, dict) for item in both) else set()
    stable = sorted(name for name in names if _values(left, name) == _values(right, name))

    def key(item: Any) -> str:
        return _canonical([item.get(name) for name in stable] if stable else item)

    return sorted(left, key=key), sorted(right, key=key)


def _values(items: list[dict[str, Any]], name: str) -> Counter[str]:
    return Counter(_canonical(item.get(name)) for item in items)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _at(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else _ABSENT


def _same(left: Any, right: Any, rule: Rule) -> bool:
    """JSON has one kind of number (1 and 1.0 are one value), and a boolean is none; Python thinks otherwise."""
    kinds = {_kind(left), _kind(right)}
    if kinds == {"null", "absent"}:
        return rule.null_is_absent
    if len(kinds) > 1:
        return False
    return rule.moves or bool(left == right) or _is_close(left, right, rule)


def _is_close(left: Any, right: Any, rule: Rule) -> bool:
    if _kind(left) == "number" and rule.tolerance is not None:
        return bool(abs(left - right) <= rule.tolerance)
    if _kind(left) == "string" and rule.within_ms is not None:
        moments = _moment(left), _moment(right)
        return None not in moments and abs(moments[0] - moments[1]) * 1000 <= rule.within_ms  # type: ignore[operator]  # None is out
    return False


def _moment(text: str) -> float | None:
    """Return epoch seconds of a time in ISO 8601; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


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


def _shown(path: Path, key: bytes) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{_name(part, key)}" for part in path)
    return "".join(parts)[1 : LONGEST_PATH + 1]


def _name(name: str, key: bytes) -> str:
    """A name that looks like data (an email as a key) is told by its hash."""
    return name if _PLAIN_NAME.fullmatch(name) else f"#{_hash(name, key)}"


def _fingerprint(value: Any, key: bytes) -> str:
    if value is _ABSENT or value is None:
        return _kind(value)
    return f"{_kind(value)}:{_hash(json.dumps(value, sort_keys=True, default=str), key)}"


def _hash(text: str, key: bytes) -> str:
    return hmac.new(key, text.encode(), sha256).hexdigest()[:_HASH_HEX]
