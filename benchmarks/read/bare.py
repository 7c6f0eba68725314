"""The least that a Lambda function can be: it answers what the router answers, and does nothing else."""

from __future__ import annotations

import json
from typing import Any

_BODY = json.dumps({"id": "user-1", "email": "user-1@example.com", "name": "User 1", "plan": "free"})


def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer without looking."""
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": _BODY}
