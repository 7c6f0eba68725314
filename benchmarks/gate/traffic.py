"""The traffics that the gate is measured at."""

from typing import NamedTuple

MINUTE, DAY = 60, 86_400
REQUESTS_PER_USER_DAY = 20  # Source: requirements, 1,000 requests a day of 50 users


class Load(NamedTuple):
    """Requests a second by so many users, seen in periods of `period_seconds`."""

    name: str
    requests_per_second: float
    period_seconds: int

    @property
    def users(self) -> int:
        """As many as ask 20 times a day."""
        return round(self.requests_per_second * DAY / REQUESTS_PER_USER_DAY)

    @property
    def is_small(self) -> bool:
        """A thousand requests a day: the schedule of days, not of minutes."""
        return self.requests_per_second < 0.1  # noqa: PLR2004


LOADS = {
    load.name: load
    for load in (
        Load("1k a day", 1000 / DAY, 5 * MINUTE),
        Load("1 rps", 1.0, MINUTE),
        Load("50 rps", 50.0, MINUTE),
        Load("1000 rps", 1000.0, MINUTE),
    )
}
