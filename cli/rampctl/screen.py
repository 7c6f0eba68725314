"""Where progress goes: redrawn in place at a terminal, one line for each piece of news everywhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live

from rampctl.news import news
from rampctl.ramps import Ramp
from rampctl.view import view


class Screen:
    """Shows readings of one ramp; a context manager, since a terminal must be given back."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = _live(console)
        self._before: Ramp | None = None

    def show(self, ramp: Ramp, *below: RenderableType) -> None:
        """Show the ramp as it is now."""
        if self._console.is_terminal:
            self._live.update(view(ramp, *below), refresh=True)
        else:
            for line in news(self._before, ramp):
                self.say(line)
        self._before = ramp

    def say(self, line: str) -> None:
        """A line that stays, above what is redrawn."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The terminal, free for a prompt."""
        self.__exit__(None, None, None)
        try:
            yield
        finally:
            self._live = _live(self._console)  # the old one would draw over what was typed
            self.__enter__()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._console.is_terminal:
            self._live.stop()


def _live(console: Console) -> Live:
    return Live(console=console, auto_refresh=False)
