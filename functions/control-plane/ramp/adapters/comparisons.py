"""The comparator's own log: which answers differed, and where."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

PAGES, PAGE = 5, 1_000  # a page for people must not search a log for minutes


class Comparisons:
    """Reads one log group."""

    def __init__(self, logs: "CloudWatchLogsClient", group: str) -> None:
        self._logs = logs
        self._group = group

    def differing(self, ramp: str, since: float) -> tuple[list[str], bool]:
        """The lines of answers that differed since `since` (epoch seconds), oldest first, and whether these are all."""
        pattern = f'"[SHADOW-DIFF]" "{ramp}"'
        lines: list[str] = []
        token: str | None = None
        for _ in range(PAGES):
            more: Any = {"nextToken": token} if token else {}
            try:
                page = self._logs.filter_log_events(
                    logGroupName=self._group, filterPattern=pattern, startTime=int(since * 1000), limit=PAGE, **more
                )
            except self._logs.exceptions.ResourceNotFoundException:  # the comparator has never run
                return [], True
            lines += [event["message"] for event in page["events"]]
            token = page.get("nextToken")
            if not token or len(lines) >= PAGE:
                break
        return lines, not token
