"""A judgement: one row of the gate's table, judged on numbers first and put into words second."""

from math import exp, log
from typing import NamedTuple

from ramp.core.check import Check, Consequence, Missing, Numbers, Verdict
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
from ramp.core.units import DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS


class Certificate(NamedTuple):
    """What GO takes: the rate certified below `bound`, error probability `beta`, log-likelihoods times `power`."""

    bound: float
    beta: float
    power: float = 1.0


class Judgement(NamedTuple):
    """`seen` says in words what was counted, `clean` names a trial without an event.

    `suspicion` may condemn, above the rate `limit` with probability `alpha` of doing so to a healthy candidate.
    Without a `certificate` the row only condemns: it passes on data that do not.
    `pace_seconds` is the time that one more trial takes at present; None without traffic. `power` and `is_known` are
    what the suspicion is folded with: how control's failures cluster, and whether it has shown that. `unseen` says why
    this step has not been seen: what earlier steps have shown passes nothing then.
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
    is_known: bool = True
    unseen: str = ""

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
        if self.is_doubted or self.unseen:
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
        n, x, verdict = self.tally.trials, self.tally.events, self.verdict
        needs = self._needs(verdict)
        flips, flips_to = self._flips(verdict)
        numbers = Numbers(
            trials=n,
            events=x,
            rate=x / n if n else None,
            rate_low=lower_bound(n, x, self.alpha, power=self.power),
            rate_high=upper_bound(n, x, self.certificate.beta if self.certificate else self.alpha, power=self.power),
            go_limit=self.certificate.bound if self.certificate else None,
            limit=self.limit,
            alpha=self.alpha,
            beta=self.certificate.beta if self.certificate else None,
            budget_spent=min(1.0, self.alpha * exp(min(self.log_evidence, -log(self.alpha)))),
            needs_trials=needs,
            needs_seconds=None if needs is None or self.pace_seconds is None else needs * self.pace_seconds,
            flips_after=flips,
            flips_to=flips_to,
            missing=Missing.NOT_SEEN if self.unseen else None,
        )
        words = f"{count(x)} of {count(n)} {self.seen}"
        if n and numbers.rate_low is not None and numbers.rate_high is not None:
            words += f" ({percent(x / n)}, band {percent(numbers.rate_low)} to {percent(numbers.rate_high)})"
        words += f"; {self._outcome(verdict, needs, flips, flips_to)}"
        return Check(self.name, verdict, self.consequence, words, numbers)

    def _needs(self, verdict: Verdict) -> int | None:
        """Trials without an event that a pass still takes; None when proven, or when any data at all would do."""
        if verdict is Verdict.FAIL:
            return None
        calm = self.suspicion.trials_until_below(DOUBT, self.limit, self.power) if self.is_doubted else 0
        if (asked := self.certificate) is None:
            return calm or (0 if self.tally.trials and not self.unseen else None)
        return max(calm, trials_until_certified(self._below, asked.bound, asked.beta, power=asked.power))

    def _flips(self, verdict: Verdict) -> tuple[int | None, Verdict | None]:
        """Events in a row after which the verdict is worse, and what it is then; None once it is FAIL."""
        if verdict is Verdict.FAIL:
            return None, None
        bucket = max(1, round(self.tally.bucket_trials))
        odds = DOUBT if verdict is Verdict.PASS else 1 / self.alpha
        flips, reached = self.suspicion.events_until(
            odds, self.limit, self.power, bucket=bucket, is_known=self.is_known
        )
        if verdict is Verdict.PASS and (asked := self.certificate) is not None:
            lost = events_until_uncertified(self._below, asked.bound, asked.beta, power=asked.power)
            flips, reached = (flips, reached) if flips <= lost else (lost, 0.0)
        if flips >= MAX_COUNT:
            return None, None
        return flips, Verdict.FAIL if reached >= 1 / self.alpha else Verdict.INCONCLUSIVE

    def _outcome(self, verdict: Verdict, needs: int | None, flips: int | None, flips_to: Verdict | None) -> str:
        if verdict is Verdict.FAIL:
            lately = "" if self.tally.events > self.limit * self.tally.trials else " of late, if not on the whole"
            return f"proven above {percent(self.limit)}{lately} (error probability {percent(self.alpha)})"
        change = "" if flips is None else f"; {count(flips)} more in a row would {self._leads_to(flips_to)}"
        if verdict is Verdict.PASS:
            if self.certificate is None:
                return f"not proven above {percent(self.limit)}{change}"
            return f"certified below {percent(self.certificate.bound)}{change}"
        if needs is None:
            return self.unseen or "no data, no verdict"
        if self.is_doubted or self.certificate is None:
            odds, proven = count(exp(self.suspicion.above.log_e)), count(1 / self.alpha)
            stand = f"the odds that it is above {percent(self.limit)} stand at {odds} to 1, proven at {proven}"
            return f"{stand}; about {about(needs)} more {self.clean} would settle it, {self._duration(needs)}"
        wanted = f"{self.clean} to certify less than {percent(self.certificate.bound)}"
        return f"needs about {about(needs)} more {wanted}, {self._duration(needs)}{change}"

    def _leads_to(self, verdict: Verdict | None) -> str:
        if verdict is Verdict.INCONCLUSIVE:
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
    """For people: `40 seconds`, `12 minutes`, `3.5 hours`, `2 days`; what is not nothing takes `1 second` at least."""
    for unit, size, decimals, most_seconds in _UNITS:
        if seconds < most_seconds:
            number = f"{(max(seconds, 1) if seconds else 0) / size:.{decimals}f}".removesuffix(".0")
            return f"{number} {unit.removesuffix('s') if number == '1' else unit}"
    return "more than a year"


_UNITS = (
    ("seconds", 1, 0, 2 * MINUTE_SECONDS),
    ("minutes", MINUTE_SECONDS, 0, 2 * HOUR_SECONDS),
    ("hours", HOUR_SECONDS, 1, 2 * DAY_SECONDS),
    ("days", DAY_SECONDS, 1, 366 * DAY_SECONDS),
)
