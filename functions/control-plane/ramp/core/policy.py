"""What the sequential gate holds a candidate to: limits as rates (0-1) and budgets as probabilities of error."""

from typing import NamedTuple, Self

from ramp.core.units import WHOLE_PPM

ROLL_BACK_BUDGET, ASK_BUDGET = 0.01, 0.015  # what the defaults of `alpha_*` below sum to


class Policy(NamedTuple):
    """`alpha_*`: the probability of condemning a healthy candidate, over a whole ramp; roll-backs sum to 1 %.

    `beta_*`: the probability of certifying a bad one. Source: requirements, 3 (limits); docs/gate.md (budgets).
    """

    error_limit: float = 0.02
    error_ratio: float = 1.5  # times control's recent rate, where that is more than the limit
    relative_limit: float = 0.005
    relative_ratio: float = 5.0
    mismatch_limit: float = 0.005
    mismatch_certified: float = 0.01
    latency_slack: float = 1.5  # slow answers of the candidate over control's that a certificate still allows
    fallback: bool = True  # False: control does not answer after a failure, so every failure counts

    alpha_errors: float = 0.005
    alpha_relative: float = 0.003
    alpha_shadow_errors: float = 0.002
    alpha_mismatches: float = 0.005
    alpha_latency: float = 0.0025
    alpha_shadow_latency: float = 0.0025
    alpha_share: float = 0.005
    beta_shadow: float = 0.01
    beta_step: float = 0.05
    beta_whole: float = 0.01

    def with_budgets(self, *, roll_back: float, ask: float, certificate: float, step_certificate: float) -> Self:
        """With these probabilities of error in all (0-1), divided among the checks in the same proportions."""
        roll_backs, asks = roll_back / ROLL_BACK_BUDGET, ask / ASK_BUDGET
        return self._replace(
            alpha_errors=self.alpha_errors * roll_backs,
            alpha_relative=self.alpha_relative * roll_backs,
            alpha_shadow_errors=self.alpha_shadow_errors * roll_backs,
            alpha_mismatches=self.alpha_mismatches * asks,
            alpha_latency=self.alpha_latency * asks,
            alpha_shadow_latency=self.alpha_shadow_latency * asks,
            alpha_share=self.alpha_share * asks,
            beta_shadow=certificate,
            beta_step=step_certificate,
            beta_whole=certificate,
        )


class Position(NamedTuple):
    """Where the ramp stands: the present share and the next step's, in parts per million; None at the last step."""

    share_ppm: int
    next_share_ppm: int | None

    @property
    def is_shadow(self) -> bool:
        """No user is served by the candidate."""
        return self.share_ppm == 0

    @property
    def target(self) -> float:
        """The present share, 0-1."""
        return self.share_ppm / WHOLE_PPM


def harm_budget(position: Position, policy: Policy, requests_per_second: float) -> tuple[float, float]:
    """The rate that live failures must be certified below before the next step, and the error probability.

    Two budgets, the tighter one counts. Of all users' requests the next share may fail no more than the error limit:
    its own rate may be limit / next share, and before everybody, and at the end, the limit holds as it is. And in the
    time that it takes to see a failure and act, the next share may fail no more than a handful of requests, however
    small it is beside the whole: that bounds how fast a small canary may grow (`requests_per_second`: both arms).
    """
    next_ppm = position.next_share_ppm or WHOLE_PPM
    share = next_ppm / WHOLE_PPM
    exposed = max(1.0, share * requests_per_second * REACTION_SECONDS)
    handful = max(HANDFUL / exposed, min(RATE_ASKED_MIN, CROWD / exposed))
    bound = min(RATE_CERTIFIED_MAX, policy.error_limit / share, handful)
    return max(bound, policy.error_limit), policy.beta_whole if next_ppm == WHOLE_PPM else policy.beta_step


SHARE_BAND = (0.5, 2.0)  # Source: requirements, 1 % configured: investigate outside 0.5-2 %
REQUESTS_PER_USER_DAY = 20  # Source: requirements, 1,000 requests a day of 50 users
REACTION_SECONDS = 180.0  # a minute fills, a minute until CloudWatch shows it, a minute to look and act
HANDFUL = 9.0  # failures in one reaction time that a small canary may cost
CROWD = 60.0  # and a large one, which certifies a finer rate within minutes
RATE_CERTIFIED_MAX = 0.75  # however small the next share: a candidate that mostly fails goes nowhere
RATE_ASKED_MIN = 0.05  # of a small canary: a finer rate takes longer to certify than the suspicions take to find it
DOUBT = 5.0  # evidence against the candidate, as odds, at which nothing is raised. By chance: 1 in 5 at the very limit.
