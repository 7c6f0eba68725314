"""The plug-in point: any `decide(looks, plan) -> verdict` of one's own as one more contender."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
from ramp.core.bucket import Bucket

from benchmarks.gate.look import Contender, Look, Word
from benchmarks.gate.ramp_run import Enter
from benchmarks.gate.schedule import Schedule

Decide = Callable[[Sequence[Look], Schedule], str]


class Guest:
    """Shows the function every look so far, newest last, and takes EXTEND, ADVANCE, ASK or ROLL_BACK."""

    def __init__(self, decide: Decide) -> None:
        self._decide = decide
        self._looks: list[Look] = []

    def look(self, look: Look) -> Word:
        """The function's word."""
        self._looks.append(look)
        return Word(self._decide(self._looks, look.schedule))


def guest(name: str) -> Enter:
    """The contender `module:function`, found from the present folder, too.

    Raises:
        ValueError: when the name has no colon or there is no such function.
    """
    module, _, function = name.partition(":")
    if not function:
        raise ValueError(f"--contender: names no function, got {name!r}, expected module:function")
    sys.path.insert(0, str(Path.cwd()))
    decide = getattr(import_module(module), function, None)
    if not callable(decide):
        raise ValueError(  # noqa: TRY004  # the option's value is wrong, not a type of ours
            f"--contender: is no function, got {name!r}, expected decide(looks, plan) -> verdict"
        )

    def enter(history: Sequence[Bucket], rng: np.random.Generator) -> Contender:  # a guest brings its own
        return Guest(decide)

    return enter
