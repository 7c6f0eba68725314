"""Many buckets folded at once: to the last digits what the gate's own fold makes of them, one by one."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from ramp.core.bucket import Bucket
from ramp.core.policy import Policy
from ramp.core.sequential_gate import GateState, fold
from rampctl.rehearsal.arm import Arm
from rampctl.rehearsal.dealing import COLUMN, Counts, Dealer, Setting
from rampctl.rehearsal.scenario import parse
from rampctl.rehearsal.simulation import bucket_of
from rampctl.rehearsal.stretch import Stretch

MINUTES = 400
SHARES = (0, 50_000, 1_000_000)


def counted(rate: float, step: int, seed: int, scenario: str, control: str) -> Counts:
    """Minutes of one step at `rate` requests a second, the empty ones left out; shadow samples all, or a tenth."""
    dealer = Dealer(rate, Arm(200, parse("c", control)), Arm(200, parse("c", scenario)))
    share = SHARES[step] / 1e6
    setting = Setting(step, share, 0.1 if seed % 2 else 1.0, control_slow_ms=200, candidate_slow_ms=230)
    at = np.arange(MINUTES, dtype=np.float64) * 60
    rows = dealer.deal(np.random.default_rng(seed), at, np.full(MINUTES, 60.0), setting)
    if seed % 2:  # reads that both arms failed, and one burst that makes control's dispersion large
        rows[:, COLUMN["candidate_discordant_errors"]] //= 2
        rows[7, COLUMN["control_errors"]] = rows[7, COLUMN["control_requests"]]
    return rows[rows.any(axis=1)]


def numbers(value: Any) -> Iterator[float]:
    """Every number of a gate's wire form, minus infinity among them as a very low one."""
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from numbers(item)
    else:
        yield -1e300 if value is None else float(value)


@pytest.mark.parametrize("fallback", [True, False])
@pytest.mark.parametrize(
    ("rate", "scenario", "control"),
    [
        (0.0116, "", ""),
        (1, "errors=2%,mismatch=1%", "errors=1%"),
        (30, "live-errors=3%,latency=+40%", ""),
        (1, "down", "errors=5%"),
    ],
)
def test_every_state_on_the_way_is_the_gates_own(rate: float, scenario: str, control: str, *, fallback: bool) -> None:
    """Of each step in turn, after each of its buckets, with a history before it."""
    policy = Policy(fallback=fallback)
    history = [Bucket(60.0 * i - 6_000, 60, -1, 0, 40, int(i % 30 == 0)) for i in range(100)]
    for seed, past in ((1, history), (2, [])):
        state = GateState.begin(past)
        for step, share_ppm in enumerate(SHARES):
            rows = counted(rate, step, seed, scenario, control)
            starts = 1e6 * step + 60 * np.arange(len(rows), dtype=np.float64)
            stretch = Stretch(state, starts, 60.0, step, share_ppm, rows, policy)
            assert stretch.state(0) == state
            for count, (start, row) in enumerate(zip(starts.tolist(), rows, strict=True), 1):
                bucket = bucket_of(start, 60.0, step, row)._replace(share_ppm=share_ppm)
                state = fold(state, (bucket,), policy, until=bucket.end)
                if count % 7 == 1 or count == len(rows):
                    found = stretch.state(count)
                    assert [*numbers(found.to_wire())] == pytest.approx([*numbers(state.to_wire())], rel=1e-9, abs=1e-9)
            peaks = [getattr(state, name).above.log_peak for name in ("errors", "mismatches", "latency")]
            assert stretch.highest()[-1] >= max(peaks) - 1e-9
