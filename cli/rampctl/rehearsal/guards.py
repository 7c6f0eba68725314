"""The two alarms of the template, minute by minute.

More than 2 % in 3 of 5 minutes, a minute without requests is no breach. Source: template.yaml, ErrorRateAlarm and
CandidateErrorRateAlarm. The first counts what users see fail of all requests, the second what the candidate failed and
control answered, beyond two a minute.
"""

from collections import deque
from collections.abc import Mapping

from rampctl.rehearsal.dealing import COLUMN, Counts
from rampctl.rehearsal.fakes import GUARDS

MINUTE = 60
THRESHOLD, MINUTES, TO_ALARM = 0.02, 5, 3
FORGIVEN = (0, 2)  # failures a minute, of each guard


class Guards:
    """Fed in the order of time; times in seconds since the ramp began."""

    def __init__(self) -> None:
        self._minute = 0
        self._counted = [[0, 0], [0, 0]]  # errors and requests of each guard in the minute that runs
        self._breaches: list[deque[bool]] = [deque(maxlen=MINUTES) for _ in GUARDS]

    def states(self) -> Mapping[str, str]:
        """OK or ALARM by name, as of the last whole minute."""
        pairs = zip(GUARDS, self._breaches, strict=True)
        return {name: "ALARM" if sum(breaches) >= TO_ALARM else "OK" for name, breaches in pairs}

    def count(self, at: float, row: Counts) -> str | None:
        """Count what began at `at`; the name of the guard that the minutes before it set off."""
        fired = None
        while self._minute < at // MINUTE:
            fired = self._close() or fired
        requests = int(row[COLUMN["control_requests"]] + row[COLUMN["candidate_requests"]])
        users = int(row[COLUMN["control_user_errors"]] + row[COLUMN["candidate_user_errors"]])
        own = (int(row[COLUMN["candidate_discordant_errors"]]), int(row[COLUMN["candidate_requests"]]))
        for counted, (errors, of) in zip(self._counted, ((users, requests), own), strict=True):
            counted[0] += errors
            counted[1] += of
        return fired

    def _close(self) -> str | None:
        before = self.states()
        for breaches, forgiven, (errors, requests) in zip(self._breaches, FORGIVEN, self._counted, strict=True):
            breaches.append(errors - forgiven > THRESHOLD * max(requests, 1))
        self._counted = [[0, 0], [0, 0]]
        self._minute += 1
        after = self.states()
        return next((name for name in GUARDS if after[name] == "ALARM" and before[name] == "OK"), None)
