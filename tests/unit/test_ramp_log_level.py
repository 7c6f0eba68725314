"""LogLevel quietens the tasks, and blanks neither the dashboard nor a saved query."""

from __future__ import annotations

import json
import os
import subprocess
import sys

SAID = """
from ramp import handlers, tasks
from ramp.adapters import alias_lever, flag_lever

handlers.logger.warning("quiet")
tasks.logger.info("look")
flag_lever.logger.info("flag changed")
alias_lever.logger.info("alias changed")
"""


def test_looks_and_changes_of_flag_and_alias_are_told_at_every_log_level() -> None:
    """A process of its own, since a logger keeps the level that it was made with."""
    environment = {**os.environ, "POWERTOOLS_LOG_LEVEL": "ERROR", "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run([sys.executable, "-c", SAID], check=True, capture_output=True, text=True, env=environment)
    assert [json.loads(line)["message"] for line in done.stdout.splitlines()] == [
        "look",
        "flag changed",
        "alias changed",
    ]
