"""The users of a rehearsal, dealt to the arms as the router deals them."""

from bisect import bisect_left
from hashlib import sha256

from ramp.core.plan import WHOLE_PPM, Routing

DEALT_USERS_MAX = 5_000  # beyond, the share of users is what it should be to a percent of itself


class Users:
    """`user-1` … `user-N`, who all ask as often. Source of the rule: docs/wire.md, Bucket."""

    def __init__(self, count: int, routing: Routing, ramp: str) -> None:
        salt, self._count = routing.salt or ramp, count
        names = [f"user-{number}" for number in range(1, count + 1)] if count <= DEALT_USERS_MAX else []
        denied, allowed = set(routing.deny_users), set(routing.allow_users) - set(routing.deny_users)
        self._allowed = sum(name in allowed for name in names)
        self._buckets = sorted(_bucket(salt, name) for name in names if name not in denied | allowed)

    def share(self, share_ppm: int) -> float:
        """The part of all requests (0–1) that comes from users on the candidate."""
        if not share_ppm:
            return 0.0
        if self._count > DEALT_USERS_MAX:
            return share_ppm / WHOLE_PPM
        return (self._allowed + bisect_left(self._buckets, share_ppm)) / self._count


def _bucket(salt: str, user: str) -> int:
    return int.from_bytes(sha256(f"{salt}:{user}".encode()).digest()[:8], "big") % WHOLE_PPM
