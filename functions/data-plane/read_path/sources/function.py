"""The candidate as a Lambda function, asked once and within a deadline."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError

from read_path.core.answer import Answer, from_payload
from read_path.core.observation import CandidateError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class CandidateFunction:
    """`huntaze-prisma-read` as router and comparator see it. `client` returns a client that waits so many seconds."""

    def __init__(self, name: str, client: Callable[[float], LambdaClient]) -> None:
        self._name = name
        self._client = client

    def read(self, user_id: str, deadline_ms: int) -> Answer:
        """Ask the candidate, in one attempt.

        Raises CandidateError for a time-out, a throttle or any other refusal, a FunctionError and a malformed payload.
        """
        try:
            response = self._client(deadline_ms / 1000).invoke(
                FunctionName=self._name,
                InvocationType="RequestResponse",
                Payload=json.dumps({"userId": user_id}).encode(),
            )
            payload = response["Payload"].read()
        except (ReadTimeoutError, ConnectTimeoutError) as error:
            raise CandidateError("Timeout", timed_out=True) from error
        except ClientError as error:
            raise CandidateError(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise CandidateError(type(error).__name__) from error
        if "FunctionError" in response:
            raise CandidateError("FunctionError")
        try:
            return from_payload(json.loads(payload))
        except ValueError as error:
            raise CandidateError("MalformedPayload") from error
