"""The least that a user can wait for a candidate that hangs: a bare handler that sleeps as long, and answers."""

from __future__ import annotations

import os
import time
from typing import Any

from benchmarks.read import bare

_SECONDS = int(os.environ["SLEEP_MS"]) / 1000


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Sleep, and answer what a bare handler answers."""
    time.sleep(_SECONDS)
    return bare.handler(event, context)
