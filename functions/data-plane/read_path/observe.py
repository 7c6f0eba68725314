"""Read an arm and measure it: the door that nothing an arm does gets through."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from read_path.core.answer import Answer
from read_path.core.observation import CandidateError, Observation, judge


def observe(read: Callable[[], Answer], clock: Callable[[], float], deadline_ms: float = inf) -> Observation:
    """Call `read` and return what it looked like; never raises. `clock` gives seconds and never goes back."""
    started = clock()
    try:
        answer = read()
    except CandidateError as error:
        return Observation(_since(started, clock), failure=error.reason, timed_out=error.timed_out)
    except Exception as error:  # noqa: BLE001 - whatever an arm under trial does, its caller must go on
        return Observation(_since(started, clock), failure=type(error).__name__)
    return judge(answer, _since(started, clock), deadline_ms)


def _since(started: float, clock: Callable[[], float]) -> float:
    return (clock() - started) * 1000
