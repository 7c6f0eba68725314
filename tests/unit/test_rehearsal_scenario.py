"""The language in which people say what goes wrong in a rehearsal."""

from math import inf

import numpy as np
import pytest
from ramp.core.plan import Routing
from rampctl.exits import CommandError, Exit
from rampctl.rehearsal import units
from rampctl.rehearsal.arm import Arm
from rampctl.rehearsal.scenario import OF_CONTROL, Fault, parse
from rampctl.rehearsal.users import Users


def test_every_word_of_the_language_is_understood() -> None:
    """With its value, its moment, and blanks after commas."""
    found = parse("--candidate", "errors=5%@2h, latency=+40%@30m,latency=+80ms,mismatch=2%,outage=10m@6h,down@1d")
    assert found == (
        Fault("errors", 7_200, rate=0.05),
        Fault("latency", 1_800, factor=1.4),
        Fault("latency", 0, extra_ms=80),
        Fault("mismatch", 0, rate=0.02),
        Fault("outage", 21_600, 22_200, rate=1),
        Fault("down", 86_400, inf, rate=1),
    )
    assert parse("--candidate", "") == ()


def test_all_faults_of_a_scenario_come_at_once_with_their_columns() -> None:
    """Columns count from 1, at the word and not at the blank before it."""
    with pytest.raises(CommandError) as caught:
        parse("--candidate", "errors=5, latency=40%,mismatch=101%,outage=10%,down=3,errors=5%@soon,foo=1,,errors")
    lines = str(caught.value).splitlines()
    columns = [int(line.split()[2].rstrip(":")) for line in lines]
    assert columns == [1, 11, 23, 37, 48, 55, 70, 76, 77]
    assert all("got" in line and "expected" in line for line in lines)
    assert caught.value.code is Exit.BAD_PLAN


def test_control_has_no_answers_of_its_own_to_differ_from() -> None:
    """And what shadow does not show is a word about the candidate."""
    for word in ("mismatch=1%", "live-errors=1%"):
        with pytest.raises(CommandError, match="expected one of errors, latency, outage, down"):
            parse("--control", word, OF_CONTROL)


@pytest.mark.parametrize(
    ("text", "rate"), [("1000/day", 1000 / 86_400), ("50/s", 50), ("600/m", 10), ("3600/h", 1), ("0.5 / s", 0.5)]
)
def test_traffic_is_a_number_over_a_time(text: str, rate: float) -> None:
    """As people say it."""
    assert units.requests_per_second(text) == pytest.approx(rate)


@pytest.mark.parametrize("text", ["1000", "fast", "10/week", "-1/s"])
def test_other_words_for_traffic_are_refused(text: str) -> None:
    """With an example of what is understood."""
    with pytest.raises(CommandError, match="--traffic: is no rate"):
        units.requests_per_second(text)


def test_a_fault_begins_at_its_moment_and_a_later_one_takes_its_place() -> None:
    """An outage ends by itself, and shadow does not see what only users' requests meet."""
    arm = Arm(200, parse("c", "errors=5%@2h,errors=1%@3h,outage=10m@5h,live-errors=50%@6h,mismatch=2%@1h"))
    at = np.array([0, 2, 3, 5, 5.5, 6.5]) * 3600
    assert arm.error_rate(at).tolist() == [0.001, 0.05, 0.01, 1, 0.01, 0.5]
    assert arm.error_rate(at, live=False).tolist() == [0.001, 0.05, 0.01, 1, 0.01, 0.01]
    assert arm.mismatch_rate(at).tolist() == [0, 0.02, 0.02, 0.02, 0.02, 0.02]


def test_one_read_in_twenty_is_slower_than_the_p95_and_more_of_a_slower_arm() -> None:
    """By the meaning of p95."""
    now = np.zeros(1)
    assert Arm(200).slower_rate(now, 200)[0] == pytest.approx(0.05, abs=1e-4)
    slower = Arm(200, parse("c", "latency=+40%"))
    assert slower.p95_at(0) == pytest.approx(280)
    assert slower.slower_rate(now, 280)[0] == pytest.approx(0.05, abs=1e-4)
    assert slower.slower_rate(now, 200)[0] > 0.1


def test_users_are_dealt_by_the_rule_of_the_wire() -> None:
    """The demo's salt puts 3, 12 and 25 of its 50 users on the candidate at 5, 25 and 50 %."""
    users = Users(50, Routing(500, True, "demo-122", (), ()), "any")
    assert [round(50 * users.share(ppm)) for ppm in (0, 50_000, 250_000, 500_000, 1_000_000)] == [0, 3, 12, 25, 50]
    listed = Users(50, Routing(500, True, "demo-122", ("user-1",), tuple(f"user-{n}" for n in range(2, 51))), "any")
    assert [listed.share(ppm) for ppm in (0, 1, 1_000_000)] == [0, 0.02, 0.02]
