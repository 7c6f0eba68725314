"""The language in which people say what goes wrong in a rehearsal."""

from math import inf

import numpy as np
import pytest
from ramp.core.plan import Routing
from rampctl.exits import CommandError, Exit
from rampctl.rehearsal import units
from rampctl.rehearsal.arm import Arm
from rampctl.rehearsal.scenario import OF_CONTROL, Fault, parse
from rampctl.rehearsal.season import Season
from rampctl.rehearsal.users import Users


def test_what_is_there_all_the_time_has_no_moment_and_what_grows_has_two() -> None:
    """Clusters, broken users, cold starts, a broken account; errors, mismatches and latency may grow."""
    found = parse("--candidate", "cluster=5,broken-users=5%,cold-starts,errors=10%@2h..1d,latency=+40%@0s..6h")
    assert found == (
        Fault("cluster", size=5),
        Fault("broken-users", rate=0.05),
        Fault("cold-starts", rate=1),
        Fault("errors", 7_200, rate=0.1, whole_at=86_400),
        Fault("latency", 0, factor=1.4, whole_at=21_600),
    )
    assert parse("--control", "broken-account", OF_CONTROL) == (Fault("broken-account", rate=1),)
    with pytest.raises(CommandError) as caught:
        parse("c", "cluster=0.5,cluster=5@2h,cold-starts=3,down@1h..2h,errors=1%@2h..1h,errors=1%@2h..soon")
    columns = [int(line.split()[2].rstrip(":")) for line in str(caught.value).splitlines()]
    assert columns == [1, 13, 26, 40, 52, 69]


def test_what_grows_does_so_in_a_straight_line() -> None:
    """From what was before, at its moment, to the whole."""
    arm = Arm(200, parse("c", "errors=2%,errors=10%@2h..4h,latency=+40%@0s..2h"))
    at = np.array([0, 1, 2, 3, 4, 5]) * 3600.0
    assert arm.error_rate(at) == pytest.approx([0.02, 0.02, 0.02, 0.06, 0.1, 0.1])
    assert [arm.p95_at(float(moment)) for moment in at[:3]] == pytest.approx([200, 240, 280])
    assert arm.slower_rate(at[:3], 280)[2] == pytest.approx(0.05, abs=1e-4)
    assert (np.diff(arm.slower_rate(at[:3], 280)) > 0).all()


def test_traffic_may_have_a_day_and_bursts() -> None:
    """Both in benchmarks/gate's words; every fault at once."""
    assert units.traffic("1000/day, diurnal=80%,burst=1") == (1000 / 86_400, Season(0.8, 1.0))
    with pytest.raises(CommandError) as caught:
        units.traffic("many,diurnal=8,burst=x,night")
    assert [line.split(" got")[0] for line in str(caught.value).splitlines()] == [
        "--traffic: is no rate,",
        "--traffic: diurnal is no rate,",
        "--traffic: is no season,",
        "--traffic: is no season,",
    ]


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


def test_broken_users_and_the_broken_account_are_where_their_buckets_are() -> None:
    """The first users are the broken ones, and user-1 the account; what nobody counts is expected."""
    routing = Routing(500, True, "demo-122", ("user-1",), ())
    users = Users(50, routing, "any", broken=0.04, account=True)
    assert [users.broken(ppm) * 50 * users.share(ppm) for ppm in (1, 1_000_000)] == pytest.approx([1, 2])
    assert users.account(0) == (0, 1 / 50)
    assert users.account(1) == (1, 0)
    assert users.account(1_000_000) == (1 / 50, 0)
    assert Users(50, routing, "any").account(1) == (0, 0)
    assert Users(10_000, routing, "any", broken=0.04).broken(1) == 0.04
