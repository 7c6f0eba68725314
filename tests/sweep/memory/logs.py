"""CloudWatch Logs: lines by group, found by the words in them."""

# ruff: noqa: N803 - arguments are named as AWS names them

from __future__ import annotations

import re
from typing import Any

from tests.sweep.memory.errors import refusal

PAGE = 2  # lines; CloudWatch's own pages are cut by size


class Logs:
    """Lines with their time in milliseconds, by the name of their group."""

    def __init__(self) -> None:
        self.lines: dict[str, list[tuple[int, str]]] = {}

    def filter_log_events(
        self, logGroupName: str, filterPattern: str, startTime: int, limit: int, nextToken: str = "0"
    ) -> Any:
        if logGroupName not in self.lines:
            raise refusal("logs", "FilterLogEvents", "ResourceNotFoundException")
        words = re.findall(r'"([^"]*)"', filterPattern)
        found = [
            {"timestamp": at, "message": line}
            for at, line in self.lines[logGroupName]
            if at >= startTime and all(word in line for word in words)
        ]
        start = int(nextToken)
        page: dict[str, Any] = {"events": found[start : start + min(limit, PAGE)]}
        return page | ({"nextToken": str(start + PAGE)} if start + PAGE < len(found) else {})
