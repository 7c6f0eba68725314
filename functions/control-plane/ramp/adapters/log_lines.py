"""Lines of a log group by the words in them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

PAGES, PAGE = 5, 1_000  # a page for people must not search a log for minutes, and an explanation neither


def search(
    logs: "CloudWatchLogsClient", group: str, words: Sequence[str], since: float, pages: int = PAGES
) -> tuple[list[str], bool]:
    """The lines with all of `words` since `since` (epoch seconds), oldest first, and whether these are all."""
    pattern = " ".join(f'"{word}"' for word in words)
    lines: list[str] = []
    token: str | None = None
    for _ in range(pages):
        more: Any = {"nextToken": token} if token else {}
        try:
            page = logs.filter_log_events(
                logGroupName=group, filterPattern=pattern, startTime=int(since * 1000), limit=PAGE, **more
            )
        except logs.exceptions.ResourceNotFoundException:  # the function has never run
            return [], True
        lines += [event["message"] for event in page.get("events", ())]
        token = page.get("nextToken")
        if not token or len(lines) >= PAGE:
            break
    return lines, not token
