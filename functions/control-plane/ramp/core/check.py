"""A check: one question put to the evidence, its verdict, and the numbers that gave it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """What a check says; in rising order of severity."""

    PASS = "PASS"  # noqa: S105  # a verdict, no password
    INCONCLUSIVE = "INCONCLUSIVE"
    FAIL = "FAIL"


class Consequence(StrEnum):
    """What a FAIL leads to."""

    ASK = "ASK"
    ROLL_BACK = "ROLL_BACK"


SEVERITY = tuple(Verdict)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The most severe one; INCONCLUSIVE for none, since no checks are no evidence."""
    return max(verdicts, key=SEVERITY.index, default=Verdict.INCONCLUSIVE)


@dataclass(frozen=True)
class Check:
    """`reason` is a clause with its numbers; `numbers` holds the same for machines."""

    name: str
    verdict: Verdict
    consequence: Consequence
    reason: str
    numbers: Mapping[str, float | int | str | None] = field(default_factory=dict)
