"""What is shipped, unzipped: the locked libraries of the data plane, and the code."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from benchmarks.read.figure import Figure
from benchmarks.read.sandbox import REPOSITORY

FUNCTIONS = REPOSITORY / "functions"
_MEGABYTE = 1_000_000


def sizes() -> list[Figure]:
    """Both functions ship one CodeUri, the candidate a layer with its driver besides; boto3 is in neither."""
    code = _bytes(FUNCTIONS / "data-plane" / "read_path") / _MEGABYTE
    libraries = _libraries("data-plane")
    driver = _libraries("database-driver")
    router = code + libraries
    said = f"code {code:.2f} MB, the rest Powertools for a queue's batches"
    return [
        Figure("unzipped size of the router, MB", router, said, at_most=10),
        Figure(
            "unzipped size of the candidate, MB", router + driver, f"{driver:.1f} MB of it psycopg's layer", at_most=20
        ),
    ]


def _libraries(unit: str) -> float:
    """The locked libraries of a deploy unit, in megabytes."""
    with tempfile.TemporaryDirectory() as folder:
        lock = str(FUNCTIONS / unit / "requirements.txt")
        subprocess.run(["uv", "pip", "install", "--quiet", "--no-deps", "--target", folder, "-r", lock], check=True)
        return _bytes(Path(folder)) / _MEGABYTE


def _bytes(place: Path) -> int:
    files = (file for file in place.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return sum(file.stat().st_size for file in files)
