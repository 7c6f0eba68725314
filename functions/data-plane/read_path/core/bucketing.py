"""Which side of a share a user or a request falls on: a stable hash, no dice."""

from __future__ import annotations

from hashlib import sha256

WHOLE_PPM = 1_000_000


def bucket(salt: str, key: str) -> int:
    """Return the bucket of `key`, 0-999,999: the same for the same salt and key, for ever.

    Source: docs/wire.md, "Bucket".
    """
    return int.from_bytes(sha256(f"{salt}:{key}".encode()).digest()[:8], "big") % WHOLE_PPM


def in_share(salt: str, key: str, share_ppm: int) -> bool:
    """Return whether `key` falls into a share of 0-1,000,000 ppm.

    0 is nobody and 1,000,000 everybody, exactly; raising the share under one salt only ever adds keys.
    """
    return bucket(salt, key) < share_ppm


def is_sampled(request_id: str, sample_ppm: int) -> bool:
    """Return whether a request is sampled. Decided by the request's id, so that a retry decides alike."""
    return in_share("sample", request_id, sample_ppm)
