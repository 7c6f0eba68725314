"""Dealing: what the worlds of a rehearsal count, by their means and by how uneven they are."""

from typing import Any

import numpy as np
import pytest
from rampctl.rehearsal.arm import Arm
from rampctl.rehearsal.dealing import COLUMN, Dealer, Setting
from rampctl.rehearsal.scenario import OF_CONTROL, parse
from rampctl.rehearsal.season import Season

DAY = np.arange(1_440, dtype=np.float64) * 60
MINUTE = np.full(1_440, 60.0)


def dealt(
    candidate: str = "", control: str = "", *, setting: Setting, season: Season | None = None, served: int = 0
) -> Any:
    """A day at 20 requests a second, by column."""
    arms = Arm(200, parse("c", control, OF_CONTROL)), Arm(200, parse("c", candidate))
    rows = Dealer(20, *arms, season or Season()).deal(np.random.default_rng(7), DAY, MINUTE, setting, served=served)
    return {name: rows[:, index] for name, index in COLUMN.items()}


def phi(errors: Any, requests: Any) -> float:
    """The index of dispersion of failures by the minute."""
    p = errors.sum() / requests.sum()
    return float(((errors - requests * p) ** 2 / requests).sum() / (len(errors) * p * (1 - p)))


def test_failures_come_in_clusters_of_the_size_that_is_asked_for() -> None:
    """As often as without; geometric clusters of 5 vary nine times as much as single failures."""
    lone = dealt("errors=2%", "errors=2%", setting=Setting(1, 0.5))
    clustered = dealt("errors=2%,cluster=5", "errors=2%,cluster=5", setting=Setting(1, 0.5))
    for arm in ("control", "candidate"):
        requests, errors = clustered[f"{arm}_requests"], clustered[f"{arm}_errors"]
        assert errors.sum() / requests.sum() == pytest.approx(0.02, rel=0.1)
        assert phi(errors, requests) == pytest.approx(9, rel=0.25)
        assert phi(lone[f"{arm}_errors"], lone[f"{arm}_requests"]) == pytest.approx(1, rel=0.15)


def test_the_day_has_a_wave_and_minutes_have_bursts() -> None:
    """The mean stays; the wave rises in the first half of the day; bursts vary as much as asked for."""
    wavy = dealt(setting=Setting(), season=Season(diurnal=0.8))["control_requests"]
    assert wavy.sum() == pytest.approx(20 * 86_400, rel=0.01)
    assert wavy[360] / wavy[1_080] == pytest.approx(9, rel=0.2)
    bursty = dealt(setting=Setting(), season=Season(burst=1))["control_requests"]
    assert bursty.sum() == pytest.approx(20 * 86_400, rel=0.1)
    assert bursty.var() / bursty.mean() ** 2 == pytest.approx(1, rel=0.2)


def test_broken_users_fail_on_the_candidate_alone() -> None:
    """Where control answers; in shadow at their share of all users."""
    counted = dealt("broken-users=5%", setting=Setting(1, 0.5, 1.0, broken=0.1))
    assert counted["candidate_errors"].sum() / counted["candidate_requests"].sum() == pytest.approx(0.104, rel=0.05)
    assert counted["shadow_errors"].sum() / counted["shadow_requests"].sum() == pytest.approx(0.054, rel=0.05)
    assert counted["candidate_user_errors"].sum() < 0.01 * counted["candidate_errors"].sum()
    assert counted["control_errors"].sum() / counted["control_requests"].sum() == pytest.approx(0.001, rel=0.2)


def test_the_broken_account_fails_on_either_arm_and_is_no_fault_of_the_candidate() -> None:
    """Users see it; nobody can answer."""
    counted = dealt(setting=Setting(1, 0.5, 1.0, candidate_account=0.1))
    discordant = counted["candidate_discordant_errors"].sum()
    assert counted["candidate_errors"].sum() == pytest.approx(
        discordant + 0.1 * counted["candidate_requests"].sum(), rel=0.05
    )
    assert counted["candidate_user_errors"].sum() == counted["candidate_errors"].sum() - discordant
    other = dealt(setting=Setting(1, 0.5, 1.0, control_account=0.1))
    for arm in ("control", "shadow"):
        assert other[f"{arm}_errors"].sum() / other[f"{arm}_requests"].sum() == pytest.approx(0.102, rel=0.05)
    assert other["shadow_discordant_errors"].sum() < 0.1 * other["shadow_errors"].sum()


def test_cold_starts_slow_the_first_reads_of_a_step_and_no_others() -> None:
    """Five of them, counting those that were served before."""
    warm, cold, late = (
        dealt(words, setting=Setting(1, 0.5, candidate_slow_ms=5_000), served=served)["candidate_slow"].sum()
        for words, served in (("", 0), ("cold-starts", 0), ("cold-starts", 3))
    )
    assert (warm, cold, late) == (0, 5, 2)


def test_the_sample_is_of_controls_answers_alone() -> None:
    """As the router has it: a tenth of them is read in shadow and compared, and so is all that the candidate serves."""
    counted = dealt(setting=Setting(1, 0.5, 0.1))
    total = {name: column.sum() for name, column in counted.items()}
    assert total["shadow_requests"] == pytest.approx(0.1 * total["control_requests"], rel=0.02)
    for arm in ("candidate", "shadow"):
        answered = total[f"{arm}_requests"] - total[f"{arm}_errors"]
        assert answered >= total[f"{arm}_comparisons"] == pytest.approx(answered * 0.999, rel=0.001)


def test_a_sample_of_nought_turns_every_comparison_off() -> None:
    """The plan's kill switch: no shadow flag is set then."""
    counted = dealt(setting=Setting(1, 0.5, 0.0))
    assert counted["candidate_requests"].any()
    assert not any(counted[name].any() for name in ("shadow_requests", "shadow_comparisons", "candidate_comparisons"))
