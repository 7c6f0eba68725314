"""Control's own noise is learnt field by field, and real differences beside it are still found."""

from __future__ import annotations

import pytest
from read_path.core.answer import Answer
from read_path.core.comparison import compare
from read_path.core.noise import Noise
from read_path.core.rules import RuleError, Rules, parse

from benchmarks.read import decisions


def test_noise_is_forgiven_and_every_planted_difference_is_found() -> None:
    """The benchmark's control, which shuffles lists and stamps times, for a thousand answers."""
    falsely, missed = decisions.noise(1_000, 50)
    assert (falsely.value, missed.value) == (0, 0)


def test_what_is_learnt_is_not_forgotten_while_it_goes_on() -> None:
    """A field that is forgiven still counts as moving."""
    noise = Noise(Rules())
    for number in range(2_000):
        noise.learn(Answer(200, f'{{"at": {number}}}'), Answer(200, f'{{"at": {number + 1}}}'))
    assert noise.of("body.at").moves


def test_a_user_who_changed_between_two_readings_makes_no_field_noisy() -> None:
    noise = Noise(Rules())
    for number in range(1_000):
        noise.learn(
            Answer(200, '{"email": "a"}'), Answer(200, '{"email": "b"}' if number % 500 == 0 else '{"email": "a"}')
        )
    assert compare(Answer(200, '{"email": "a"}'), Answer(200, '{"email": "b"}'), noise.of)


def test_the_status_is_never_noise() -> None:
    noise = Noise(Rules())
    for _ in range(50):
        noise.learn(Answer(200, "{}"), Answer(404, "{}"))
    assert compare(Answer(200, "{}"), Answer(404, "{}"), noise.of)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("{", "rules: "),
        ("{}", "rules: "),
        ('[{"ignore": true}]', "rules[0].field: "),
        ('[{"field": "a", "ignored": true}]', "rules[0].ignored: "),
        ('[{"field": "a", "ignore": 1}]', "rules[0].ignore: "),
        ('[{"field": "a", "tolerance": -1}]', "rules[0].tolerance: "),
        ('[{"field": "a", "within_ms": true}]', "rules[0].within_ms: "),
    ],
)
def test_rules_that_cannot_be_used_are_refused_with_their_path(text: str, path: str) -> None:
    with pytest.raises(RuleError) as refused:
        parse(text)
    assert str(refused.value).startswith(path)
