"""One-minute datapoints of a bucket that is longer than a minute."""

import numpy as np
from ramp.core.bucket import Bucket

MINUTE = 60


def minutes(bucket: Bucket, requests: int, errors: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """(requests, errors) of each minute, dealt evenly."""
    size = round(bucket.seconds / MINUTE)
    if size == 1:
        return [(requests, errors)]
    even = [1 / size] * size
    failed, clean = rng.multinomial(errors, even), rng.multinomial(requests - errors, even)
    return [(int(f + c), int(f)) for f, c in zip(failed, clean, strict=True)]
