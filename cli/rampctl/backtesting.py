"""`ramp backtest`: recorded minutes through a plan, and what the gate would have done."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ramp.adapters.metrics import DAY_SECONDS
from ramp.core.bucket import Bucket
from ramp.core.feasibility import resolve
from ramp.core.plan import Plan
from ramp.core.planner import Traffic
from rich.console import Console
from rich.progress import track

from rampctl import plans, view
from rampctl.exits import DONE, USAGE, CommandError, Exit
from rampctl.rehearsal import distribution, many, recording
from rampctl.rehearsal.arm import Arm
from rampctl.rehearsal.judging import Judged, judged
from rampctl.rehearsal.replay import RecordedScene
from rampctl.rehearsing import definition, token_seconds
from rampctl.session import Session
from rampctl.words import duration

CLOUDWATCH = "cloudwatch"
P95_MS = 200.0  # recordings hold counts of slow reads and no times


def read(source: str, days: int, *, local: bool) -> tuple[Bucket, ...]:
    """The recording that `source` names: a file, or cloudwatch for the last `days`."""
    if source != CLOUDWATCH:
        return recording.from_file(source)
    found = recording.from_cloudwatch(Session.open(local=local).metrics, time.time(), days)
    # Of the candidate CloudWatch is asked for requests alone, which would pass for a candidate without failures.
    return tuple(bucket._replace(candidate_requests=0) for bucket in found if bucket.control_requests)


def backtest(
    path: str, recorded: Sequence[Bucket], console: Console, *, alarms: bool, runs: int, as_json: bool
) -> Exit:
    """Replay each recorded day, in turn, as a healthy candidate; and judge the recorded candidate, if there is one."""
    raw, plan = plans.read(path)
    if plan.gate != "sequential":
        raise CommandError(f"gate: backtests know the sequential gate only, got {plan.gate!r}", USAGE)
    days = recording.days(recorded)
    rate = sum(bucket.control_requests for bucket in recorded) / (days * DAY_SECONDS)
    traffic = Traffic.at(rate)
    raw = resolve(raw, traffic)
    plan = Plan.parse(raw)
    arm = Arm(P95_MS)
    scene = RecordedScene(raw, traffic, arm, arm, "approve", 0.0, alarms, tuple(recorded))
    progress = Console(stderr=True)
    running = many.run(scene, range(runs), token_seconds(definition()))
    endings = [*track(running, "replaying", total=runs, console=progress, disable=not progress.is_terminal)]
    found = judged(plan, recorded)
    by_day = Counter(seed % days for seed, ending in enumerate(endings) if ending.outcome != "promoted")
    if as_json:
        print(json.dumps(_facts(days, endings, by_day, found), ensure_ascii=False))
        return DONE
    console.print(f"{days} recorded days, {rate * DAY_SECONDS:,.0f} requests a day", highlight=False)
    console.print(f"{runs} ramps of a candidate that is control itself:\n", highlight=False)
    console.print(distribution.told(endings), highlight=False)
    for day, number in sorted(by_day.items()):
        console.print(f"day {day + 1}: {number} of them rolled back", highlight=False)
    if found:
        when = "nothing is proven" if found.at is None else f"a check fails after {duration(found.at)}"
        console.print(f"\nthe recorded candidate, judged at {plan.steps[found.step].title}: {when}", highlight=False)
        console.print(view.checks([check.__dict__ for check in found.checks]))
    return DONE


def _facts(days: int, endings: Sequence[many.Ending], by_day: Counter[int], found: Judged | None) -> dict[str, Any]:
    candidate = None
    if found:
        rows = [{"name": row.name, "verdict": row.verdict, "reason": row.reason} for row in found.checks]
        candidate = {"seconds": found.at, "step": found.step, "checks": rows}
    rolled_back = {str(day + 1): number for day, number in sorted(by_day.items())}
    return {
        "days": days,
        "healthy": distribution.facts(endings),
        "rolled_back_by_day": rolled_back,
        "candidate": candidate,
    }
