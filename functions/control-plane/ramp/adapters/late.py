"""Clients that are made when they are first asked for anything.

Loading what one may say takes up to a tenth of a second of a cold start, and most answers need one or two of them.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar, cast

Client = TypeVar("Client")


def late(make: Callable[[], Client]) -> Client:
    """What `make` makes, later."""
    return cast("Client", _Late(make))


class _Late:
    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> Any:
        return self._make()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)
