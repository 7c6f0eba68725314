"""The users of a rehearsal, dealt to the arms as the router deals them."""

from bisect import bisect_left
from hashlib import sha256

from ramp.core.plan import Routing
from ramp.core.units import WHOLE_PPM

DEALT_USERS_MAX = 5_000  # beyond, the share of users is what it should be to a percent of itself
FIRST, NEVER = -1, WHOLE_PPM  # buckets of users who are allowed and denied by name


class Users:
    """`user-1` … `user-N`, who all ask as often. Source of the rule: docs/wire.md, Bucket.

    The first `broken` (0–1) of them fail whenever the candidate serves them; with an `account`, `user-1` fails on
    either arm.
    """

    def __init__(self, count: int, routing: Routing, ramp: str, *, broken: float = 0.0, account: bool = False) -> None:
        self._count, self._broken, self._has_account = count, broken, account
        dealt = count if count <= DEALT_USERS_MAX else 1
        buckets = [_bucket(routing, routing.salt or ramp, f"user-{number}") for number in range(1, dealt + 1)]
        self._account = buckets[0] if buckets else NEVER
        self._buckets = sorted(buckets)
        self._broken_buckets = sorted(buckets[: round(broken * count)])

    def share(self, share_ppm: int) -> float:
        """The part of all requests (0–1) that comes from users on the candidate."""
        if not share_ppm:
            return 0.0
        if self._count > DEALT_USERS_MAX:
            return share_ppm / WHOLE_PPM
        return bisect_left(self._buckets, share_ppm) / self._count

    def broken(self, share_ppm: int) -> float:
        """The part of the candidate's requests that comes from users whose reads it fails."""
        served = bisect_left(self._buckets, share_ppm) if share_ppm else 0
        if self._count > DEALT_USERS_MAX or not served:
            return self._broken
        return bisect_left(self._broken_buckets, share_ppm) / served

    def account(self, share_ppm: int) -> tuple[float, float]:
        """The parts of the candidate's and of control's requests that are `user-1`'s."""
        if not self._has_account:
            return 0.0, 0.0
        served = self.share(share_ppm) * self._count
        if share_ppm and self._account < share_ppm:
            return min(1.0, 1 / max(1.0, served)), 0.0
        return 0.0, min(1.0, 1 / max(1.0, self._count - served))


def _bucket(routing: Routing, salt: str, user: str) -> int:
    if user in routing.deny_users:
        return NEVER
    if user in routing.allow_users:
        return FIRST
    return int.from_bytes(sha256(f"{salt}:{user}".encode()).digest()[:8], "big") % WHOLE_PPM
