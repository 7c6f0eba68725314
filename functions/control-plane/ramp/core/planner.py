"""The planner: what a ramp will take at a given traffic, and the steps that suit it, before anybody is touched."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, exp, inf, lgamma, log, log1p, sqrt
from typing import Self

from ramp.core.cadence import looks_within
from ramp.core.judgement import count, duration, percent
from ramp.core.martingale import ABOVE_PRIOR, Below, trials_until_certified
from ramp.core.policy import REACTION_SECONDS, REQUESTS_PER_USER_DAY, Policy, Position, harm_budget
from ramp.core.suspicion import FIRST_WEIGHT
from ramp.core.units import DAY_SECONDS, WHOLE_PPM

FIRST_SHARE_MAX = 0.25
REACTION_REQUESTS = 2.5  # of the first share in one reaction time
USERS_MIN = 5  # fewer, and one odd user is the whole evidence
GROWTH = 4
BAKE_SECONDS = 60  # with the two minutes that a look and an act take: one reaction time
LATE_SHARES = (0.25, 0.5, 1.0)
NEARLY_ALL = 0.8  # where the last certificate takes long, it is gathered at more than half of the traffic
LONG_SECONDS = 3_600
PATIENCE_MIN_SECONDS = 1_800
PATIENCE_MAX_SECONDS = 1_209_600  # Source: plan.schema.json
PROBATION_MIN_SECONDS = 1_800
PATIENCE_RATIO = 3  # of the mean time to a certificate at half the bound: beyond its 95th percentile
DETECTED_SIGMAS = 1.2816  # 90 % of a normal distribution
NEVER_SIGMAS = 6  # of a binomial: beyond, the other side is not worth adding up
ASKED_SHARE_TOLD = 0.1  # of sound candidates: where more end in a question, people hear of it beforehand
EVENTS_PER_LOOK = 9  # Wait, Measure and Action? in the execution's history
EVENTS_PER_STEP = 16
EVENTS_PER_TOKEN = 13  # Ask For Decision until its time-out, and the Measure and Action? that follow
TOKEN_SECONDS = 900  # Source: statemachine/ramp.asl.json, TimeoutSeconds of Ask For Decision
EVENTS_AROUND = 40
HISTORY_EVENTS_MAX = 25_000  # Source: AWS Step Functions quotas, events in an execution's history
HISTORY_EVENTS_PLANNED = 24_000  # the rest is for retries and the end


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the route serves: requests a second on average, by so many users; `sampled` (0-1) of it goes to shadow."""

    requests_per_second: float
    users: int
    sampled: float = 1.0

    @classmethod
    def at(cls, requests_per_second: float, users: int | None = None) -> Self:
        """Of `users`; where nobody knows, of as many as ask 20 times a day."""
        return cls(
            requests_per_second, users or max(1, round(requests_per_second * DAY_SECONDS / REQUESTS_PER_USER_DAY))
        )


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step of a plan; shares in parts per million."""

    share_ppm: int
    bake_seconds: int
    patience_seconds: int

    @property
    def share(self) -> float:
        """0-1."""
        return self.share_ppm / WHOLE_PPM

    @property
    def title(self) -> str:
        """For people."""
        return percent(self.share) if self.share_ppm else "shadow"


@dataclass(frozen=True, slots=True)
class StepForecast:
    """What a step will see: counts of the candidate's requests, served or in shadow.

    `certificate_requests` counts the steps before, too; `certificate_seconds` is what is left of it here, for a
    candidate without failures.
    `caught_rate` is the smallest rate of failures that is rolled back by the end of the step in 9 of 10 ramps;
    `users_at_risk` are how many fall into the share on average, rounded up.
    `asked_share` (0-1): ramps of a candidate without failures that end in a question here, since too few users fall
    into the share, and `empty_share` the ones of them in which nobody does.
    """

    step: PlannedStep
    requests: float
    certificate_requests: int
    certificate_seconds: float
    caught_rate: float
    users_at_risk: int
    asked_share: float = 0.0
    empty_share: float = 0.0

    @property
    def limit_seconds(self) -> int:
        """How long the step waits for evidence before people are asked."""
        return self.step.bake_seconds + self.step.patience_seconds

    @property
    def is_hopeless(self) -> bool:
        """Whether not even a candidate without failures is certified in that time."""
        return self.certificate_seconds > self.limit_seconds

    @property
    def seconds(self) -> float:
        """How long the step takes with a clean candidate."""
        return max(self.step.bake_seconds, self.certificate_seconds)

    def sentence(self) -> str:
        """For people."""
        return (
            f"{self.step.title}: {count(self.requests)} requests in {duration(self.seconds)}, the certificate takes "
            f"{count(self.certificate_requests)} clean ones, catches {percent(self.caught_rate)} failures, "
            f"{count(self.users_at_risk)} users at risk"
        )


@dataclass(frozen=True, slots=True)
class Forecast:
    """The whole plan; `faults` says what is hopeless about it, `warnings` what often ends in questions, and what would
    be better.
    """

    steps: tuple[StepForecast, ...]
    faults: tuple[str, ...]
    history_events: int
    warnings: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """From the start to the end of the last step, with a clean candidate."""
        return sum(step.seconds for step in self.steps)

    @property
    def watched_seconds(self) -> float:
        """The same, where no step waits longer than its patience."""
        return sum(min(step.seconds, step.limit_seconds) for step in self.steps)


def first_share(traffic: Traffic) -> float:
    """The largest share up to 25 % at which 2 or 3 requests arrive in a reaction time, and at least 5 users fall."""
    by_requests = REACTION_REQUESTS / max(traffic.requests_per_second * REACTION_SECONDS, 1e-9)
    by_users = USERS_MIN / max(traffic.users, 1)
    return min(FIRST_SHARE_MAX, max(by_requests, by_users, 1 / WHOLE_PPM))


def auto_steps(traffic: Traffic, policy: Policy) -> tuple[PlannedStep, ...]:
    """The steps that suit the traffic: shadow, the first share, up fourfold, then half and all.

    The bake is short; how long a step really takes is the certificate's business. At 100 % the ramp stays
    on probation as long as it took to get there: the checks stay armed, and rolling back is a flag away.
    """
    shares = [0.0, *_shares(first_share(traffic))]
    if _clean_seconds(shares[-2], 1.0, traffic, policy) > LONG_SECONDS:
        shares.insert(-1, NEARLY_ALL)
    whole = [round(share * WHOLE_PPM) for share in shares]
    steps = [
        PlannedStep(ppm, BAKE_SECONDS, _patience_seconds(ppm, following, traffic, policy))
        for ppm, following in _with_next(whole)
    ]
    so_far_seconds = sum(item.seconds for item in _forecasts(steps, traffic, policy)[:-1])
    probation_seconds = int(min(PATIENCE_MAX_SECONDS, max(PROBATION_MIN_SECONDS, so_far_seconds)))
    return (*steps[:-1], replace(steps[-1], bake_seconds=probation_seconds))


def forecast(
    steps: Sequence[PlannedStep], traffic: Traffic, policy: Policy, *, look_seconds: int | None = None
) -> Forecast:
    """What `steps` will take and what they will catch at `traffic`; `look_seconds` None: a tenth of the step so far."""
    forecasts = _forecasts(steps, traffic, policy)
    events = history_events([min(item.seconds, item.limit_seconds) for item in forecasts], look_seconds)
    faults = [*_hopeless(forecasts, traffic, policy)]
    if events > HISTORY_EVENTS_MAX:
        fills = f"fills the execution's history, got {events} events, expected at most {HISTORY_EVENTS_MAX}"
        faults.append(f"look_seconds: {fills}")
    return Forecast(tuple(forecasts), tuple(faults), events, tuple(_doubtful(forecasts, traffic, policy)))


def _forecasts(steps: Sequence[PlannedStep], traffic: Traffic, policy: Policy) -> list[StepForecast]:
    following = _with_next([step.share_ppm for step in steps])
    forecasts: list[StepForecast] = []
    live_requests = sure_requests = 0.0
    for step, (_, following_ppm) in zip(steps, following, strict=True):
        item = _step_forecast(step, following_ppm, live_requests, traffic, policy)
        asked_share = _asked_share(step, item.certificate_requests - sure_requests, traffic)
        forecasts.append(replace(item, asked_share=asked_share))
        live_requests += item.requests if step.share_ppm else 0.0
        if item.empty_share <= ASKED_SHARE_TOLD:  # of a step that is often empty nothing can be counted on
            sure_requests = live_requests
    return forecasts


def history_events(
    watched_seconds: Sequence[float],
    look_seconds: int | None,
    *,
    asked_seconds: float = 0.0,
    held_seconds: float = 0.0,
) -> int:
    """Events of an execution that watches each step as long as `watched_seconds` says, and waits `asked_seconds`.

    While it is held, for `held_seconds`, looks grow rarer however often the plan looks.
    """
    looks = sum(looks_within(seconds, look_seconds) for seconds in watched_seconds) + looks_within(held_seconds, None)
    tokens = ceil(asked_seconds / TOKEN_SECONDS)
    return EVENTS_AROUND + EVENTS_PER_STEP * len(watched_seconds) + EVENTS_PER_LOOK * looks + EVENTS_PER_TOKEN * tokens


def _shares(first: float) -> Iterator[float]:
    share = first
    while share < LATE_SHARES[0]:
        yield share
        share *= GROWTH
    yield from (late for late in LATE_SHARES if late > share / GROWTH)


def _with_next(shares_ppm: Sequence[int]) -> list[tuple[int, int | None]]:
    return [*zip(shares_ppm, [*shares_ppm[1:], None], strict=True)]


def _certificate(share_ppm: int, next_ppm: int | None, traffic: Traffic, policy: Policy) -> tuple[float, float]:
    """The bound and the error probability that the step's slowest certificate has."""
    if share_ppm == 0:
        return min(policy.mismatch_certified, policy.error_limit), policy.beta_shadow
    return harm_budget(Position(share_ppm, next_ppm), policy, traffic.requests_per_second)


