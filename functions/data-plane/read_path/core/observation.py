"""What one read of an arm looked like to its caller."""

from __future__ import annotations

from typing import NamedTuple

from read_path.core.answer import Answer

# Lambda's throttles and refusals, an endpoint that is not there, and the candidate's own word for a full database.
_OVERLOAD = frozenset(
    {
        "TooManyRequestsException",
        "EC2ThrottledException",
        "ServiceException",
        "ConnectionFailed",
        "Status429",
        "Status502",
        "Status503",
        "Status504",
    }
)


class Observation(NamedTuple):
    """`latency_ms` is wall time ≥ 0. Either the arm answered (status < 500), or `failure` says in a word why not."""

    latency_ms: float
    answer: Answer | None = None
    failure: str | None = None
    timed_out: bool = False

    @property
    def is_overload(self) -> bool:
        """Whether the arm kept its caller waiting or said that it cannot take more: what a breaker is there for."""
        return self.timed_out or self.failure in _OVERLOAD


class CandidateError(Exception):
    """The candidate gave no answer. `reason` is one word for logs, without any detail of the request."""

    def __init__(self, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.timed_out = timed_out


def judge(answer: Answer, latency_ms: float, deadline_ms: float) -> Observation:
    """Turn an answer into an observation: status ≥ 500, or an answer after the deadline, is a failure.

    A 404 is an answer. What a failing arm said is dropped: it came too late, or may hold what users must not read.
    """
    if latency_ms > deadline_ms:
        return Observation(latency_ms, failure="Timeout", timed_out=True)
    if not answer.served:
        return Observation(latency_ms, failure=f"Status{answer.status}")
    return Observation(latency_ms, answer)
