"""huntaze-shadow-compare: the comparator, with its own concurrency cap, off every user's path."""

from __future__ import annotations

import json
import secrets
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from read_path import services
from read_path.compare import Comparator, compare
from read_path.core import rules
from read_path.core.noise import Noise
from read_path.settings import shadow_settings
from read_path.sources import mock
from read_path.sources.function import CandidateFunction
from read_path.telemetry import telemetry
from read_path.walk import walk

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

_HASH_KEY_BYTES = 16
_MAX_AGE_SECONDS = 60  # as with an invocation (MaximumEventAgeInSeconds): what is older is no evidence of now


class TooLateError(Exception):
    """A comparison that has waited for longer than it is worth anything."""


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Judge one comparison, those of a queue's batch, or a page of users before a ramp (docs/wire.md)."""
    if "Records" in event:
        return batch(event, context)
    if event.get("kind") == "walk":
        return walk(event, _comparator(), mock.ids(), _candidate().ask)
    return compare(event, _comparator())


def batch(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Judge what a queue delivers. A record that breaks us, or comes too late, is given back by itself.

    The queue then hands it on to those that failed, without another try; the log says how many, and why.
    """
    from aws_lambda_powertools.utilities.batch import (  # noqa: PLC0415 - only with a queue, and it is slow to load
        BatchProcessor,
        EventType,
        process_partial_response,
    )

    oldest_ms = (time.time() - _MAX_AGE_SECONDS) * 1000

    def judge(record: SQSRecord) -> None:
        if int(record.attributes.sent_timestamp) < oldest_ms:
            raise TooLateError
        compare(json.loads(record.body), _comparator())

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    response = process_partial_response(event=event, record_handler=judge, processor=processor, context=context)
    if processor.exceptions:
        reasons = sorted({type(error).__name__ for _, error, _ in processor.exceptions})
        telemetry().error("[ERROR] comparisons given up", count=len(processor.exceptions), reasons=reasons)
    return dict(response)


@cache
def _candidate() -> CandidateFunction:
    return CandidateFunction(shadow_settings().candidate_function, services.service("lambda"))


@cache
def _comparator() -> Comparator:
    """Wire the comparator. The hash key lives and dies with the sandbox: hashes compare within it, and leak nowhere."""
    return Comparator(
        control=mock.read,
        candidate=_candidate().read,
        telemetry=telemetry(),
        clock=time.monotonic,
        hash_key=secrets.token_bytes(_HASH_KEY_BYTES),
        noise=Noise(rules.parse(shadow_settings().rules)),
    )
