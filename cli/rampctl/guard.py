"""The door of the command: what a command returns or raises becomes an exit code and a sentence, never a traceback."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from rampctl.exits import CommandError, Exit


class Guarded(TyperGroup):
    """The group of all commands; a command returns its exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        with told():
            code = super().invoke(ctx)
        raise typer.Exit(int(code or 0))


@contextmanager
def told() -> Iterator[None]:
    """Tell what went wrong on standard error, and exit with its code."""
    try:
        yield
    except KeyboardInterrupt:
        _exit("interrupted", Exit.UNKNOWN)
    except CommandError as error:
        _exit(str(error), error.code)
    except BrokenPipeError:  # whoever read the output has gone; nothing is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(Exit.UNKNOWN) from None
    except typer.Exit:
        raise
    except _foreseen() as error:
        from rampctl.troubles import told_as  # noqa: PLC0415  # as below

        _exit(*told_as(error))


def _foreseen() -> tuple[type[Exception], ...]:
    """Called when something was raised, and not before: importing botocore would make --help slow."""
    from rampctl.troubles import FORESEEN  # noqa: PLC0415  # the reason is above

    return FORESEEN


def _exit(message: str, code: Exit) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(int(code)) from None
