"""`ramp backtest`: recorded minutes through a plan, and what the gate would have done."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from math import ceil
from typing import Any, NamedTuple

from ramp.core.bucket import Bucket
from ramp.core.feasibility import resolve
from ramp.core.judgement import duration
from ramp.core.plan import Plan
from ramp.core.planner import Traffic
from ramp.core.units import DAY_SECONDS
from ramp.core.wilson import Z_ONE_SIDED_95, wilson
from rich.console import Console
from rich.progress import track

from rampctl import plans, view
from rampctl.exits import DONE, Exit
from rampctl.rehearsal import distribution, many, recording
from rampctl.rehearsal.arm import Arm
from rampctl.rehearsal.judging import Judged, judged
from rampctl.rehearsal.replay import RecordedScene
from rampctl.rehearsing import definition
from rampctl.session import Session

CLOUDWATCH = "cloudwatch"
ROLLED_BACK = "rolled back"
CONTROL_ONLY = (
    "only control is in the recording: so this says how often a candidate as good as control would be rolled back, "
    "and nothing about any other candidate"
)
P95_MS = 200.0  # recordings hold counts of slow reads and no times


def read(source: str, days: int, *, local: bool) -> tuple[Bucket, ...]:
    """The recording that `source` names: a file, or cloudwatch for the last `days`."""
    if source != CLOUDWATCH:
        return recording.from_file(source)
    return recording.from_cloudwatch(Session.open(local=local).metrics, time.time(), days)


def backtest(
    path: str, recorded: Sequence[Bucket], console: Console, *, alarms: bool, runs: int, jobs: int | None, as_json: bool
) -> Exit:
    """Replay each recorded day, in turn, as a healthy candidate; and judge the recorded candidate, if there is one."""
    raw, _ = plans.read(path)
    days = recording.days(recorded)
    rate = sum(bucket.control_requests + bucket.candidate_requests for bucket in recorded) / (days * DAY_SECONDS)
    traffic = Traffic.at(rate)
    raw = resolve(raw, traffic)
    plan = Plan.parse(raw)
    arm = Arm(P95_MS)
    scene = RecordedScene(raw, traffic, arm, arm, "approve", 0.0, alarms, recording=tuple(recorded))
    progress = Console(stderr=True)
    running = many.run(scene, range(runs), definition(), jobs)
    endings = [*track(running, "replaying", total=runs, console=progress, disable=not progress.is_terminal)]
    found = judged(plan, recorded)
    quiet = _quiet(endings, days, recording.quiet_days(recorded, plan.gates.error_percent_max / 100))
    by_day = Counter(seed % days for seed, ending in enumerate(endings) if ending.outcome == ROLLED_BACK)
    if as_json:
        print(json.dumps(_facts(days, endings, quiet, by_day, found), ensure_ascii=False))
        return DONE
    console.print(f"{days} recorded days, {rate * DAY_SECONDS:,.0f} requests a day", highlight=False)
    console.print(f"{runs} ramps of a candidate that is control itself:\n", highlight=False)
    console.print(distribution.told(endings), highlight=False)
    console.print(f"\n{quiet}", highlight=False)
    for day, number in sorted(by_day.items()):
        console.print(f"day {day + 1}: {number} of them rolled back", highlight=False)
    if found:
        when = "nothing is proven" if found.at is None else f"a check fails after {duration(found.at)}"
        console.print(f"\nthe recorded candidate, judged at {plan.steps[found.step].title}: {when}", highlight=False)
        console.print(view.checks([check.to_wire() for check in found.checks]))
    else:
        console.print(f"\n{CONTROL_ONLY}", highlight=False)
    return DONE


class Quiet(NamedTuple):
    """Of `runs` ramps that met quiet days only, so many were rolled back."""

    runs: int
    rolled_back: int

    @property
    def rate_high(self) -> float:
        """The highest rate (0–1) of false rollbacks that this leaves possible, at 95 %.

        Source: Wilson 1927, the score interval, one-sided.
        """
        return wilson(self.rolled_back, max(1, self.runs), Z_ONE_SIDED_95)[1]

    def __str__(self) -> str:
        """For people."""
        if not self.runs:
            return "no ramp met quiet days only: control failed more than the plan's limit in some hour of every one"
        share = f"{100 * self.rolled_back / self.runs:.1f} %, at most {100 * self.rate_high:.1f} % at 95 % confidence"
        return f"false rollbacks on quiet days: {self.rolled_back} of {self.runs} ramps ({share})"


def _quiet(endings: Sequence[many.Ending], days: int, quiet: set[int]) -> Quiet:
    """The ramps that met quiet days only; ramp i begins on day i, and after the last day comes the first again."""
    met = [
        {(seed + day) % days for day in range(ceil(ending.seconds / DAY_SECONDS))}
        for seed, ending in enumerate(endings)
    ]
    counted = [ending for ending, met_days in zip(endings, met, strict=True) if met_days and met_days <= quiet]
    return Quiet(len(counted), sum(ending.outcome == ROLLED_BACK for ending in counted))


def _facts(
    days: int, endings: Sequence[many.Ending], quiet: Quiet, by_day: Counter[int], found: Judged | None
) -> dict[str, Any]:
    candidate = None
    if found:
        rows = [{"name": row.name, "verdict": row.verdict, "reason": row.reason} for row in found.checks]
        candidate = {"seconds": found.at, "step": found.step, "checks": rows}
    rolled_back = {str(day + 1): number for day, number in sorted(by_day.items())}
    return {
        "days": days,
        "healthy": distribution.facts(endings),
        "quiet": {**quiet._asdict(), "rate_high": quiet.rate_high},
        "rolled_back_by_day": rolled_back,
        "candidate": candidate,
    }