def _pace(share_ppm: int, traffic: Traffic) -> float:
    """Candidate requests a second that the step's certificate counts: all that are sampled in shadow."""
    return traffic.requests_per_second * (share_ppm / WHOLE_PPM if share_ppm else traffic.sampled)


def _clean_seconds(share: float, next_share: float, traffic: Traffic, policy: Policy) -> float:
    shares_ppm = (round(share * WHOLE_PPM), round(next_share * WHOLE_PPM))
    bound, beta = _certificate(*shares_ppm, traffic, policy)
    return _divided(trials_until_certified(Below(), bound, beta), _pace(shares_ppm[0], traffic))


def _slow_requests(bound: float, beta: float) -> float:
    """Mean number of requests to certify below `bound` an arm that fails half as often.

    Source: Wald 1945, Sequential tests of statistical hypotheses: ln(1 / beta) / KL(bound / 2 || bound).
    """
    return -log(beta) / divergence(bound / 2, bound)


def _patience_seconds(share_ppm: int, next_ppm: int | None, traffic: Traffic, policy: Policy) -> int:
    requests = PATIENCE_RATIO * _slow_requests(*_certificate(share_ppm, next_ppm, traffic, policy))
    seconds = _divided(requests, _pace(share_ppm, traffic))
    return int(min(PATIENCE_MAX_SECONDS, max(PATIENCE_MIN_SECONDS, seconds)))


