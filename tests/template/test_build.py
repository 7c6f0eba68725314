"""`sam build` packages both planes, and each handler imports from what was built and nothing else."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.template.document import FUNCTIONS, GLOBALS, ROOT

RUNTIME: str = GLOBALS["Runtime"]
SAM = Path(sys.executable).parent / "sam"
IMPORT = """
import importlib, sys
handler, *sys.path[:0] = sys.argv[1:]
module, _, name = handler.rpartition(".")
assert callable(getattr(importlib.import_module(module), name))
outside = [m.__file__ for m in list(sys.modules.values()) if "site-packages" in (getattr(m, "__file__", None) or "")]
assert not outside, outside
"""


def interpreter() -> Path | None:
    """An interpreter of the functions' runtime that runs, from the path or from pyenv."""
    found = shutil.which(RUNTIME)
    candidates = [Path(found)] if found else []
    candidates += sorted(Path.home().glob(f".pyenv/versions/{RUNTIME.removeprefix('python')}.*/bin/{RUNTIME}"))
    return next((path for path in candidates if _runs(path)), None)


def _runs(path: Path) -> bool:
    return subprocess.run([path, "-c", ""], check=False, capture_output=True).returncode == 0


def environment(python: Path | None = None) -> dict[str, str]:
    """The environment of the SAM CLI: a region, no telemetry, and the runtime's interpreter first on the path."""
    path = os.pathsep.join([*([str(python.parent)] if python else []), str(SAM.parent), os.environ["PATH"]])
    return {**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0", "PATH": path}


@pytest.fixture(scope="session")
def python() -> Path:
    """The runtime's interpreter; only a machine of CI must have it."""
    found = interpreter()
    if found is None:
        reason = f"{RUNTIME} is not installed: sam build packages with the runtime's own interpreter"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def built(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of `sam build`, one folder a function in it."""
    folder = tmp_path_factory.mktemp("sam")
    machine = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
    command: list[str | Path] = [
        SAM,
        "build",
        "--template-file",
        ROOT / "template.yaml",
        "--build-dir",
        folder / "build",
    ]
    command += [
        "--build-dir",
        folder / "build",
        "--cache-dir",
        folder / "cache",
        "--parameter-overrides",
        f"Architecture={machine}",
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment(python), cwd=folder)
    assert done.returncode == 0, done.stderr
    yield folder / "build"
    shutil.rmtree(folder)


def shipped(built: Path, function: str) -> list[Path]:
    """The folders that Lambda puts on the function's path: its artifact, and its layers' that are built here."""
    layers = FUNCTIONS[function].get("Layers", [])
    return [built / function, *(built / layer["Ref"] / "python" for layer in layers if "Ref" in layer)]


def size_mb(folders: list[Path]) -> float:
    """Unzipped, in megabytes."""
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files) / 1e6


def imports(python: Path, folders: list[Path], handler: str) -> subprocess.CompletedProcess[str]:
    """Import `handler` with what is shipped and the standard library, in an environment that only Lambda would give."""
    variables = dict.fromkeys(FUNCTION_VARIABLES, "x") | {"AWS_DEFAULT_REGION": "us-east-1", "PATH": ""}
    command: list[str | Path] = [python, "-I", "-S", "-c", IMPORT, handler, *folders]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=variables)


FUNCTION_VARIABLES = ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE")


def test_the_template_is_valid_without_a_warning() -> None:
    """`sam validate --lint`, the SAM CLI's own cfn-lint included."""
    command: list[str | Path] = [SAM, "validate", "--lint", "--template-file", ROOT / "template.yaml"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is a valid SAM Template" in done.stdout
    assert "W" not in {line[:1] for line in done.stdout.splitlines()}, done.stdout


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_built_function_imports_its_handler_alone(function: str, python: Path, built: Path) -> None:
    """What is missing from a requirements.txt is found here, not in production."""
    done = imports(python, shipped(built, function), FUNCTIONS[function]["Handler"])
    assert done.returncode == 0, done.stderr


def test_a_missing_requirement_is_found(python: Path, built: Path, tmp_path: Path) -> None:
    """The test above fails when a package is left out of the artifact."""
    shutil.copytree(built / "MeasureFunction", tmp_path / "artifact")
    shutil.rmtree(tmp_path / "artifact" / "jsonschema")
    done = imports(python, [tmp_path / "artifact"], "ramp.handlers.measure")
    assert "No module named 'jsonschema'" in done.stderr
    done = imports(python, [built / "PrismaReadFunction"], "read_path.candidate.handler")
    assert "No module named 'psycopg'" in done.stderr


def test_an_artifact_holds_its_own_plane_only(built: Path) -> None:
    """Two CodeUris: a gate is fixed without touching what it measures."""
    for function, properties in FUNCTIONS.items():
        own = properties["Handler"].partition(".")[0]
        assert {name for name in ("ramp", "read_path") if (built / function / name).exists()} == {own}


@pytest.mark.parametrize(
    ("function", "limit_mb"),
    [("MockReadFunction", 10), ("ShadowCompareFunction", 10), ("PrismaReadFunction", 20), ("MeasureFunction", 60)],
)
def test_what_a_function_ships_is_small_enough(
    function: str, limit_mb: int, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The read path is waited for at every cold start; Lambda itself takes 250 MB. Layers count."""
    shipped_mb = size_mb(shipped(built, function))
    with capsys.disabled():
        print(f"\n{function}: {shipped_mb:.1f} MB unzipped, at most {limit_mb} allowed")
    assert shipped_mb < limit_mb
