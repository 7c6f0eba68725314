"""What is shipped, unzipped: the locked libraries of the data plane, and the code."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from benchmarks.read.figure import Figure
from benchmarks.read.sandbox import REPOSITORY

PLANE = REPOSITORY / "functions" / "data-plane"
_MEGABYTE = 1_000_000


def sizes() -> list[Figure]:
    """Both functions ship one CodeUri, so both weigh the same; boto3 is not in it."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["uv", "pip", "install", "--quiet", "--no-deps", "--target", folder, "-r", str(PLANE / "requirements.txt")],
            check=True,
        )
        libraries = {place.name: _bytes(place) for place in Path(folder).iterdir()}
    code = _bytes(PLANE / "read_path")
    driver = sum(size for name, size in libraries.items() if name.startswith("psycopg"))
    shipped = (sum(libraries.values()) + code) / _MEGABYTE
    said = f"{driver / _MEGABYTE:.1f} MB of it psycopg with libpq, code {code / _MEGABYTE:.2f} MB"
    return [
        Figure("unzipped size of the router, MB", shipped, said, at_most=10),
        Figure("unzipped size of the candidate, MB", shipped, said, at_most=20),
    ]


def _bytes(place: Path) -> int:
    files = [place] if place.is_file() else place.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file() and "__pycache__" not in file.parts)
