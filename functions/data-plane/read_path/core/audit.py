"""The exact counter behind `misrouted`: whom the flag assigns a user to, worked out without the code that decided."""

from __future__ import annotations

from hashlib import sha256

from read_path.core.routing import AdapterFlag, Arm, Flags


def misrouted(tried: Arm, flags: Flags, user_id: str, function_version: str) -> bool:
    """Return whether `tried`, the arm that was asked first, is not the one the flag assigns this user to.

    Shares no code with `routing.decide`, so that a bug there shows here. Source: docs/wire.md, "Bucket".
    """
    adapter = flags.adapter
    due = adapter is not None and user_id not in adapter.deny_users and _is_due(adapter, user_id, function_version)
    return (tried is Arm.CANDIDATE) is not due


def _is_due(adapter: AdapterFlag, user_id: str, function_version: str) -> bool:
    if user_id in adapter.allow_users or adapter.candidate_version:
        return user_id in adapter.allow_users or function_version == adapter.candidate_version
    return int(sha256(f"{adapter.salt}:{user_id}".encode()).hexdigest()[:16], 16) % 1_000_000 < adapter.share_ppm
