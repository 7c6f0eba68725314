"""The errors that leave a task. The class names are error names in `statemachine/ramp.asl.json`: public API.

RampError
├── AwsUnavailable      AWS throttled or did not answer, after boto3's own retries     Retry
├── TrafficNotShifted   the lever does not yet read back what was set                  Retry
├── LeverBusy           somebody else's deployment is in flight on the lever           Retry for longer
├── LeftBehind          traffic is settled, and something else could not be done       Retry, Rolled Back
├── TrafficMoved        somebody else moved traffic or holds the lever                 Roll Back
└── InputRefused        what the function was handed does not read                     Roll Back
"""


class RampError(Exception):
    """Everything a task raises on purpose."""


class AwsUnavailable(RampError):  # noqa: N818  # an error name of the state machine, which read as conditions
    """AWS throttled or did not answer, after boto3's own retries; trying again is right."""


class TrafficNotShifted(RampError):  # noqa: N818  # as above
    """What was set does not read back yet; trying again is right."""


class LeverBusy(TrafficNotShifted):
    """Somebody else's deployment is in flight, which may take minutes; a ramp that goes up waits it out."""


class LeftBehind(RampError):  # noqa: N818  # as above
    """Traffic is settled and reads back, and record, schedule, flag versions or lock are left to huntaze-cleanup."""


class TrafficMoved(RampError):  # noqa: N818  # as above
    """Somebody else moved traffic or deploys on the same lever; trying again would fight them."""


class InputRefused(RampError):  # noqa: N818  # as above
    """What a function was handed, or read, does not make sense; the message names every field. Nothing was touched."""
