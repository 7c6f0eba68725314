"""An answer at any call of a ramp that asks: what was taken is acted on, whatever the look made of it meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sweep.faults import answered
from tests.sweep.scripts import questions
from tests.sweep.sweeping import Count, played, sweep

CASES = [
    (lever, script, word)
    for lever in ("flag", "alias")
    for script in questions(lever)
    for word in ("approve", "reject")
]
ENDINGS = {"its question settles": "promoted", "its question grows": "RolledBack", "nobody answers": "RolledBack"}


@pytest.mark.parametrize("lever", ["flag", "alias"])
def test_without_an_answer_each_ends_as_its_name_says(lever: str) -> None:
    """And each asks, so that there is something to answer."""
    for name, script in questions(lever).items():
        stage, found = played(script)
        assert found == []
        execution = stage.executions[stage.ramp]
        assert (execution.error or "promoted") == ENDINGS[name], execution
        asked = {moment.about for moment in stage.history if moment.what == "asked"}
        assert len(asked) == (2 if name == "its question grows" else 1)


@pytest.mark.parametrize(("lever", "script", "word"), CASES)
def test_an_answer_at_any_call_is_acted_on_or_refused(
    lever: str, script: str, word: str, record_property: Callable[[str, object], None]
) -> None:
    """Between what a look reads and what it writes, too."""
    count = Count()
    sweep(questions(lever)[script], answered(word), count)
    record_property("sweep", [count.faults, dict(count.endings), len(count.violations)])
    assert not count.violations, "\n".join(count.violations)
