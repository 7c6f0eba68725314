"""The fields that differ most between the arms: paths and counts, never values."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from ramp.adapters.comparisons import Comparisons
from ramp.core.units import DAY_SECONDS
from ramp.page.records import Records

MOST_FIELDS = 10


class Field(NamedTuple):
    """A field's path, and in how many of the answers it differed."""

    path: str
    answers: int


class Fields(NamedTuple):
    """The rows of the table, and what they are drawn from, in words."""

    caption: str
    rows: tuple[Field, ...]


def read(comparisons: Comparisons, records: Records) -> Fields:
    """Of the last day of the step at which the ramp stands, or stood when it ended."""
    state = records.state
    since = max(state.step_started_at, records.updated_at - DAY_SECONDS)
    lines, is_all = comparisons.differing(state.ramp, since)
    return fields(lines, state.ramp, is_all=is_all)


def fields(lines: Iterable[str], ramp: str, *, is_all: bool) -> Fields:
    """Count paths in the comparator's log lines; lines of another ramp, or of another kind, count for nothing."""
    counted: Counter[str] = Counter()
    answers = 0
    for line in lines:
        paths = _paths(line, ramp)
        answers += bool(paths)
        counted.update(paths)
    if not answers:
        return Fields("No answer has differed lately at this step.", ())
    of = f"{answers} answer{'s' * (answers > 1)} that differed"
    caption = f"Of {of} in the last day of this step" if is_all else f"Of {of} first; there are more"
    return Fields(caption, tuple(Field(*each) for each in counted.most_common(MOST_FIELDS)))


def _paths(line: str, ramp: str) -> set[str]:
    try:
        told = json.loads(line)
        if told["ramp"] != ramp or not told["message"].startswith("[SHADOW-DIFF]"):
            return set()
        return {str(mismatch["path"]) for mismatch in told["differences"]}
    except (ValueError, KeyError, TypeError):
        return set()
