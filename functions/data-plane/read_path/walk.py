"""The look at the data before a ramp: every user through both arms, a page at a time, off every user's path.

It goes by the rules of the comparison that comes later, and leaves no metric: evidence is what users' requests show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from read_path.compare import Comparator
from read_path.core import comparison
from read_path.core.comparison import Difference
from read_path.core.observation import CandidateError
from read_path.observe import observe

_BUDGET_MS = 5_000
_LONGEST_PAGE = 500

Ask = Callable[[dict[str, object], int], object]
"""Invokes the candidate with any event, within milliseconds. Raises CandidateError."""


def walk(event: Mapping[str, Any], comparator: Comparator, users: Sequence[str], ask: Ask) -> dict[str, Any]:
    """Compare `limit` (1-500) users from `offset` on, every `stride`-th of control's list.

    Returns `{"control": {"users"}, "candidate": {"users", "schema"} | null, "compared", "failed": [ids], "missing":
    [ids], "differing": [ids], "fields": {shape: users}, "next": offset | null}`. The candidate's census comes with the
    first page; null says that it gave none.
    """
    offset, stride = int(event.get("offset", 0)), max(1, int(event.get("stride", 1)))
    end = offset + min(max(1, int(event.get("limit", 100))), _LONGEST_PAGE) * stride
    fields: Counter[str] = Counter()
    found: dict[str, list[str]] = {"failed": [], "missing": [], "differing": []}
    page = users[offset:end:stride]
    for user_id in page:
        differences = _differences(user_id, comparator)
        outcome = _outcome(differences)
        if outcome is not None:
            found[outcome].append(user_id)
        if outcome == "differing":
            fields.update({each.shape for each in differences or ()})
    return {
        "control": {"users": len(users)},
        "candidate": _census(ask) if offset == 0 else None,
        "compared": len(page) - len(found["failed"]),
        **found,
        "fields": dict(fields),
        "next": end if end < len(users) else None,
    }


def _outcome(differences: list[Difference] | None) -> str | None:
    if differences is None:
        return "failed"
    if any(each.path == ("status",) and each.candidate == HTTPStatus.NOT_FOUND for each in differences):
        return "missing"
    return "differing" if differences else None


def _differences(user_id: str, comparator: Comparator) -> list[Difference] | None:
    control = observe(lambda: comparator.control(user_id), comparator.clock).answer
    candidate = observe(lambda: comparator.candidate(user_id, _BUDGET_MS), comparator.clock, _BUDGET_MS).answer
    if control is None or candidate is None:
        return None
    return comparison.compare(control, candidate, comparator.noise.of)


def _census(ask: Ask) -> object:
    try:
        return ask({"census": True}, _BUDGET_MS)
    except CandidateError:
        return None
