"""A check: one question put to the evidence, its verdict, and the numbers that gave it."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, NamedTuple


class Verdict(StrEnum):
    """What a check says; in rising order of severity."""

    PASS = "PASS"  # noqa: S105  # a verdict, no password
    INCONCLUSIVE = "INCONCLUSIVE"
    FAIL = "FAIL"


class Consequence(StrEnum):
    """What a FAIL leads to."""

    ASK = "ASK"
    ROLL_BACK = "ROLL_BACK"


class Missing(StrEnum):
    """Why a check has nothing to count: reasons that look alike in a graph, and lead to different places."""

    NO_TRAFFIC = "no_traffic"  # others are served, this arm is not
    NO_SERIES = "no_series"  # nothing was ever counted under this ramp and step
    NOT_ARRIVED = "not_arrived"  # the newest period is not complete
    NOT_SEEN = "not_seen"  # other steps were counted, this one was not


SEVERITY = tuple(Verdict)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The most severe one; INCONCLUSIVE for none, since no checks are no evidence."""
    return max(verdicts, key=SEVERITY.index, default=Verdict.INCONCLUSIVE)


class Numbers(NamedTuple):
    """What a check counted and compared, for pages and reports; None is a number that the check does not have.

    See docs/wire.md, A look's document, for what each means. Rates are 0–1, times in seconds or as their names say.
    """

    trials: float | None = None
    events: float | None = None
    rate: float | None = None
    rate_low: float | None = None
    rate_high: float | None = None
    go_limit: float | None = None
    limit: float | None = None
    limit_low: float | None = None
    alpha: float | None = None
    beta: float | None = None
    budget_spent: float | None = None
    p95_ms: float | None = None
    control_p95_ms: float | None = None
    go_limit_ms: float | None = None
    limit_ms: float | None = None
    target: float | None = None
    state: str | None = None
    needs_trials: int | None = None
    needs_seconds: float | None = None
    flips_after: int | None = None
    flips_to: Verdict | None = None
    missing: Missing | None = None
    silent_seconds: float | None = None


class Check(NamedTuple):
    """`reason` is a clause with its numbers; `numbers` holds the same for machines."""

    name: str
    verdict: Verdict
    consequence: Consequence
    reason: str
    numbers: Numbers = Numbers()

    def to_wire(self) -> dict[str, Any]:
        """Plain JSON, as a look's document has it."""
        return {**self._asdict(), "numbers": self.numbers._asdict()}
