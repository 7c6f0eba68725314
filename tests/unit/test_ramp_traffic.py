"""Settling: both levers are brought back, each although the other fails, and tried again while that may help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from ramp.core.flag_document import OFF, Setting
from ramp.core.state import WayBack
from ramp.errors import LeverBusy, TrafficNotShifted
from ramp.traffic import SETTLE_ATTEMPTS, Traffic
from rampctl.rehearsal.fakes import FakeAliasLever, FakeFlagLever, FakeMonitors

BACK = WayBack("1", "2")
THROTTLED = ClientError({"Error": {"Code": "TooManyRequestsException"}}, "UpdateAlias")


def split() -> tuple[FakeFlagLever, FakeAliasLever]:
    """Both levers, with users on the candidate by either."""
    flag, alias = FakeFlagLever(), FakeAliasLever()
    flag.put(Setting({"ramp": "ramp-1", "step": 1, "share_ppm": 100_000}, None), "ramp ramp-1")
    alias.put("1", {"2": 100_000})
    return flag, alias


def failing(times: int, error: Exception, then: Callable[..., Any]) -> Callable[..., Any]:
    """Raises so many times, and then does it."""
    left = iter(range(times))

    def call(*given: Any, **options: Any) -> Any:
        if next(left, None) is not None:
            raise error
        return then(*given, **options)

    return call


def test_a_flag_that_is_busy_gets_its_attempts_though_lambda_throttles() -> None:
    """Lambda's trouble ends before the flag's: users are back on control all the same."""
    flag, alias = split()
    flag.put = failing(2, LeverBusy("deployment 7 is in flight"), flag.put)  # type: ignore[method-assign]  # for a while
    alias.restore = failing(1, THROTTLED, alias.restore)  # type: ignore[method-assign]  # for a while
    settled = Traffic(flag, alias, FakeMonitors()).settle("ramp-1", BACK)
    assert (settled.setting, settled.alias.version, settled.alias.weights) == (OFF, "1", {})


@pytest.mark.parametrize("times", [1, SETTLE_ATTEMPTS])
def test_an_alias_that_moves_gets_its_attempts_though_appconfig_refuses(times: int) -> None:
    """The weights are gone whatever AppConfig says."""
    flag, alias = split()
    denied = ClientError({"Error": {"Code": "AccessDeniedException"}}, "StartDeployment")
    flag.put = failing(SETTLE_ATTEMPTS, denied, flag.put)  # type: ignore[method-assign]  # for good
    alias.restore = failing(times, TrafficNotShifted("the alias changed"), alias.restore)  # type: ignore[method-assign]  # for a while
    with pytest.raises((ClientError, TrafficNotShifted)):
        Traffic(flag, alias, FakeMonitors()).settle("ramp-1", BACK)
    assert alias.read().is_whole is (times < SETTLE_ATTEMPTS)


def test_a_lever_that_fails_for_good_is_told_though_the_other_is_back() -> None:
    """What is raised is what Step Functions tries again."""
    flag, alias = split()
    flag.put = failing(SETTLE_ATTEMPTS, LeverBusy("deployment 7 is in flight"), flag.put)  # type: ignore[method-assign]  # for good
    alias.restore = failing(SETTLE_ATTEMPTS, THROTTLED, alias.restore)  # type: ignore[method-assign]  # for good
    with pytest.raises(LeverBusy, match="deployment 7"):
        Traffic(flag, alias, FakeMonitors()).settle("ramp-1", BACK)
