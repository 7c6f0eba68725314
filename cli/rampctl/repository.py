"""The checkout that the local stack is made of."""

from pathlib import Path

from rampctl.exits import USAGE, CommandError

MARK = Path("statemachine") / "ramp.asl.json"


def find(start: Path) -> Path:
    """The first folder from `start` upwards that is a checkout of this project. Raises CommandError."""
    for folder in (start, *start.parents):
        if (folder / MARK).exists():
            return folder
    raise CommandError(f"{start}: is in no checkout of this project, expected {MARK} here or above", USAGE)
