"""What ships in Lambda: locked by hash, needed by an import, nothing besides."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PLANES = ("control-plane", "data-plane")
# What a plane ships as a layer, for those of its functions that need it.
LAYERS = {"data-plane": ("database-driver",)}
# Powertools imports it, for Tracer, without declaring it as a dependency that is always there.
IMPORTED_BY_POWERTOOLS = {"aws-xray-sdk"}


def imported(plane: str) -> set[str]:
    """Distributions that the plane's own modules import, other than for type checkers."""
    distributions, found = packages_distributions(), set[str]()
    for path in (ROOT / "functions" / plane).rglob("*.py"):
        for module in _modules(ast.parse(path.read_text())):
            if module not in sys.stdlib_module_names and not (ROOT / "functions" / plane / module).is_dir():
                found |= {canonicalize_name(name) for name in distributions[module]}
    return found


def _modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]
        else:
            yield from _modules(node)


def read(plane: str, name: str) -> str:
    """The plane's file of this name, and its layers'."""
    return "".join((ROOT / "functions" / unit / name).read_text() for unit in (plane, *LAYERS.get(plane, ())))


def declared(plane: str) -> set[str]:
    lines = read(plane, "requirements.in").splitlines()
    return {canonicalize_name(Requirement(line).name) for line in lines if line and not line.startswith("#")}


def locked(plane: str) -> dict[str, str]:
    """Each locked distribution's whole entry."""
    text = re.sub(r"^#.*\n", "", read(plane, "requirements.txt"), flags=re.MULTILINE)
    entries = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)
    return {canonicalize_name(entry.partition("==")[0]): entry for entry in entries if "==" in entry}


@pytest.mark.parametrize("plane", PLANES)
def test_everything_that_ships_is_locked_by_hash(plane: str) -> None:
    """An index that answers with another file than was locked is refused."""
    entries = locked(plane)
    assert entries
    assert [name for name, entry in entries.items() if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("plane", PLANES)
def test_what_is_declared_is_imported_and_what_is_imported_ships(plane: str) -> None:
    """Nothing is carried along for nobody, and nothing is there by luck."""
    assert declared(plane) - imported(plane) - IMPORTED_BY_POWERTOOLS == set()
    assert imported(plane) - set(locked(plane)) == set()


@pytest.mark.parametrize("plane", PLANES)
def test_what_ships_is_declared_or_needed_by_what_is(plane: str) -> None:
    """The lock holds the declared distributions and their own dependencies, down to the last, and no other."""
    reached, todo = set(), sorted(declared(plane))
    while todo:
        name = todo.pop()
        if name in locked(plane) and name not in reached:
            reached.add(name)
            todo += [canonicalize_name(Requirement(need).name) for need in requires(name) or []]
    assert set(locked(plane)) - reached == set()
