"""The comparator's own log: which answers differed, and where."""

from typing import TYPE_CHECKING

from ramp.adapters.log_lines import search

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient


class Comparisons:
    """Reads one log group."""

    def __init__(self, logs: "CloudWatchLogsClient", group: str) -> None:
        self._logs = logs
        self._group = group

    def differing(self, ramp: str, since: float) -> tuple[list[str], bool]:
        """The lines of answers that differed since `since` (epoch seconds), oldest first, and whether these are all."""
        return search(self._logs, self._group, ("[SHADOW-DIFF]", ramp), since)
