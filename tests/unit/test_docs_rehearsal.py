"""docs/rehearsal.md quotes what its commands print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from rampctl.main import app
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
QUOTED = re.compile(r"^```bash\nramp (.*?)\n```\n\n```\n(.*?)^```", re.DOTALL | re.MULTILINE)
QUOTES = QUOTED.findall((ROOT / "docs" / "rehearsal.md").read_text())


def words(text: str) -> str:
    """Without the breaks, which the width of a terminal makes."""
    return " ".join(text.split())


def test_the_page_has_its_three_quotes() -> None:
    """A command without its output would be held to nothing."""
    assert [shlex.split(command)[0] for command, _ in QUOTES] == ["rehearse", "rehearse", "backtest"]


@pytest.mark.parametrize(("command", "quote"), QUOTES, ids=[command for command, _ in QUOTES])
def test_a_quoted_output_is_what_the_command_prints(
    command: str, quote: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last word; an ellipsis stands for what is left out."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(ROOT)
    arguments = [str(tmp_path / "p.svg") if each.endswith(".svg") else each for each in shlex.split(command)]
    printed, at = words(CliRunner().invoke(app, arguments).stdout), 0
    for part in map(words, quote.split("…")):
        found = printed.find(part, at)
        assert found >= 0, part
        at = found + len(part)
    assert at == len(printed)
