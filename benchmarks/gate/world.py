"""The world of one ramp: users, requests, failures and slow answers, in virtual time, one bucket at a time."""

from math import erfc, log, sin, sqrt, tau

import numpy as np
from ramp.core.bucket import Bucket

from benchmarks.gate.scenario import Scenario
from benchmarks.gate.schedule import Schedule
from benchmarks.gate.traffic import DAY, Load

SLOW_SHARE = 0.05  # L0 is control's p95
SLOW_Z = 1.6449
LATENCY_SIGMA = 0.5  # log-normal answer times
SLOWER = 1.15
EXACT_USERS_MAX = 5_000  # up to here each user's hash is drawn, beyond it the share is what it should be
OUTAGE_SECONDS = 600
OUTAGE_RATE = 0.9
COLD_REQUESTS, COLD_TIMEOUTS = 5, 0.02
LIVE_SECONDS = {True: DAY, False: 3_600}  # late faults begin, and drifts grow, within this time (small load: a day)


class World:
    """Deals the requests of one ramp; `rng` is its only source of chance."""

    def __init__(self, scenario: Scenario, load: Load, schedule: Schedule, rng: np.random.Generator) -> None:
        self._scenario, self._load, self._rng = scenario, load, rng
        self._users = load.users
        self._hashes = np.sort(rng.random(self._users)) if self._users <= EXACT_USERS_MAX else None
        self._broken_users = rng.random(self._users) < scenario.broken_users if self._hashes is not None else None
        self._broken_account = rng.random()
        horizon = LIVE_SECONDS[load.is_small]
        self._onset = rng.random() * horizon if scenario.is_late else 0.0
        self._outage_at = schedule.stages[0].bake_seconds + rng.random() * horizon if scenario.shared_outage else None
        self._live_since: float | None = None
        self._served_share: dict[int, tuple[float, float]] = {}
        self._slow_candidate = _slow_share(scenario.latency)
        self._step = 0

    def history(self) -> list[Bucket]:
        """Control's day before, an hour a time at a small load; the outage is not in it."""
        s, n = self._scenario, self._load.requests_per_second * self._load.period_seconds
        size = DAY // self._load.period_seconds
        requests = self._rng.poisson(n * s.rate_factor, size)
        errors = [self._failures(int(count), s.control_errors) for count in requests]
        return [
            Bucket((i - size) * self._load.period_seconds, self._load.period_seconds, -1, 0, int(count), int(failed))
            for i, (count, failed) in enumerate(zip(requests, errors, strict=True))
        ]

    def bucket(self, at: float, step: int, share_ppm: int) -> Bucket:
        """What the period that starts `at` seconds into the ramp counts, with `share_ppm` of users on the candidate."""
        s, rng = self._scenario, self._rng
        if share_ppm and self._live_since is None:
            self._live_since = at
        share, broken = self._shares(share_ppm)
        mean = self._load.requests_per_second * self._load.period_seconds * s.rate_factor * self._season(at)
        candidate, control = int(rng.poisson(mean * share)), int(rng.poisson(mean * (1 - share)))
        control_errors = self._failures(control, s.control_errors)
        live_rate = self._live_rate(at)
        live = self._failures(candidate, live_rate) + self._draw(candidate, broken)
        shadow = self._failures(control, s.candidate_errors) + self._draw(control, s.broken_users)
        cold = COLD_REQUESTS if s.cold_starts and step != self._step and candidate else 0
        self._step = step
        live += self._draw(min(cold, candidate), COLD_TIMEOUTS)
        live, shadow = min(live, candidate), min(shadow, control)
        if self._is_outage(at):  # what fails with control is no failure of the candidate's own
            live, shadow = self._draw(live, 1 - OUTAGE_RATE), self._draw(shadow, 1 - OUTAGE_RATE)
        live_discordant = self._draw(live, 1 - s.control_errors)
        shadow_discordant = self._draw(shadow, 1 - s.control_errors)
        account = self._account(candidate, control, share)
        outage = self._outage(at, candidate, control)
        both_live, both_control = account[0] + outage[0], account[1] + outage[1]
        return Bucket(
            at,
            self._load.period_seconds,
            step,
            share_ppm,
            control_requests=control,
            control_errors=min(control, control_errors + both_control),
            control_slow=self._draw(control, SLOW_SHARE),
            candidate_requests=candidate,
            candidate_errors=min(candidate, live + both_live),
            candidate_discordant=min(live_discordant, candidate - min(candidate, both_live)),
            candidate_slow=min(candidate, self._draw(candidate, self._slow_candidate) + cold),
            shadow_requests=control,
            shadow_errors=min(control, shadow + both_control),
            shadow_discordant=min(shadow_discordant, control - min(control, both_control)),
            shadow_slow=self._draw(control, self._slow_candidate),
            comparisons=(compared := control + candidate - min(control, shadow) - live),
            mismatches=self._draw(compared, s.mismatches),
            misrouted=self._misrouted(candidate + control, share, share_ppm / 1e6),
        )

    def _draw(self, n: int, rate: float) -> int:
        return int(self._rng.binomial(n, rate)) if n and rate else 0

    def _shares(self, share_ppm: int) -> tuple[float, float]:
        """The share of requests that the candidate really serves, and the share of its users that are broken."""
        if share_ppm not in self._served_share:
            wanted = min(1.0, share_ppm / 1e6 * self._scenario.share_factor)
            self._served_share[share_ppm] = (wanted, self._scenario.broken_users if wanted else 0.0)
            if self._hashes is not None and self._broken_users is not None:
                served = int(np.searchsorted(self._hashes, wanted)) if wanted < 1 else self._users
                broken = float(self._broken_users[:served].mean()) if served else 0.0
                self._served_share[share_ppm] = (served / self._users, broken)
        return self._served_share[share_ppm]

    def _misrouted(self, requests: int, share: float, wanted: float) -> int:
        if self._scenario.share_factor == 1:
            return 0
        return int(self._rng.binomial(requests, abs(share - wanted)))

    def _live_rate(self, at: float) -> float:
        s = self._scenario
        if s.live_errors is None or self._live_since is None:
            return s.candidate_errors
        since, horizon = at - self._live_since, LIVE_SECONDS[self._load.is_small]
        if s.is_drift:
            return s.candidate_errors + (s.live_errors - s.candidate_errors) * min(1.0, since / horizon)
        return s.live_errors if since >= self._onset else s.candidate_errors

    def _failures(self, n: int, rate: float) -> int:
        if not n or not rate:
            return 0
        if self._scenario.cluster == 1:
            return self._draw(n, rate)
        clusters = int(self._rng.poisson(n * rate / self._scenario.cluster))
        sizes = self._rng.geometric(1 / self._scenario.cluster, clusters) if clusters else ()
        return min(n, int(sum(sizes)))

    def _season(self, at: float) -> float:
        s = self._scenario
        burst = float(self._rng.gamma(1 / s.burst, s.burst)) if s.burst else 1.0
        return burst * (1 + s.diurnal * sin(tau * at / DAY))

    def _account(self, candidate: int, control: int, share: float) -> tuple[int, int]:
        """Requests of the one broken account, which fail on either side: (candidate's, control's)."""
        if not self._scenario.shared_broken_account:
            return 0, 0
        side = self._broken_account < share
        served = candidate if side else control
        users = max(1.0, self._users * (share if side else 1 - share))
        failed = int(self._rng.binomial(served, min(1.0, 1 / users))) if served else 0
        return (failed, 0) if side else (0, failed)

    def _is_outage(self, at: float) -> bool:
        return self._outage_at is not None and self._outage_at <= at < self._outage_at + OUTAGE_SECONDS

    def _outage(self, at: float, candidate: int, control: int) -> tuple[int, int]:
        """Requests that both arms failed together: (candidate's, control's)."""
        if not self._is_outage(at):
            return 0, 0
        return self._draw(candidate, OUTAGE_RATE), self._draw(control, OUTAGE_RATE)


def _slow_share(latency: float) -> float:
    """The share of the candidate's answers above 1.15 L0 when its times are `latency` times control's."""
    z = SLOW_Z + log(SLOWER / latency) / LATENCY_SIGMA
    return 0.5 * erfc(z / sqrt(2))
