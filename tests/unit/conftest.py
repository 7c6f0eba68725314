"""What several files of this folder share."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.x_ray import Daemon


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """X-Ray's daemon, with nothing received yet."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        yield Daemon(sink)
