"""huntaze-shadow-compare: the comparator, with its own concurrency cap, off every user's path."""

from __future__ import annotations

import secrets
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from read_path import clients
from read_path.compare import Comparator, compare
from read_path.settings import shadow_settings
from read_path.sources import mock
from read_path.sources.function import CandidateFunction
from read_path.telemetry import telemetry

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_HASH_KEY_BYTES = 16


def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, str]:
    """Judge one comparison event; the outcome is returned for people who invoke it by hand."""
    return compare(event, _comparator())


@cache
def _comparator() -> Comparator:
    """Wire the comparator. The hash key lives and dies with the sandbox: hashes compare within it, and leak nowhere."""
    settings = shadow_settings()
    return Comparator(
        control=mock.read,
        candidate=CandidateFunction(settings.candidate_function, clients.lambda_client).read,
        telemetry=telemetry(),
        clock=time.monotonic,
        hash_key=secrets.token_bytes(_HASH_KEY_BYTES),
        ignore=settings.ignore,
    )
