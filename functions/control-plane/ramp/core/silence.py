"""Silence: no count of any arm for so long that what was counted before says nothing of now."""

from ramp.core.cadence import LOOK_SECONDS_MAX
from ramp.core.judgement import duration

SILENT_SECONDS = LOOK_SECONDS_MAX  # whoever goes on has seen traffic since the look before
WHERE = "look whether anybody asks, whether the router has read the flag, and whether it emits metrics"


def silent(seconds: float) -> str:
    """Why nothing passes after so many seconds without a count; empty while there is no need to wait."""
    if seconds <= SILENT_SECONDS:
        return ""
    return f"nothing has been measured for {duration(seconds)}, so nothing is known of now; {WHERE}"
