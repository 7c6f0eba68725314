"""The user as both arms answer it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple


class User(NamedTuple):
    """One user; `plan` is `free` or `pro`, `created_at` is aware of its zone."""

    id: str
    email: str
    name: str
    plan: str
    created_at: datetime

    def document(self) -> dict[str, str]:
        """Return the JSON shape users see: one key order for both arms, time as ISO 8601 UTC in milliseconds."""
        moment = self.created_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"id": self.id, "email": self.email, "name": self.name, "plan": self.plan, "createdAt": moment}
