"""DynamoDB's condition and update expressions, as far as the ramp table speaks them; anything else is an error.

Source: Amazon DynamoDB developer guide, "Condition and filter expressions, operators, and functions", "Update
expressions".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from types import CodeType
from typing import Any

TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),]|:\w+|#?\w+)")
WORDS = {"AND": "and", "OR": "or", "NOT": "not", "IN": "in", "=": "==", "<>": "!=", "(": "(", ")": ")", ",": ","}
FUNCTIONS = {"attribute_exists", "attribute_not_exists", "begins_with"}
ONE_OF = re.compile(r"\bin \( (.+?) \)")
CLAUSE = re.compile(r"\b(SET|REMOVE)\b")


class _Absent:
    """An attribute that is not there: unequal to everything, and in no order with it."""

    __hash__ = None  # type: ignore[assignment]  # never a key

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    def __lt__(self, other: object) -> bool:
        return False

    __gt__ = __le__ = __ge__ = __lt__


ABSENT = _Absent()


def holds(expression: str, item: Mapping[str, Any], names: Mapping[str, str], values: Mapping[str, Any]) -> bool:
    """Whether a condition holds for `item`, empty when there is none."""

    def attribute(name: str) -> Any:
        return item.get(names.get(name, name), ABSENT)

    functions: dict[str, Callable[..., bool]] = {
        "attribute_exists": lambda found: found is not ABSENT,
        "attribute_not_exists": lambda found: found is ABSENT,
        "begins_with": lambda found, start: found is not ABSENT and found.startswith(start),
    }
    scope = {"attribute": attribute, "value": values.__getitem__, **functions}
    return bool(eval(_compiled(expression), {"__builtins__": {}}, scope))  # noqa: S307  # words of our own, see below


def updated(
    item: Mapping[str, Any], expression: str, names: Mapping[str, str], values: Mapping[str, Any]
) -> dict[str, Any]:
    """`item` after SET and REMOVE of whole attributes."""
    after = dict(item)
    first, *parts = CLAUSE.split(expression)
    if first.strip():
        raise ValueError(f"UpdateExpression: not known here, got {expression!r}, expected SET or REMOVE")
    for clause, text in zip(parts[::2], parts[1::2], strict=True):
        for part in text.split(","):
            if clause == "REMOVE":
                after.pop(names.get(part.strip(), part.strip()), None)
                continue
            name, value = (word.strip() for word in part.split("="))
            after[names.get(name, name)] = values[value]
    return after


@cache
def _compiled(expression: str) -> CodeType:
    """The expression as Python, made of nothing but the words above."""
    at, out = 0, list[str]()
    while at < len(expression.rstrip()):
        found = TOKEN.match(expression, at)
        if found is None:
            raise ValueError(f"ConditionExpression: not known here, got {expression[at:]!r}")
        at, word = found.end(), found.group(1)
        out.append(_translated(word))
    source = ONE_OF.sub(r"in ( \1 , )", " ".join(out))  # a tuple, of one value too
    return compile(source, "<condition>", "eval")


def _translated(word: str) -> str:
    if word.upper() in WORDS:
        return WORDS[word.upper()]
    if word in FUNCTIONS or word in {"<", ">", "<=", ">="}:
        return word
    return f"value({word!r})" if word.startswith(":") else f"attribute({word!r})"
