"""Whatever comes in, each door takes or refuses it: nobody's exception, no traffic raised, the field named.

`make fuzz` pushes 110,000 values and more through the doors, `make test` a few hundred through each.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import fields

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ramp.core import inputs
from ramp.core.state import RampState

from tests.security.conftest import BAD_INPUT
from tests.security.doors import Door, doors
from tests.security.grammar import mutations

CASES = int(os.environ.get("FUZZ_CASES", "150"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
DOORS = {door.name: door for door in doors()}
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=12,
)


def pushed(door: Door, value: object, about: str) -> str:
    """The outcome; any exception but the door's own assertions is one that nobody handled."""
    try:
        return door.push(value)
    except AssertionError as wrong:
        raise AssertionError(f"{door.name}, {about}: {wrong}; pushed {value!r:.600}") from wrong
    except Exception as error:
        raise AssertionError(
            f"{door.name}, {about}: nobody handles {type(error).__name__}: {error!s:.300}; pushed {value!r:.600}"
        ) from error


@pytest.mark.parametrize("name", DOORS)
def test_a_sound_value_is_taken(name: str) -> None:
    """Else the mutations would start from nothing."""
    for seed in DOORS[name].seeds:
        outcome = pushed(DOORS[name], seed, "as it should be")
        assert outcome == "taken" or name == "read event"


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", DOORS)
def test_a_mutated_value_is_taken_or_refused(name: str, record_property: Callable[[str, object], None]) -> None:
    """One to three places wrong, from a seed that says the whole case again."""
    door, outcomes = DOORS[name], {"taken": 0, "refused": 0}
    for case in range(CASES):
        dice = random.Random(f"{SEED}:{name}:{case}")  # noqa: S311 - spreads cases, guards nothing
        outcomes[pushed(door, mutations(dice.choice(door.seeds), dice), f"case {SEED}:{case}")] += 1
    counted = f"{name:26}|{CASES:>8,} | {outcomes['taken']:>7,} taken | {outcomes['refused']:>7,} refused"
    record_property(BAD_INPUT, counted)
    assert outcomes["refused"]


@pytest.mark.parametrize("name", DOORS)
@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(value=ANY_JSON)
def test_any_json_is_taken_or_refused(name: str, value: object) -> None:
    """Nothing of the expected shape at all."""
    pushed(DOORS[name], value, "any JSON")


def test_the_states_schema_has_every_field_of_the_state() -> None:
    """A field that is new in the state would be refused at every door otherwise."""
    assert set(inputs.STATE["properties"]) == {field.name for field in fields(RampState)}


def test_every_function_of_the_machine_and_the_net_has_a_schema() -> None:
    """Else its door stands open."""
    events = {"prepare", "shift", "measure", "ask", "promote", "clean_up", "roll_back", "brake", "cleanup"}
    assert events <= set(inputs.SCHEMAS)
