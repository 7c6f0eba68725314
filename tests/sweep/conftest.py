"""What every ramp of this folder runs in: the tasks' own environment, quiet, and a plan parsed once."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from ramp.core.plan import Plan


@pytest.fixture(autouse=True, scope="session")
def plans_parsed_once() -> Iterator[None]:
    """Thousands of ramps go by the same few plans, and checking one takes longer than a task does otherwise."""
    known: dict[str, Plan] = {}
    parse = Plan.parse

    def parse_once(raw: Any) -> Plan:
        key = json.dumps(raw, sort_keys=True)
        if key not in known:
            known[key] = parse(raw)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Plan, "parse", parse_once)
        yield


@pytest.fixture(autouse=True, scope="session")
def quiet_logs() -> Iterator[None]:
    """What the tasks log about each fault is nobody's to read here."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
