"""The candidate as a Lambda function, asked once and within a deadline."""

from __future__ import annotations

import json
from urllib.parse import quote

from read_path.aws import AwsError, Service
from read_path.core.answer import Answer, from_payload
from read_path.core.observation import CandidateError


class CandidateFunction:
    """`huntaze-prisma-read` as router and comparator see it."""

    def __init__(self, name: str, lambda_: Service) -> None:
        self._path = f"/2015-03-31/functions/{quote(name, safe='')}/invocations"
        self._lambda = lambda_

    def read(self, user_id: str, deadline_ms: int) -> Answer:
        """Ask the candidate, in one attempt.

        Raises CandidateError for a time-out, a throttle or any other refusal, a FunctionError and a malformed payload.
        """
        payload = self.ask({"userId": user_id}, deadline_ms)
        try:
            return from_payload(payload)
        except ValueError as error:
            raise CandidateError("MalformedPayload") from error

    def ask(self, event: dict[str, object], deadline_ms: int) -> object:
        """Invoke the function with any event and return its payload. Raises CandidateError."""
        body, headers = json.dumps(event).encode(), {"x-amz-invocation-type": "RequestResponse"}
        try:
            reply = self._lambda.call("POST", self._path, seconds=deadline_ms / 1000, body=body, headers=headers)
        except AwsError as error:
            raise CandidateError(error.code, timed_out=error.timed_out) from error
        if "x-amz-function-error" in reply.headers:
            raise CandidateError("FunctionError")
        try:
            return json.loads(reply.body)
        except ValueError as error:
            raise CandidateError("MalformedPayload") from error
