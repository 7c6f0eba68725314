"""What control does to its own answers, learnt field by field from reading it twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from read_path.core.answer import Answer
from read_path.core.comparison import Difference, Path, compare
from read_path.core.rules import EXACTLY, Rule, Rules

BASELINE_PPM = 100_000  # every tenth comparison reads control once more, whether or not something differs
_LEAST_SEEN = 3  # a user who changed an address between two reads makes no field noisy
_LEAST_SHARE = 0.01
_MOST_FIELDS = 1_000


class Noise:
    """One for each sandbox: it forgets with the sandbox, and learns anew in some tens of comparisons.

    A list whose order moves is from then on compared as a bag; a value that moves, by its kind only; a field that comes
    and goes, not at all. So real differences in noisy fields are still found where they can be told from the noise.
    The status is never noise.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._readings = 0
        self._moved: Counter[tuple[str, Rule]] = Counter()
        self._learnt: dict[str, Rule] = {}

    def of(self, shape: str) -> Rule:
        """Return the rule for a field: people's, and what was learnt."""
        return self._rules.of(shape) | self._learnt.get(shape, EXACTLY)

    def learn(self, control: Answer, again: Answer) -> set[Path]:
        """Take in control's two answers to one question; return the paths that moved for all that is forgiven already.

        What counts is how often a field moves under people's rules alone: forgiven noise must not look like none.
        """
        self._count(compare(control, again, self._rules.of))
        return {each.path for each in compare(control, again, self.of)}

    def _count(self, differences: Iterable[Difference]) -> None:
        self._readings += 1
        for shape, rule in {(each.shape, each.forgiven_by) for each in differences if each.shape != "status"}:
            if (shape, rule) in self._moved or len(self._moved) < _MOST_FIELDS:
                self._moved[shape, rule] += 1
        self._learnt = {}
        for (shape, rule), times in self._moved.items():
            if times >= _LEAST_SEEN and times >= _LEAST_SHARE * self._readings:
                self._learnt[shape] = self._learnt.get(shape, EXACTLY) | rule
