"""Just enough of CloudWatch Logs Insights to run this product's saved queries; anything else is refused.

Commands: `fields`, `filter`, `stats … by …`, `sort`, `limit`. Functions: FUNCTIONS, NULLABLE and AGGREGATES, with
arithmetic, `=`, `and`, `or`, `like /…/`. A field that a line does not have is null; a null in arithmetic gives null,
and aggregates leave nulls out.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

import ast
import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from math import ceil
from typing import Any

Row = dict[str, Any]

LIKE = re.compile(r"(@?\w+) like /((?:\\.|[^/\\])*)/")
ALIAS = re.compile(r"\s+as\s+(\w+)$")
BIN = re.compile(r"bin\((\d+)([smhd])\)")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
AT = "at_"  # how `@timestamp` is spelled in Python


class QueryError(Exception):
    """The query says something that this interpreter does not know."""


def _strcontains(text: str, part: str) -> int:
    return int(part in text)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "strcontains": _strcontains,
    "greatest": max,
    "like": lambda text, pattern: re.search(pattern, text) is not None,
}
NULLABLE: Mapping[str, Callable[..., Any]] = {
    "ispresent": lambda value: value is not None,
    "coalesce": lambda *values: next((value for value in values if value is not None), None),
}
OPERATORS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def _pct(values: list[float], percent: float) -> float | None:
    """The nearest rank; Insights estimates large sets, so figures of production may differ by a hair."""
    ordered = sorted(values)
    return ordered[max(1, ceil(len(ordered) * percent / 100)) - 1] if ordered else None


AGGREGATES: Mapping[str, Callable[..., Any]] = {
    "count": len,
    "count_distinct": lambda values: len(set(values)),
    "sum": sum,
    "max": lambda values: max(values, default=None),
    "pct": _pct,
}


def rows_of(events: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Log events (`timestamp` in milliseconds, `message`) as Insights discovers their fields."""
    rows = []
    for event in events:
        row: Row = {"@timestamp": event["timestamp"], "@message": event["message"]}
        try:
            found = json.loads(event["message"])
        except ValueError:
            found = {}
        rows.append(row | {name: value for name, value in found.items() if value is not None})
    return rows


def run(query: str, events: Iterable[Mapping[str, Any]]) -> list[Row]:
    """The rows that `query` gives. Raises QueryError."""
    rows, shown = rows_of(events), None
    for command in re.split(r"\s*\n\s*\|\s*", query.strip()):
        name, _, rest = command.partition(" ")
        match name:
            case "filter":
                condition = _parsed(rest)
                rows = [row for row in rows if _value(condition, row)]
            case "fields":
                pairs = [_named(part) for part in _parts(rest)]
                shown = [*(shown or ()), *(alias for alias, _ in pairs)]
                rows = [row | {alias: _value(expression, row) for alias, expression in pairs} for row in rows]
            case "stats":
                rows, shown = _stats(rest, rows), None
            case "sort":
                for part in reversed(_parts(rest)):
                    field, _, direction = part.strip().partition(" ")
                    rows = sorted(rows, key=lambda row: row[field], reverse=direction == "desc")  # used at once
            case "limit":
                rows = rows[: int(rest)]
            case _:
                raise QueryError(f"command: is unknown, got {name!r}, expected fields, filter, stats, sort or limit")
    return [{name: row[name] for name in shown} for row in rows] if shown else rows


def _stats(rest: str, rows: list[Row]) -> list[Row]:
    aggregates, _, by = rest.partition(" by ")
    keys, groups = [_named(part) for part in _parts(by)], {}  # type: ignore[var-annotated]  # one line above its use
    for row in rows:
        groups.setdefault(tuple(_value(expression, row) for _, expression in keys), []).append(row)
    told = []
    for key, members in groups.items():
        result: Row = dict(zip((alias for alias, _ in keys), key, strict=True))
        for alias, expression in (_named(part) for part in _parts(aggregates)):
            result[alias] = _value(expression, result, members)
        told.append(result)
    return told


def _parts(text: str) -> list[str]:
    """Split at the commas that are inside no parentheses."""
    parts, depth = [""], 0
    for sign in text:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def _named(part: str) -> tuple[str, ast.expr]:
    found = ALIAS.search(part.rstrip())
    text = part.rstrip()[: found.start()] if found else part
    return (found[1] if found else text.strip()), _parsed(text)


def _parsed(text: str) -> ast.expr:
    python = LIKE.sub(lambda found: f"like({found[1]}, r'{found[2]}')", text.strip())
    python = BIN.sub(lambda found: f"bin({int(found[1]) * UNITS[found[2]]})", python)
    python = re.sub(r"(?<![<>!=])=(?!=)", "==", python).replace("@", AT).replace("(*)", "()")
    try:
        return ast.parse(python, mode="eval").body
    except SyntaxError as error:
        raise QueryError(f"expression: cannot be read, got {text!r}") from error


def _value(node: ast.expr, row: Row, members: list[Row] | None = None) -> Any:  # noqa: PLR0911  # one for each kind of node
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return row.get(name.replace(AT, "@"))
        case ast.BoolOp(op=word, values=parts):
            return (all if isinstance(word, ast.And) else any)(_value(part, row) for part in parts)
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            return _value(left, row) == _value(right, row)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATORS:
            first, second = _value(left, row, members), _value(right, row, members)
            return None if first is None or second is None else OPERATORS[type(sign)](first, second)
        case ast.Call(func=ast.Name(id="bin"), args=[ast.Constant(value=int() as seconds)]):
            return row["@timestamp"] // (seconds * 1000) * seconds
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _called(name, arguments, row, members)
    raise QueryError(f"expression: is not supported, got {ast.unparse(node)!r}")


def _called(name: str, arguments: list[ast.expr], row: Row, members: list[Row] | None) -> Any:
    if members is not None and name in AGGREGATES:
        if not arguments:
            return len(members)
        found = [_value(arguments[0], member) for member in members]
        more = [_value(argument, row) for argument in arguments[1:]]
        return AGGREGATES[name]([value for value in found if value is not None], *more)
    values = [_value(argument, row) for argument in arguments]
    if name in NULLABLE:
        return NULLABLE[name](*values)
    if name in FUNCTIONS:
        return None if None in values else FUNCTIONS[name](*values)
    raise QueryError(f"function: is unknown, got {name!r}, expected of {sorted({*FUNCTIONS, *NULLABLE, *AGGREGATES})}")
