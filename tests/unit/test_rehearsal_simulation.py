"""The simulated world: what is dealt ahead comes to pass as long as the setting stays, and guards go off in time."""

import numpy as np
import pytest
from rampctl.rehearsal.arm import Arm
from rampctl.rehearsal.dealing import COLUMN, COUNTED, Dealer, Setting
from rampctl.rehearsal.fakes import GUARDS
from rampctl.rehearsal.guards import Alarm, first_alarm
from rampctl.rehearsal.scenario import parse
from rampctl.rehearsal.simulation import Simulation

SHADOW, LIVE = Setting(0, 0.0, 1.0), Setting(1, 0.5, 1.0)


def world(candidate: str = "", **changes: object) -> Simulation:
    """Twenty requests a second."""
    arms = Arm(200), Arm(200, parse("c", candidate))
    return Simulation(Dealer(20, *arms), np.random.default_rng(5), arms, **changes)  # type: ignore[arg-type]  # by name


def test_counts_do_not_depend_on_when_anybody_looks() -> None:
    """One long stretch or many short ones: the same requests, as long as the setting changes at the same moments."""
    counted = []
    for looks in (1, 7, 250):
        simulation = world()
        for setting, seconds in ((SHADOW, 7_000), (LIVE, 90_000), (SHADOW, 45)):
            until = simulation.now + seconds
            for _ in range(looks):
                simulation.pass_seconds(seconds / looks, setting)
            simulation.pass_seconds(until - simulation.now, setting)
        counted.append(simulation.counted())
    assert counted[0] == counted[1] == counted[2]
    assert counted[0]["candidate_requests"] == pytest.approx(900_000, rel=0.01)


def test_what_was_dealt_ahead_does_not_outlive_its_setting() -> None:
    """The cell that runs at the change is counted up to it, and the rest of that minute under the new setting."""
    simulation = world()
    simulation.pass_seconds(90, SHADOW)
    simulation.pass_seconds(90, LIVE)
    at, rows = simulation.cells()
    assert at[:4].tolist() == [0, 60, 90, 120]
    assert rows[:2, COLUMN["candidate_requests"]].tolist() == [0, 0]
    assert (rows[2:, COLUMN["candidate_requests"]] > 0).all()
    assert rows[1, COLUMN["control_requests"]] == pytest.approx(600, rel=0.2)
    shadow, _ = simulation.periods(0, 60, 0)
    live, counts = simulation.periods(1, 60, 0)
    assert shadow.tolist() == [0, 60]
    assert live[:2].tolist() == [60, 120]
    assert counts[0, COLUMN["candidate_requests"]] == pytest.approx(300, rel=0.3)


def test_a_period_in_which_nothing_was_counted_is_not_there() -> None:
    """As in CloudWatch."""
    arms = Arm(200), Arm(200)
    simulation = Simulation(Dealer(0.005, *arms), np.random.default_rng(5), arms)
    simulation.pass_seconds(3_600, SHADOW)
    starts, rows = simulation.periods(0, 60, 0)
    assert 0 < len(starts) < 40
    assert rows.any(axis=1).all()


def test_a_guard_goes_off_once_and_time_stops_there() -> None:
    """After the third bad minute; what comes after it is the brake's business."""
    simulation = world("live-errors=100%@10m")
    assert simulation.pass_seconds(3_600, LIVE) == GUARDS[1]
    assert simulation.now == 780
    assert simulation.pass_seconds(3_600, LIVE) is None
    assert world("live-errors=100%@10m", guarded=False).pass_seconds(3_600, LIVE) is None


@pytest.mark.parametrize(
    ("bad", "fires"), [((0, 1), None), ((0, 1, 2), 180), ((0, 2, 4), 300), ((0, 3, 5), None), ((1, 3, 5), 360)]
)
def test_three_of_five_minutes_set_a_guard_off(bad: tuple[int, ...], fires: float | None) -> None:
    """Not two, and not three of six; two failures a minute are forgiven to the candidate."""
    rows = np.zeros((8, len(COUNTED)), dtype=np.int64)
    rows[:, COLUMN["candidate_requests"]] = 100
    rows[:, COLUMN["candidate_discordant_errors"]] = 4
    at = np.arange(8, dtype=np.float64) * 60
    assert first_alarm(at, rows, 0, 480) is None
    for minute in bad:
        rows[minute, COLUMN["candidate_discordant_errors"]] = 5
    assert first_alarm(at, rows, 0, 480) == (None if fires is None else Alarm(fires, GUARDS[1]))
    assert first_alarm(at, rows, 361, 480) is None
