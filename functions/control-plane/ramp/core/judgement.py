"""A judgement: one row of the gate's table, judged on numbers first and put into words second."""

from math import exp, log
from typing import NamedTuple

from ramp.core.check import Check, Consequence, Verdict
from ramp.core.martingale import (
    MAX_COUNT,
    Below,
    events_until_uncertified,
    lower_bound,
    trials_until_certified,
    upper_bound,
)
from ramp.core.policy import DOUBT
from ramp.core.suspicion import Suspicion
from ramp.core.tally import Tally

MINUTE, HOUR, DAY = 60, 3_600, 86_400


class Certificate(NamedTuple):
    """What GO takes: the rate certified below `bound`, error probability `beta`, log-likelihoods times `power`."""

    bound: float
    beta: float
    power: float = 1.0


class Judgement(NamedTuple):
    """`seen` says in words what was counted, `clean` names a trial without an event.

    `suspicion` may condemn, above the rate `limit` with probability `alpha` of doing so to a healthy candidate.
    Without a `certificate` the row only condemns: it passes on data that do not.
    `pace_seconds` is the time that one more trial takes at present; None without traffic.
    """

    name: str
    consequence: Consequence
    tally: Tally
    suspicion: Suspicion
    limit: float
    alpha: float
    seen: str
    clean: str
    certificate: Certificate | None = None
    pace_seconds: float | None = None
    power: float = 1.0

    @property
    def log_evidence(self) -> float:
        """ln E. What rolls back stays proven; what is asked is asked about the present."""
        above = self.suspicion.above
        return above.log_peak if self.consequence is Consequence.ROLL_BACK else above.log_e

    @property
    def verdict(self) -> Verdict:
        """FAIL when proven worse, PASS when certified, or, where no certificate is asked for, on any data at all.

        While evidence against the candidate is piling up, nothing passes: the share stays where the harm is small.
        """
        if self.log_evidence >= -log(self.alpha):
            return Verdict.FAIL
        if self.is_doubted:
            return Verdict.INCONCLUSIVE
        if self.certificate is None:
            return Verdict.PASS if self.tally.trials else Verdict.INCONCLUSIVE
        return Verdict.PASS if self._below.log_e >= -log(self.certificate.beta) else Verdict.INCONCLUSIVE

    @property
    def is_doubted(self) -> bool:
        """Whether the odds against the candidate stand at 5 or more."""
        return self.suspicion.above.log_e >= log(DOUBT)

    @property
    def _below(self) -> Below:
        asked = self.certificate
        if asked is None:
            return Below()
        return Below().fold(self.tally.trials, self.tally.events, asked.bound, power=asked.power)

    def check(self) -> Check:
        """The check, with its numbers and its sentence."""
        n, x = self.tally.trials, self.tally.events
        needs = self._needs()
        flips = self._flips()
        low = lower_bound(n, x, self.alpha, power=self.power)
        high = upper_bound(n, x, self.certificate.beta if self.certificate else self.alpha, power=self.power)
        numbers: dict[str, float | int | str | None] = {
            "trials": n,
            "events": x,
            "rate": x / n if n else None,
            "rate_low": low,
            "rate_high": high,
            "limit": self.limit,
            "alpha": self.alpha,
            "budget_spent": min(1.0, self.alpha * exp(min(self.log_evidence, -log(self.alpha)))),
            "certified_below": self.certificate.bound if self.certificate else None,
            "beta": self.certificate.beta if self.certificate else None,
            "needs_trials": needs,
            "needs_seconds": None if needs is None or self.pace_seconds is None else needs * self.pace_seconds,
            "flips_after": flips,
        }
        words = f"{count(x)} of {count(n)} {self.seen}"
        if n:
            words += f" ({percent(x / n)}, band {percent(low)} to {percent(high)})"
        return Check(self.name, self.verdict, self.consequence, f"{words}; {self._outcome(needs, flips)}", numbers)

    def _needs(self) -> int | None:
        """Trials without an event that are still missing; None when no certificate is asked for."""
        if (asked := self.certificate) is None:
            return None
        return trials_until_certified(self._below, asked.bound, asked.beta, power=asked.power)

    def _flips(self) -> int | None:
        """Events in a row after which the verdict is another; None once it is FAIL."""
        if self.verdict is Verdict.FAIL:
            return None
        proven = self.suspicion.events_until_proven(self.limit, self.alpha, self.power)
        if (asked := self.certificate) is None or self.verdict is Verdict.INCONCLUSIVE:
            return proven
        return min(proven, events_until_uncertified(self._below, asked.bound, asked.beta, power=asked.power))

    def _outcome(self, needs: int | None, flips: int | None) -> str:
        if self.verdict is Verdict.FAIL:
            lately = "" if self.tally.events > self.limit * self.tally.trials else " of late, if not on the whole"
            return f"proven above {percent(self.limit)}{lately} (error probability {percent(self.alpha)})"
        change = f"{flips} more in a row would {self._leads_to()}"
        if self.verdict is Verdict.PASS:
            if self.certificate is None:
                return f"not proven above {percent(self.limit)}; {change}"
            return f"certified below {percent(self.certificate.bound)}; {change}"
        if self.is_doubted:
            odds = count(exp(self.suspicion.above.log_e))
            proven = count(1 / self.alpha)
            return f"the odds that it is above {percent(self.limit)} stand at {odds} to 1, proven at {proven}"
        if self.certificate is None or needs is None:
            return "no data, no verdict"
        wanted = f"{self.clean} to certify less than {percent(self.certificate.bound)}"
        return f"needs about {about(needs)} more {wanted}, {self._duration(needs)}; {change}"

    def _leads_to(self) -> str:
        if self.verdict is Verdict.PASS and self.certificate is not None:
            return "take the pass away"
        return "roll back" if self.consequence is Consequence.ROLL_BACK else "raise the question"

    def _duration(self, needs: int) -> str:
        if self.pace_seconds is None:
            return "and there is no traffic now"
        return f"about {duration(needs * self.pace_seconds)} at this traffic"


def percent(rate: float) -> str:
    """A rate for people: 0.0123 → `1.23 %`."""
    return f"{100 * rate:.3g} %"


def count(number: float) -> str:
    """A count for people: 12345 → `12,345`."""
    return f"{number:,.0f}"


def about(number: int) -> str:
    """Two leading digits are all that a forecast knows: 1234 → `1,200`."""
    if number >= MAX_COUNT:
        return "very many"
    digits = len(str(number))
    return count(round(number, -max(0, digits - 2)))


def duration(seconds: float) -> str:
    """For people: `40 seconds`, `12 minutes`, `3.5 hours`, `2.1 days`."""
    for unit, size, decimals in (("seconds", 1, 0), ("minutes", MINUTE, 0), ("hours", HOUR, 1), ("days", DAY, 1)):
        if seconds < _NEXT[size]:
            return f"{seconds / size:.{decimals}f} {unit}"
    return "more than a year"


_NEXT = {1: 2 * MINUTE, MINUTE: 2 * HOUR, HOUR: 2 * DAY, DAY: 366 * DAY}