def _step_forecast(
    step: PlannedStep, next_ppm: int | None, live_requests: float, traffic: Traffic, policy: Policy
) -> StepForecast:
    """`live_requests`: those of the steps before, which certify too."""
    bound, beta = _certificate(step.share_ppm, next_ppm, traffic, policy)
    needed, pace = trials_until_certified(Below(), bound, beta), _pace(step.share_ppm, traffic)
    certificate_seconds = _divided(max(0.0, needed - live_requests), pace)
    requests = pace * min(max(step.bake_seconds, certificate_seconds), step.bake_seconds + step.patience_seconds)
    return StepForecast(
        step=step,
        requests=requests,
        certificate_requests=needed,
        certificate_seconds=certificate_seconds,
        caught_rate=_caught_rate(live_requests + requests, policy),
        users_at_risk=-(-traffic.users * step.share_ppm // WHOLE_PPM),
        empty_share=_below(1, traffic.users, step.share) if 0 < step.share < 1 else 0.0,
    )


def _asked_share(step: PlannedStep, needed: float, traffic: Traffic) -> float:
    """How often so few users fall into the share that `needed` requests of theirs do not come in the step's time.

    Users are dealt, not requests, and of a few users a small share may be nobody.
    """
    if needed <= 0 or not 0 < step.share < 1 or traffic.requests_per_second <= 0:
        return 0.0
    of_a_user = traffic.requests_per_second / traffic.users * (step.bake_seconds + step.patience_seconds)
    return _below(needed / of_a_user, traffic.users, step.share) if of_a_user else 1.0


def _below(count: float, users: int, share: float) -> float:
    """P(fewer than `count` of `users` fall into `share`): the binomial distribution, `share` in (0, 1)."""
    mean, sigma = users * share, sqrt(users * share * (1 - share))
    if count > users or count > mean + NEVER_SIGMAS * sigma + NEVER_SIGMAS:
        return 1.0
    if count < mean - NEVER_SIGMAS * sigma:
        return 0.0
    ways = (lgamma(users + 1) - lgamma(k + 1) - lgamma(users - k + 1) for k in range(ceil(count)))
    odds = log(share) - log1p(-share)
    return min(1.0, sum(exp(way + k * odds + users * log1p(-share)) for k, way in enumerate(ways)))


def _caught_rate(requests: float, policy: Policy) -> float:
    """The smallest rate that `requests` prove to be above the limit in 9 of 10 ramps; 1 when none is.

    Normal approximation of the log-likelihood ratio at the best multiplier. Source: Wald 1945.
    """
    barrier = -log(policy.alpha_errors * FIRST_WEIGHT * max(ABOVE_PRIOR))
    low, high = policy.error_limit, 1.0
    if requests * divergence(high, policy.error_limit) < barrier:
        return 1.0
    for _ in range(30):
        rate = (low + high) / 2
        log_odds = _log_odds(rate) - _log_odds(policy.error_limit)
        gained = requests * divergence(rate, policy.error_limit)
        noise = DETECTED_SIGMAS * log_odds * sqrt(requests * rate * (1 - rate))
        low, high = (low, rate) if gained - noise >= barrier else (rate, high)
    return high


def divergence(p: float, q: float) -> float:
    """KL(p || q) of two Bernoulli rates in nats; `q` in (0, 1)."""
    ones = p * log(p / q) if p > 0 else 0.0
    noughts = (1 - p) * log((1 - p) / (1 - q)) if p < 1 else 0.0
    return ones + noughts


def _log_odds(rate: float) -> float:
    return log(rate / (1 - rate)) if rate < 1 else 700.0


def _hopeless(steps: Sequence[StepForecast], traffic: Traffic, policy: Policy) -> Iterator[str]:
    if traffic.requests_per_second <= 0:
        yield "traffic: gives no evidence, got no requests, expected some: nothing can be certified without"
        return
    for index, item in enumerate(steps):
        if item.is_hopeless:
            yield (
                f"steps[{index}]: cannot pass, got {count(item.requests)} requests in {duration(item.limit_seconds)}, "
                f"expected {count(item.certificate_requests)} clean ones, the rest of which takes "
                f"{duration(item.certificate_seconds)}"
            )
    if any(item.is_hopeless for item in steps):
        yield f"steps: do not suit the traffic, got {len(steps)} steps, expected {_better(traffic, policy)}"


def _doubtful(steps: Sequence[StepForecast], traffic: Traffic, policy: Policy) -> Iterator[str]:
    doubtful = [(index, item) for index, item in enumerate(steps) if item.asked_share > ASKED_SHARE_TOLD]
    for index, item in doubtful:
        nobody = f" (nobody at all in {100 * item.empty_share:.0f} %)" if item.empty_share > ASKED_SHARE_TOLD else ""
        asked = f"ends in a question in about {100 * item.asked_share:.0f} % of ramps of a sound candidate"
        got = f"{item.step.title} of {count(traffic.users)} users{nobody}"
        yield f"steps[{index}]: {asked}, got {got}, expected more users, or more patience"
    if doubtful and traffic.requests_per_second > 0:
        planned = _forecasts(auto_steps(traffic, policy), traffic, policy)
        to_whole_seconds = sum(item.seconds for item in planned[:-1])
        asked_share = max(item.asked_share for item in planned)
        if asked_share <= ASKED_SHARE_TOLD:
            yield (
                f'steps: "auto" would serve everybody after {duration(to_whole_seconds)} and ask in about '
                f"{100 * asked_share:.0f} %: {', '.join(item.step.title for item in planned)}"
            )


def _better(traffic: Traffic, policy: Policy) -> str:
    planned = auto_steps(traffic, policy)
    if any(item.is_hopeless for item in _forecasts(planned, traffic, policy)):
        return "more requests, or more of them compared: no step of 14 days could pass"
    steps = (f"{step.title} with patience {duration(step.patience_seconds)}" for step in planned)
    return f"for example {', '.join(steps)}"


def _divided(requests: float, pace: float) -> float:
    return requests / pace if pace else inf
