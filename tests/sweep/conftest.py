"""What every ramp of this folder runs in: quiet, and plans and events checked once."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ramp.core import inputs
from ramp.core.plan import Plan


@pytest.fixture(autouse=True, scope="module")
def checked_once() -> Iterator[None]:
    """Thousands of ramps go by the same few plans and events, and checking one takes longer than the rest of a task."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Plan, "parse", remembered(Plan.parse))
        patch.setattr(inputs, "faults", remembered(inputs.faults))
        yield


def remembered(look: Callable[..., Any]) -> Callable[..., Any]:
    """`look`, which says the same about the same JSON every time, once for each."""
    known: dict[str, Any] = {}

    def once(*given: Any) -> Any:
        key = json.dumps(given)
        if key not in known:
            known[key] = look(*given)
        return known[key]

    return once


@pytest.fixture(autouse=True, scope="module")
def quiet_logs() -> Iterator[None]:
    """What the tasks log about each fault is nobody's to read here."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
