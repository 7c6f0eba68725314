"""The benchmark itself: the same seed gives the same ramps, guests may enter, and its bounds are the textbook's."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gate.cell import Cell, measure
from benchmarks.gate.contenders import PEERS, Sequential
from benchmarks.gate.entry import guest
from benchmarks.gate.goals import Goal, floor_failures, of_primitives
from benchmarks.gate.kept import kept
from benchmarks.gate.look import Word
from benchmarks.gate.ramp_run import run
from benchmarks.gate.report import _goal_table
from benchmarks.gate.scenario import SCENARIOS, Scenario
from benchmarks.gate.schedule import fixed, planned
from benchmarks.gate.sharpness import Sharpness
from benchmarks.gate.traffic import LOADS

SCENARIO = {scenario.name: scenario for scenario in SCENARIOS}
LOAD = LOADS["1 rps"]


NEVER_STOP = """
def never_stop(looks, plan):
    return "ADVANCE" if looks[-1].is_bake_over else "EXTEND"
"""


def test_the_same_seed_gives_the_same_ramp() -> None:
    """And another seed another."""
    ramps = [run(SCENARIO["healthy 1 %"], LOAD, planned(LOAD), Sequential, seed) for seed in ((1,), (1,), (2,))]
    assert ramps[0] == ramps[1] != ramps[2]


def test_a_candidate_that_always_fails_is_rolled_back_after_a_handful_of_requests() -> None:
    """By the real core, on the planned steps."""
    outcome = run(SCENARIO["live errors 100 %"], LOAD, planned(LOAD), Sequential, (1,))
    assert outcome.word is Word.ROLL_BACK
    assert 2 <= outcome.failures <= 15


@pytest.mark.parametrize(
    ("name", "word"), [("alarm", Word.ADVANCE), ("Flagger", Word.ROLL_BACK), ("GrowthBook", Word.ADVANCE)]
)
def test_peers_meet_silence_as_their_sources_say(name: str, word: Word) -> None:
    """An alarm and a test pass on no data, Flagger halts."""
    assert run(SCENARIO["zero traffic"], LOAD, fixed(LOAD), PEERS[name], (1,)).word is word


def test_a_guest_function_enters_as_one_more_contender(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found by name, and shown every look so far."""
    (tmp_path / "my_gate.py").write_text(NEVER_STOP)
    monkeypatch.syspath_prepend(tmp_path)
    enter = guest("my_gate:never_stop")
    assert run(SCENARIO["live errors 100 %"], LOAD, fixed(LOAD), enter, (1,)).word is Word.ADVANCE


@pytest.mark.parametrize("name", ["nothing", "json:nothing"])
def test_a_guest_that_is_no_function_is_refused(name: str) -> None:
    """With the form that is expected."""
    with pytest.raises(ValueError, match=re.escape("expected")):
        guest(name)


def test_a_scenario_file_is_one_more_scenario(tmp_path: Path) -> None:
    """And a field that does not exist is refused."""
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"name": "mine", "kind": "bad", "live_errors": 0.3}))
    assert Scenario.from_file(path).live_errors == 0.3
    path.write_text(json.dumps({"name": "mine", "kind": "bad", "errors": 0.3}))
    with pytest.raises(ValueError, match="is no scenario"):
        Scenario.from_file(path)


def test_the_floor_is_walds() -> None:
    """2.5 % against 2 % takes 195 failures at an error probability of 1 %."""
    assert floor_failures(0.025, 0.02) == pytest.approx(194.7, abs=0.1)


def test_the_gate_loads_nothing_but_the_standard_library() -> None:
    """It is imported in a Lambda: no numpy, no schema validator, not even `statistics`."""
    code = "import sys; import ramp.core.sequential_checks, ramp.core.planner; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "scipy", "jsonschema", "boto3", "statistics", "random"} & set(loaded)


def test_a_kept_cell_is_the_cell_and_is_taken_up_again(tmp_path: Path) -> None:
    """However many ramps were asked for first: the fewer are the first of the more."""
    load, scenario = LOADS["1 rps"], SCENARIOS[16]
    three, two = (measure(scenario, load, "gate", Sequential, planned(load), runs, 7) for runs in (3, 2))
    assert kept(tmp_path, scenario, load, "gate", 3, 7, lambda: three) == three
    assert kept(tmp_path, scenario, load, "gate", 2, 7, _never) == two
    assert kept(tmp_path, scenario, load, "gate", 3, 8, lambda: two) == two, "another seed is another cell"


def _never() -> Cell:
    raise AssertionError("made anew")


def test_a_primitive_that_takes_twice_what_any_test_needs_misses_its_goal() -> None:
    """Detections may take twice the bound, certificates 1.3 times, beyond the noise of the sample."""
    sharp = [
        Sharpness("detect", 2_100, 1_000, 20, detects=True),
        Sharpness("certify", 1_400, 1_000, 20),
        Sharpness("detect, noisy", 2_100, 1_000, 40, detects=True),
        Sharpness("certify well", 1_250, 1_000),
    ]
    assert [goal.is_reached for goal in of_primitives(sharp)] == [False, False, True, True]


def test_a_goal_that_holds_only_within_the_noise_says_so() -> None:
    """0.2 % is not 0.1 %, however few ramps there were; and what a goal leaves out stands in its row."""
    rows = [*_goal_table([Goal("a", 0.2, 0.1, 0.6, "%"), Goal("b", 0.1, 0.1, 0.6, "%", "without late ones")])]
    assert rows[2:] == [
        "| a | 0.2 % | ≤ 0.1 % | held in 1 of 1 cells, here with the sample's noise of 0.6 % |",
        "| b | 0.1 % | ≤ 0.1 % | held in 1 of 1 cells; without late ones |",
    ]
