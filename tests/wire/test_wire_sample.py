"""What `sample_ppm` samples: the router's answer, and what a rehearsal deals by it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from ramp.core.units import WHOLE_PPM
from rampctl.rehearsal.arm import Arm
from rampctl.rehearsal.dealing import COLUMN, Dealer, Setting
from read_path.core.breaker import Breaker
from read_path.core.event import ComparisonEvent, Kind
from read_path.core.routing import AdapterFlag, Flags, Phase, ShadowFlag
from read_path.serve import Invocation, Service, serve
from read_path.sources import mock

REQUESTS, SHARE, SAMPLE = 4_000, 0.5, 0.1
PHASE = Phase("ramp-7f3a", "1")


def sent(told: Any) -> Counter[Kind]:
    """The comparisons of a real router, half of whose users the candidate serves."""
    dispatched: list[ComparisonEvent] = []
    adapter = AdapterFlag(PHASE, share_ppm=round(SHARE * WHOLE_PPM), salt="s", deadline_ms=500, fallback=True)
    flags = Flags(adapter, ShadowFlag(PHASE, round(SAMPLE * WHOLE_PPM), 500), age_seconds=1.0)
    service = Service(
        flags=lambda: flags,
        control=mock.read,
        candidate=lambda user_id, _: mock.read(user_id),
        dispatch=dispatched.append,
        telemetry=told.telemetry,
        clock=lambda: 0.0,
        breaker=Breaker(),
    )
    for number in range(REQUESTS):
        serve({"userId": f"user-{number}"}, Invocation(f"request-{number}", "1"), service)
    return Counter(event.kind for event in dispatched)


def dealt() -> Counter[Kind]:
    """Those of as many requests in a rehearsal."""
    dealer = Dealer(REQUESTS, Arm(200), Arm(200))
    (row,) = dealer.deal(np.random.default_rng(1), np.zeros(1), np.ones(1), Setting(1, SHARE, SAMPLE))
    columns = ((Kind.CANARY, "candidate_comparisons"), (Kind.SHADOW, "shadow_comparisons"))
    return Counter({kind: int(row[COLUMN[name]]) for kind, name in columns})


def test_a_sample_is_of_controls_answers_and_a_rehearsal_deals_so(told: Any) -> None:
    """All that the candidate serves is compared, and a tenth of what control serves."""
    expected = {Kind.CANARY: REQUESTS * SHARE, Kind.SHADOW: REQUESTS * (1 - SHARE) * SAMPLE}
    for found in (sent(told), dealt()):
        assert found == pytest.approx(expected, rel=0.15)
    told.records()
