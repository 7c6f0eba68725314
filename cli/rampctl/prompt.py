"""Asking the person at the terminal, without ever waiting for ever."""

import select
import sys
import time
from collections.abc import Callable
from typing import TextIO

from rich.console import Console

POLL_SECONDS = 1.0
YES, NO = frozenset({"y", "yes", "go"}), frozenset({"n", "no", "no-go"})


def go_or_no(
    console: Console, question: str, still_asked: Callable[[], bool], until: float, stdin: TextIO = sys.stdin
) -> bool | None:
    """True for go, False for no-go; None when the question fell away, input ended, or `until` (monotonic) passed."""
    console.print(question, markup=False, highlight=False)
    console.print("go or no-go? [y/n] ", end="", markup=False, highlight=False)
    while time.monotonic() < until:
        ready, _, _ = select.select([stdin], [], [], POLL_SECONDS)
        if not ready:
            if not still_asked():
                return None
            continue
        line = stdin.readline()
        word = line.strip().lower()
        if word in YES | NO:
            return word in YES
        if not line:
            return None
        console.print("please say y or n: ", end="", markup=False, highlight=False)
    return None
