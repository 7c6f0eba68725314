"""A ramp as a picture: the terminal's own view, saved as SVG."""

import re
from io import StringIO
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console, RenderableType
from rich.terminal_theme import MONOKAI

from rampctl.ramps import Ramp
from rampctl.view import view

WIDTH = 132  # columns
# Without the web fonts that rich would fetch: a picture asks no other host for anything.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def save(ramp: Ramp, file: Path, *notes: RenderableType) -> None:
    """Draw the ramp as it is now, with `notes` under its story, into `file`."""
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    console.print(view(ramp, *notes))
    file.parent.mkdir(parents=True, exist_ok=True)
    console.save_svg(str(file), title=f"ramp {ramp.name}", theme=MONOKAI, code_format=FORMAT)
