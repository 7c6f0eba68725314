"""Hand a comparison to the comparator, off the user's response path.

Work started after a handler returns is frozen with its sandbox, so the comparator is a function of its own, invoked
asynchronously. Lambda delivers at least once: a second delivery counts a comparison twice, and harms nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from read_path.core.event import ComparisonEvent

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class DispatchError(Exception):
    """The comparator could not be invoked: evidence is lost, an answer never is."""


class ComparatorFunction:
    """`huntaze-shadow-compare` as the router sees it."""

    def __init__(self, name: str, client: Callable[[], LambdaClient]) -> None:
        self._name = name
        self._client = client

    def send(self, event: ComparisonEvent) -> None:
        """Queue the event, in one attempt. Raises DispatchError, also when the event is larger than Lambda takes."""
        payload = json.dumps(event.to_wire()).encode()
        try:
            self._client().invoke(FunctionName=self._name, InvocationType="Event", Payload=payload)
        except ClientError as error:
            raise DispatchError(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise DispatchError(type(error).__name__) from error
