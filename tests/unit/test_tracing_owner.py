"""One module of each plane knows how traces are made, so that another library is a change of one file."""

import re
from pathlib import Path

FUNCTIONS = Path(__file__).parents[2] / "functions"
OWNERS = {"control-plane/ramp/tracing.py", "data-plane/read_path/tracing.py"}
LIBRARIES = re.compile(r"\bTracer\b|\baws_xray_sdk\b|AWS_XRAY")


def test_nobody_but_the_owners_names_a_tracing_library() -> None:
    """Settings may name the variable that Lambda gives."""
    named = {
        path.relative_to(FUNCTIONS).as_posix() for path in FUNCTIONS.rglob("*.py") if LIBRARIES.search(path.read_text())
    }
    assert named - {"data-plane/read_path/settings.py"} <= OWNERS
    assert "control-plane/ramp/tracing.py" in named
