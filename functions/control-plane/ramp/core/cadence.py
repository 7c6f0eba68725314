"""How often a ramp looks: after every tenth of the step so far, from a minute to a quarter of an hour."""

from math import ceil

LOOK_SECONDS_MIN, LOOK_SECONDS_MAX = 60, 900
LOOK_SHARE = 10


def look_seconds(step_seconds: float, shortest: int = LOOK_SECONDS_MIN) -> int:
    """The time to the next look at a step that has lasted `step_seconds`."""
    return int(min(LOOK_SECONDS_MAX, max(shortest, step_seconds / LOOK_SHARE)))


def looks_within(seconds: float, fixed_seconds: int | None) -> int:
    """Looks of a step that lasts `seconds`: `fixed_seconds` apart if the plan says so, else as `look_seconds` does."""
    if fixed_seconds is not None:
        return ceil(seconds / fixed_seconds)
    looks, at = 0, 0.0
    while at < min(seconds, LOOK_SECONDS_MAX * LOOK_SHARE):
        at += max(LOOK_SECONDS_MIN, at / LOOK_SHARE)
        looks += 1
    return looks + ceil(max(0.0, seconds - at) / LOOK_SECONDS_MAX)
