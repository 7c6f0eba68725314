"""The `ramp` command on the local stack of the checkout one stands in (fixture `in_the_checkout`)."""

from __future__ import annotations

import json
from typing import Any

from rampctl.main import app
from typer.testing import CliRunner, Result


def ramp(*arguments: str) -> Result:
    """Run `ramp` with these arguments."""
    return CliRunner().invoke(app, [*arguments, "--local"])


def told(name: str) -> dict[str, Any]:
    """What `ramp status --json` says."""
    answer: dict[str, Any] = json.loads(ramp("status", name, "--json").stdout)
    return answer
