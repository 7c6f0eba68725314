"""A recording: what a read path did, period by period, from a file or from CloudWatch.

A JSON file is a list of objects, a CSV file has a header line; either way one period each, in the order of time:

| field | |
| --- | --- |
| `start` | epoch seconds, on a whole minute |
| `control_requests`, `control_errors` | counts of that minute |
| `control_slow` | reads slower than control's p95; left out, one in twenty is |
| `candidate_requests`, `candidate_errors`, `candidate_discordant`, `candidate_slow` | of a candidate that served then |
| `shadow_requests`, `shadow_errors`, `shadow_discordant`, `shadow_slow` | of shadow reads then |
| `comparisons`, `mismatches` | of both |

What is left out is 0; minutes that are left out had no requests. `events/recorded/two-days.csv` is an example.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ramp.adapters.metrics import Metrics
from ramp.core.bucket import Bucket
from ramp.core.units import DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS

from rampctl.exits import USAGE, CommandError

COUNTS = tuple(name for name in Bucket._fields if name not in {"start", "seconds", "step", "share_ppm", "misrouted"})
FIELDS = ("start", *COUNTS)
MOST_FAULTS = 20
FEW_ERRORS = 3  # in an hour, make no day loud, however few requests there were


def from_file(path: str) -> tuple[Bucket, ...]:
    """The minutes of a JSON or CSV file, by its name's ending. Raises CommandError with the faults of its rows."""
    try:
        text = Path(path).read_text("utf-8")
        rows = [*csv.DictReader(io.StringIO(text))] if path.endswith(".csv") else json.loads(text)
    except (OSError, ValueError) as error:
        raise CommandError(f"{path}: cannot be read, got {error}, expected a JSON or CSV file", USAGE) from None
    if not isinstance(rows, list) or not rows:
        raise CommandError(f"{path}: has no minutes, got {type(rows).__name__}, expected a list of them", USAGE)
    faults = [f"{path}: row {number}: {fault}" for number, row in enumerate(rows, 1) for fault in _faults(row)]
    if faults:
        more = [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        raise CommandError("\n".join([*faults[:MOST_FAULTS], *more]), USAGE)
    return tuple(sorted(_bucket(row) for row in rows))


def from_cloudwatch(metrics: Metrics, now: float, days: int) -> tuple[Bucket, ...]:
    """Every arm's last `days` before `now` (epoch seconds, rounded down to a minute), under whatever ramp or none."""
    until = now // MINUTE_SECONDS * MINUTE_SECONDS
    ends = (until - day * DAY_SECONDS for day in reversed(range(days)))
    found = tuple(bucket for end in ends for bucket in metrics.minutes(end - DAY_SECONDS, end))
    if not any(bucket.control_requests for bucket in found):
        raise CommandError(f"CloudWatch: has counted no request of control in {days} days, expected some")
    return found


def _faults(row: Any) -> Iterator[str]:
    if not isinstance(row, Mapping):
        yield f"is no minute, got {row!r}, expected an object"
        return
    for name in row:
        if name not in FIELDS:
            yield f"{name}: is no field, got {row[name]!r}, expected one of {', '.join(FIELDS)}"
    yield from (
        f"{name}: is no count, got {row[name]!r}, expected a whole number from 0"
        for name in FIELDS
        if not _is_count(row.get(name, 0))
    )
    start = row.get("start", "nothing")
    if not _is_count(start) or int(start) % MINUTE_SECONDS:
        yield f"start: is not on a minute, got {start!r}, expected epoch seconds, a multiple of 60"
    yield from _excess(row)


def _excess(row: Mapping[str, Any]) -> Iterator[str]:
    for arm in ("control", "candidate", "shadow"):
        requests, errors = row.get(f"{arm}_requests", 0), row.get(f"{arm}_errors", 0)
        if _is_count(requests) and _is_count(errors) and int(errors or 0) > int(requests or 0):
            yield f"{arm}_errors: are more than requests, got {errors}, expected at most {requests}"


def _is_count(value: object) -> bool:
    return str(value or 0).isdigit()


def _bucket(row: Mapping[str, Any]) -> Bucket:
    counts = {name: int(row.get(name) or 0) for name in COUNTS}
    return Bucket(int(row["start"]), MINUTE_SECONDS, 0, **counts)


def quiet_days(recording: Sequence[Bucket], error_limit: float) -> set[int]:
    """The days, from 0, without an hour in which more than `error_limit` (0–1) of control's requests failed."""
    hours: dict[int, tuple[int, int]] = {}
    for bucket in recording:
        hour = int(bucket.start - recording[0].start) // HOUR_SECONDS
        requests, errors = hours.get(hour, (0, 0))
        hours[hour] = requests + bucket.control_requests, errors + bucket.control_errors
    loud = {
        hour * HOUR_SECONDS // DAY_SECONDS
        for hour, (requests, errors) in hours.items()
        if errors > max(FEW_ERRORS, error_limit * requests)
    }
    return set(range(days(recording))) - loud


def days(recording: Sequence[Bucket]) -> int:
    """How many days it spans, begun ones included."""
    return int((recording[-1].end - recording[0].start - 1) // DAY_SECONDS) + 1
