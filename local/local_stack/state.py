"""What a running stack is made of, kept in one file so that any later command can find it, use it, and end it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local_stack.postgres import Server
from local_stack.process import Process

FOLDER = ".local"
FILE_NAME = "stack.json"
OWNER_ONLY = 0o600  # the database's password is in it


@dataclass(frozen=True)
class State:
    """Parts that are not there yet are None: the file is written after each one, so that a crash leaves a trail."""

    endpoint_url: str
    emulator: Process
    database: Server | None = None
    sidecar: Process | None = None
    digest: str | None = None
    page_url: str = ""

    @property
    def complete(self) -> bool:
        """Whether `up` came to its end."""
        return self.database is not None and self.sidecar is not None and self.digest is not None


def save(folder: Path, state: State) -> None:
    """Replace the file in one step."""
    draft = folder / f"{FILE_NAME}.new"
    draft.touch(mode=OWNER_ONLY)
    draft.write_text(json.dumps(asdict(state), indent=2, default=str))
    draft.replace(folder / FILE_NAME)


def load(folder: Path) -> State | None:
    """The state of the stack in this folder, None when there is none."""
    path = folder / FILE_NAME
    if not path.exists():
        return None
    fields = json.loads(path.read_text())
    return State(
        endpoint_url=fields["endpoint_url"],
        emulator=Process(**fields["emulator"]),
        database=_server(fields["database"]),
        sidecar=_process(fields["sidecar"]),
        digest=fields["digest"],
        page_url=fields.get("page_url", ""),
    )


def _process(fields: Mapping[str, Any] | None) -> Process | None:
    return None if fields is None else Process(**fields)


def _server(fields: Mapping[str, Any] | None) -> Server | None:
    if fields is None:
        return None
    folder = fields["folder"]
    return Server(fields["url"], _process(fields["process"]), None if folder is None else Path(folder))
