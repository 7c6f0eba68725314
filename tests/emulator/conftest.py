"""One local stack for all tests of this folder, in a folder of its own: it never meets the one a person has up."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local_stack import emulator, stack
from local_stack.clients import client
from local_stack.stack import Stack

ROOT = Path(__file__).parents[2]
APPLICATION = ("template.yaml", "functions", "statemachine", "database", "events")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs an emulator, so everything here carries its mark."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.emulator)


def application_in(folder: Path) -> Path:
    """A folder the local stack takes for the repository."""
    for name in APPLICATION:
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A repository of a test's own."""
    return application_in(tmp_path)


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository whose stack the tests share."""
    return application_in(tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="session")
def local_stack(repository: Path) -> Iterator[Stack]:
    """The whole local stack, in real time."""
    yield stack.up(repository, print)
    stack.down(repository, print)


@pytest.fixture
def in_the_checkout(local_stack: Stack, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--local` is the stack of the checkout one stands in."""
    assert local_stack.endpoint_url
    monkeypatch.chdir(repository)


@pytest.fixture(scope="session")
def bare_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Clients by service name of an emulator with nothing in it."""
    folder = tmp_path_factory.mktemp("emulator")
    running = emulator.start(folder, 2000, 1.0, print)
    emulator.wait_until_ready(running, folder / "emulator.log")
    yield lambda service: client(running.endpoint_url, service, attempts=1)
    running.process.stop()
