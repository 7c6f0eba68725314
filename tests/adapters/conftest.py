"""The two AWSs of this folder: moto in the process, and an emulator for what moto does not run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from local_stack import emulator
from local_stack.clients import client
from moto import mock_aws


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Any]]:
    """Clients by service name of an emulator with nothing in it."""
    folder = tmp_path_factory.mktemp("emulator")
    running = emulator.start(folder, 2000, 1.0, print)
    emulator.wait_until_ready(running, folder / "emulator.log")
    yield lambda service: client(running.endpoint_url, service, attempts=1)
    running.process.stop()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Moto's AWS, empty."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield
