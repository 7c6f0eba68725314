"""What the gate decides at its default settings, ramp by ramp: a change of any of these is a change of its figures."""

import pytest

from benchmarks.gate.contenders import Sequential
from benchmarks.gate.look import Word
from benchmarks.gate.ramp_run import run
from benchmarks.gate.scenario import SCENARIOS
from benchmarks.gate.schedule import planned
from benchmarks.gate.traffic import LOADS

SCENARIO = {scenario.name: scenario for scenario in SCENARIOS}
PINNED = [  # scenario, load, seed; word, seconds, step, failures, requests of the candidate
    ("live errors 5 %", "1k a day", 1, Word.ROLL_BACK, 137400, 1, 9, 188),
    ("live errors 5 %", "1k a day", 2, Word.ROLL_BACK, 101100, 1, 7, 115),
    ("errors 5 % in shadow", "1k a day", 1, Word.ROLL_BACK, 45000, 0, 0, 0),
    ("errors 5 % in shadow", "1k a day", 2, Word.ROLL_BACK, 28800, 0, 0, 0),
    ("three times the share", "1k a day", 1, Word.ASK, 51000, 1, 0, 10),
    ("three times the share", "1k a day", 2, Word.ASK, 55200, 1, 0, 8),
    ("drift to 10 %", "1k a day", 1, Word.ROLL_BACK, 121800, 1, 8, 156),
    ("drift to 10 %", "1k a day", 2, Word.ROLL_BACK, 112800, 1, 8, 137),
    ("healthy 1 %", "1 rps", 1, Word.ADVANCE, 11580, 6, 42, 4482),
    ("healthy 1 %", "1 rps", 2, Word.ADVANCE, 11160, 6, 48, 4453),
    ("clustered errors", "1 rps", 1, Word.ASK, 9120, 0, 0, 0),
    ("clustered errors", "1 rps", 2, Word.ASK, 9120, 0, 0, 0),
    ("live errors 5 %", "1 rps", 1, Word.ROLL_BACK, 4980, 2, 8, 164),
    ("live errors 5 %", "1 rps", 2, Word.ROLL_BACK, 2880, 2, 6, 67),
    ("live errors 2.5 %, control 1 %", "1 rps", 1, Word.ASK, 17100, 5, 122, 5151),
    ("live errors 2.5 %, control 1 %", "1 rps", 2, Word.ASK, 15900, 5, 133, 5550),
    ("errors 5 % in shadow", "1 rps", 1, Word.ROLL_BACK, 360, 0, 0, 0),
    ("errors 5 % in shadow", "1 rps", 2, Word.ROLL_BACK, 900, 0, 0, 0),
    ("mismatches 2 %", "1 rps", 1, Word.ASK, 240, 0, 0, 0),
    ("mismatches 2 %", "1 rps", 2, Word.ASK, 1140, 0, 0, 0),
    ("latency +40 %", "1 rps", 1, Word.ASK, 720, 0, 0, 0),
    ("latency +40 %", "1 rps", 2, Word.ASK, 900, 0, 0, 0),
    ("three times the share", "1 rps", 1, Word.ASK, 1200, 1, 0, 4),
    ("three times the share", "1 rps", 2, Word.ASK, 840, 1, 0, 5),
    ("zero traffic", "1 rps", 1, Word.ASK, 9120, 0, 0, 0),
    ("zero traffic", "1 rps", 2, Word.ASK, 9120, 0, 0, 0),
    ("drift to 10 %", "1 rps", 1, Word.ROLL_BACK, 4980, 2, 8, 164),
    ("drift to 10 %", "1 rps", 2, Word.ROLL_BACK, 2700, 2, 7, 86),
]


@pytest.mark.parametrize(("scenario", "load", "seed", "word", "seconds", "step", "failures", "requests"), PINNED)
def test_decisions_at_default_settings_are_the_ones_that_the_benchmark_measured(
    scenario: str, load: str, seed: int, word: Word, seconds: float, step: int, failures: int, requests: int
) -> None:
    """To the bucket and the request; whoever means to change them measures docs/gate.md anew."""
    outcome = run(SCENARIO[scenario], LOADS[load], planned(LOADS[load]), Sequential, (seed,))
    assert (outcome.word, outcome.seconds, outcome.step) == (word, seconds, step)
    assert (outcome.failures, outcome.candidate_requests) == (failures, requests)
