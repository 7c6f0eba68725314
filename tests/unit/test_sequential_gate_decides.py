"""The sequential checks through the same verdict that people, brake and patience go through."""

import pytest
from ramp.core.bucket import Bucket
from ramp.core.check import Check, Consequence, Verdict
from ramp.core.state import RampState
from ramp.core.verdict import Action, decide

from benchmarks.gate.contenders.sequential import choose
from benchmarks.gate.look import Look, Word
from benchmarks.gate.schedule import Schedule, Stage

PLAN = {
    "steps": [
        {"percent": 5, "bake_seconds": 600, "patience_seconds": 600},
        {"percent": 100, "bake_seconds": 600, "patience_seconds": 600},
    ]
}
SCHEDULE = Schedule("two", (Stage(50_000, 600, 600), Stage(1_000_000, 600, 600)))
WORDS = {
    Action.ADVANCE: Word.ADVANCE,
    Action.PROMOTE: Word.ADVANCE,
    Action.EXTEND: Word.EXTEND,
    Action.ASK: Word.ASK,
    Action.ROLL_BACK: Word.ROLL_BACK,
}


@pytest.mark.parametrize("baked_seconds", [0, 599, 600, 1_199, 1_200, 5_000])
@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("harm", [*Verdict])
@pytest.mark.parametrize("doubt", [*Verdict])
def test_the_benchmark_decides_as_the_product_does(
    harm: Verdict, doubt: Verdict, step: int, baked_seconds: int
) -> None:
    """Every pair of verdicts, before, at and after bake and patience."""
    rows = ((harm, Consequence.ROLL_BACK), (doubt, Consequence.ASK))
    checks = [Check(f"row {i}", verdict, consequence, "") for i, (verdict, consequence) in enumerate(rows)]
    state = RampState("r", "arn", PLAN, "", 0.0, step=step, step_started_at=0.0)
    action = decide(state, checks, now=float(baked_seconds)).action
    look = Look(Bucket(0, 60, step), step, baked_seconds, SCHEDULE, 1.0)
    assert choose(rows, look) is WORDS[action]
