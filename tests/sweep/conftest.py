"""What every ramp of this folder runs in: quiet, and plans and events checked once."""

from __future__ import annotations

import gc
import logging
import marshal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from ramp import tracing
from ramp.core import inputs
from ramp.core.plan import Plan

VALUES_ONLY = 2  # the version of marshal that writes the same bytes for equal values, shared or not


@pytest.fixture(autouse=True, scope="module")
def checked_once() -> Iterator[None]:
    """Thousands of ramps go by the same few plans and events, and checking one takes longer than the rest of a task."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Plan, "parse", remembered(Plan.parse))
        patch.setattr(inputs, "faults", remembered(inputs.faults))
        yield


def remembered(look: Callable[..., Any]) -> Callable[..., Any]:
    """`look`, which says the same about the same JSON every time, once for each."""
    known: dict[bytes, Any] = {}

    def once(*given: Any) -> Any:
        key = marshal.dumps(given, VALUES_ONLY)
        if key not in known:
            known[key] = look(*given)
        return known[key]

    return once


class Unread:
    """A trace that keeps nothing, in the place of X-Ray's."""

    def in_subsegment(self, **_: Any) -> AbstractContextManager[Unread]:
        return nullcontext(self)

    def put_annotation(self, **_: Any) -> None:
        """Nobody asks for it."""

    put_metadata = put_annotation


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """What the tasks log and trace about each fault is nobody's to read here."""
    logging.disable(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracing._tracer, "provider", Unread())
        yield
    logging.disable(logging.NOTSET)


@pytest.fixture(autouse=True, scope="module")
def seldom_collected() -> Iterator[None]:
    """A ramp leaves tens of thousands of objects that go at once: looking for them in every 700 takes a tenth of it."""
    usual = gc.get_threshold()
    gc.set_threshold(50_000, *usual[1:])
    yield
    gc.set_threshold(*usual)
