"""Where a ramp stands, as metrics for the dashboard, on the log line of a look in the embedded metric format.

Source: Amazon CloudWatch user guide, "Specification: Embedded metric format".
"""

from typing import Any

from ramp.core.check import Verdict
from ramp.core.plan import PPM_PER_PERCENT

NAMESPACE = "Huntaze/Ramp"
LEVELS = {Verdict.PASS: 0, Verdict.INCONCLUSIVE: 1, Verdict.FAIL: 2}


def gauges(flag: str, share_ppm: int, step: int, verdict: Verdict, now: float) -> dict[str, Any]:
    """Keys of a JSON log line: the share in percent, the step's index, and the verdict as 0 PASS to 2 FAIL."""
    values = {"share_percent": share_ppm / PPM_PER_PERCENT, "step": step, "verdict": LEVELS[verdict]}
    directive = {"Namespace": NAMESPACE, "Dimensions": [["flag"]], "Metrics": [{"Name": name} for name in values]}
    return {"_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]}, "flag": flag, **values}
