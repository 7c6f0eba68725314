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
_PAGE_SECONDS = 9  # the read that begins last still ends within the comparator's Timeout of 15 s, whatever hangs
_LONGEST_PAGE = 500

Ask = Callable[[dict[str, object], int], object]
"""Invokes the candidate with any event, within milliseconds. Raises CandidateError."""


def walk(event: Mapping[str, Any], comparator: Comparator, users: Sequence[str], ask: Ask) -> dict[str, Any]:
    """Compare `limit` (1-500) users from `offset` on, every `stride`-th of control's list.

    Returns `{"control": {"users"}, "candidate": {"users", "schema"} | null, "compared", "failed": [ids], "missing":
    [ids], "differing": [ids], "fields": {shape: users}, "next": offset | null}`. The candidate's census comes with the
    first page; null says that it gave none. A page ends early where reads take long: `next` is where to go on.
    """
    until = comparator.clock() + _PAGE_SECONDS
    offset, stride = int(event.get("offset", 0)), max(1, int(event.get("stride", 1)))
    end = offset + min(max(1, int(event.get("limit", 100))), _LONGEST_PAGE) * stride
    fields: Counter[str] = Counter()
    found: dict[str, list[str]] = {"failed": [], "missing": [], "differing": []}
    census = _census(ask) if offset == 0 else None
    read = 0
    for user_id in users[offset:end:stride]:
        if read and comparator.clock() > until:
            end = offset + read * stride
            break
        read += 1
        differences = _differences(user_id, comparator)
        outcome = _outcome(differences)
        if outcome is not None:
            found[outcome].append(user_id)
        if outcome == "differing":
            fields.update({each.shape for each in differences or ()})
    return {
        "control": {"users": len(users)},
        "candidate": census,
        "compared": read - len(found["failed"]),
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
