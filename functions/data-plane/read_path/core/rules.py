"""What a difference in a field counts for: people's rules, and those learnt from control's own noise.

A field's shape is its path with `[]` for any index: `body.items[].seen`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any


class RuleError(ValueError):
    """The rules cannot be used; the message holds all faults, each with its path."""


@dataclass(frozen=True)
class Rule:
    """How one field is compared; the default is exactly.

    ignore: not at all. moves: only the kind of value (a time stamp must stay a string). unordered: a list as a bag.
    tolerance: numbers, at most this far apart. within_ms: times in ISO 8601, at most this far apart. null_is_absent:
    null and no such field are the same.
    """

    ignore: bool = False
    moves: bool = False
    unordered: bool = False
    null_is_absent: bool = False
    tolerance: float | None = None
    within_ms: float | None = None

    def __or__(self, other: Rule) -> Rule:
        """Return what is forgiven by either; of two distances, the one that is set, first this rule's."""
        return Rule(*(getattr(self, field.name) or getattr(other, field.name) for field in fields(Rule)))


EXACTLY = Rule()


class Rules:
    """People's rules, by a pattern of shapes with `*` for any run of characters; all that match hold."""

    def __init__(self, rules: Iterable[tuple[str, Rule]] = ()) -> None:
        self._rules = [(re.compile(re.escape(field).replace(r"\*", ".*")), rule) for field, rule in rules]
        self._known: dict[str, Rule] = {}

    def of(self, shape: str) -> Rule:
        """Return the rule for a field."""
        if shape not in self._known:
            found = EXACTLY
            for pattern, rule in self._rules:
                found = found | rule if pattern.fullmatch(shape) else found
            self._known[shape] = found
        return self._known[shape]


def parse(text: str) -> Rules:
    """Read rules as docs/wire.md, "Comparison rules", has them; no text is no rules. Raises RuleError."""
    try:
        listed = json.loads(text) if text else []
    except ValueError as error:
        raise RuleError("rules: are no JSON, expected a list of objects") from error
    if not isinstance(listed, list):
        raise RuleError(f"rules: are no list, got {type(listed).__name__}, expected a list of objects")
    faults: list[str] = []
    rules = [_rule(f"rules[{index}]", item, faults) for index, item in enumerate(listed)]
    if faults:
        raise RuleError("; ".join(faults))
    return Rules(rules)


def _rule(path: str, item: Any, faults: list[str]) -> tuple[str, Rule]:
    if not isinstance(item, Mapping) or not isinstance(item.get("field"), str):
        faults.append(f"{path}.field: is missing, expected a field's path")
        return "", EXACTLY
    known = {field.name: field.type for field in fields(Rule)}
    for name, value in item.items():
        if name == "field":
            continue
        wanted = bool if known.get(name) == "bool" else (int, float)
        if name not in known:
            faults.append(f"{path}.{name}: is unknown, expected one of {', '.join(known)}")
        elif not isinstance(value, wanted) or (wanted is not bool and (isinstance(value, bool) or value < 0)):
            expected = "true or false" if wanted is bool else "a number from 0"
            faults.append(f"{path}.{name}: is unusable, got {type(value).__name__}, expected {expected}")
    return item["field"], Rule(**{name: item[name] for name in known if name in item}) if not faults else EXACTLY
