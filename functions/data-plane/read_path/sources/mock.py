"""Control: fifty users in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

from read_path.core.answer import Answer, of_user
from read_path.core.user import User

_USERS = 50
_FIRST_CREATED = datetime(2025, 1, 1, 9, 0, tzinfo=UTC)
_EVERY_FIFTH_PAYS = 5


@cache
def users() -> tuple[User, ...]:
    """Return `user-1` … `user-50`: the same at every call, and what the candidate's database is seeded with."""
    return tuple(
        User(
            id=f"user-{number}",
            email=f"user-{number}@example.com",
            name=f"User {number}",
            plan="pro" if number % _EVERY_FIFTH_PAYS == 0 else "free",
            created_at=_FIRST_CREATED + timedelta(days=number),
        )
        for number in range(1, _USERS + 1)
    )


@cache
def ids() -> tuple[str, ...]:
    """Return every user's id, sorted."""
    return tuple(sorted(_by_id()))


def read(user_id: str) -> Answer:
    """Answer 200 with the user, or 404 when nobody has that id."""
    return of_user(_by_id().get(user_id))


@cache
def _by_id() -> dict[str, User]:
    return {user.id: user for user in users()}
