"""The application as values: template, code and state machine, ready for a CloudFormation that has no build step.

What the SAM CLI's `sam package` does, without its dependency build: the functions' libraries are those of the
emulator's own interpreter. Zips are deterministic, so an unchanged application has an unchanged digest.
"""

import copy
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]  # the package ships no types

BUCKET = "huntaze-local-code"
NOT_SHIPPED = ("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache")
NOT_SHIPPED_SUFFIXES = (".pyc", ".in", ".txt")  # bytecode and requirement files
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest moment a zip can name

Template = dict[str, Any]


@dataclass(frozen=True)
class Package:
    """`template` refers to `objects` (S3 key to bytes) in BUCKET; `digest` changes with any of them."""

    template: Template
    objects: Mapping[str, bytes]
    digest: str


def read_template(path: Path) -> Template:
    """The template with YAML's short forms (`!Ref`) spelled out."""
    template: Template = yaml_parse(path.read_text())
    return template


def package(template: Template, repository: Path) -> Package:
    """Zip what every CodeUri and ContentUri names, read what every DefinitionUri names, and point all into BUCKET."""
    packaged = copy.deepcopy(template)
    objects: dict[str, bytes] = {}
    for resource in packaged["Resources"].values():
        properties = resource.get("Properties", {})
        for uri in ("CodeUri", "ContentUri", "DefinitionUri"):
            if isinstance(local := properties.get(uri), str):
                key, content = _object(repository / local)
                objects[key] = content
                properties[uri] = {"Bucket": BUCKET, "Key": key}
    digest = hashlib.sha256(json.dumps(packaged, sort_keys=True, default=str).encode()).hexdigest()
    return Package(packaged, objects, digest)


def _object(source: Path) -> tuple[str, bytes]:
    content = _zip(source) if source.is_dir() else source.read_bytes()
    suffix = ".zip" if source.is_dir() else source.suffix
    return f"{source.name.split('.')[0]}-{hashlib.sha256(content).hexdigest()[:16]}{suffix}", content


def _zip(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            if path.is_dir() or path.suffix in NOT_SHIPPED_SUFFIXES or set(relative.parts) & set(NOT_SHIPPED):
                continue
            archive.writestr(zipfile.ZipInfo(relative.as_posix(), ZIP_EPOCH), path.read_bytes())
    return buffer.getvalue()
