"""The two alarms of the template, minute by minute.

More than 2 % in 3 of 5 minutes, a minute without requests is no breach. Source: template.yaml, ErrorRateAlarm and
CandidateErrorRateAlarm. The first counts what users see fail of all requests, the second what the candidate failed and
control answered, beyond two a minute.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rampctl.rehearsal.dealing import COLUMN, Counts
from rampctl.rehearsal.fakes import GUARDS

MINUTE = 60
THRESHOLD, MINUTES, TO_ALARM = 0.02, 5, 3
# of each guard: the counts that are its failures, those that are its requests, and failures forgiven a minute
COUNTED = (
    (("control_user_errors", "candidate_user_errors"), ("control_requests", "candidate_requests"), 0),
    (("candidate_discordant_errors",), ("candidate_requests",), 2),
)


class Alarm(NamedTuple):
    """`at`: seconds since the ramp began, the end of the minute that set it off."""

    at: float
    name: str


def first_alarm(at: npt.NDArray[np.float64], rows: Counts, since: float, until: float) -> Alarm | None:
    """The first alarm from `since` until `until`, of cells that begin at `at`, in the order of time.

    They reach back five minutes before `since`, or to the beginning; only minutes that end by `until` are whole.
    """
    minute = (at // MINUTE).astype(np.int64)
    first, minutes = int(minute[0]), int(until // MINUTE) - int(minute[0])
    found = []
    for name, (failures, requests, forgiven) in zip(GUARDS, COUNTED, strict=True):
        failed, of = (
            np.bincount(minute - first, rows[:, [COLUMN[column] for column in columns]].sum(axis=1), minutes)[:minutes]
            for columns in (failures, requests)
        )
        breaches = failed - forgiven > THRESHOLD * np.maximum(of, 1)
        lately = np.convolve(breaches, np.ones(MINUTES))[:minutes]
        ends = (first + 1 + np.flatnonzero(lately >= TO_ALARM)) * float(MINUTE)
        ends = ends[ends >= since]
        if len(ends):
            found.append(Alarm(float(ends[0]), name))
    return min(found, default=None, key=lambda alarm: alarm.at)
