"""The gate under test: the real core, bucket by bucket."""

from collections.abc import Iterable, Sequence

import numpy as np
from ramp.core.bucket import Bucket
from ramp.core.check import Consequence, Verdict
from ramp.core.gate import misrouted_checks
from ramp.core.policy import Policy
from ramp.core.sequential_checks import judgements, share_verdict
from ramp.core.sequential_gate import GateState, fold

from benchmarks.gate.look import Look, Word


class Sequential:
    """`judgements` are the checks without their sentences, which nobody reads here."""

    def __init__(self, history: Sequence[Bucket], rng: np.random.Generator) -> None:  # draws nothing
        self._policy = Policy()
        self._state = GateState.begin(history)

    def look(self, look: Look) -> Word:
        """As `verdict.decide` orders it; tests hold the two to agree."""
        self._state = fold(self._state, [look.bucket], self._policy, until=look.bucket.end)
        position = look.schedule.position(look.step)
        rows = [(row.verdict, row.consequence) for row in judgements(self._state, position, self._policy)]
        requests, misrouted = self._state.step.control + self._state.step.candidate, int(self._state.step.misrouted)
        rows += [(check.verdict, check.consequence) for check in misrouted_checks(misrouted, requests)]
        rows.append((share_verdict(self._state, position, self._policy)[0], Consequence.ASK))
        return choose(rows, look)


def choose(rows: Iterable[tuple[Verdict, Consequence]], look: Look) -> Word:
    """The word of `ramp.core.verdict.decide` when no person speaks."""
    rows = [*rows]
    if (Verdict.FAIL, Consequence.ROLL_BACK) in rows:
        return Word.ROLL_BACK
    verdicts = {verdict for verdict, _ in rows}
    if Verdict.FAIL in verdicts:
        return Word.ASK
    if not look.is_bake_over:
        return Word.EXTEND
    if Verdict.INCONCLUSIVE in verdicts:
        return Word.ASK if look.is_patience_over else Word.EXTEND
    return Word.ADVANCE
