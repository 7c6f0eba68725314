"""Notices into a chat: a function on the notice topic that posts to a webhook, as Slack and its like take it.

Nothing of the ramp waits for it: SNS invokes it by itself. A notice that was not posted is an error of the invocation,
which Lambda tries twice more, after one and after two minutes.
Source: AWS Lambda developer guide, "Understanding retry behavior in Lambda", asynchronous invocation.
"""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from functools import cache
from http.client import HTTPException
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ramp.settings import WebhookSettings

POST_SECONDS = 5
TEXT_LENGTH = 3_000  # Source: Slack API, Block Kit, section: text of at most 3,000 characters
TITLE_LENGTH = 150  # Source: the same, header

logger = Logger()
Post = Callable[[str, bytes], None]


class NotPostedError(Exception):
    """The chat did not take a notice; the message says why, and never where, because the address is a secret."""


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Post every notice of the event.

    Raises:
        NotPostedError: so that Lambda tries again, by an address that is read anew, since it may have been replaced.
    """
    try:
        deliver(event, _address(), _post)
    except NotPostedError as error:
        _address.cache_clear()
        logger.warning("[ERROR] a notice was not posted", extra={"cause": str(error)})
        raise


def deliver(event: Mapping[str, Any], address: str, post: Post) -> None:
    """Post the event's notices to `address`.

    Raises:
        NotPostedError: the address is none of https, or `post` says so.
    """
    if not address.startswith("https://"):
        raise NotPostedError("WEBHOOK_SECRET: holds no address, got something else, expected https://…")
    for record in event["Records"]:
        told = record["Sns"]
        post(address, json.dumps(payload(str(told.get("Subject") or "Ramp"), _words(str(told["Message"])))).encode())


def _words(message: str) -> str:
    """A notice as it is; of an alarm, which is a JSON object, what it watches and why it went off."""
    try:
        alarm = json.loads(message)
        return f"{alarm['AlarmName']}: {alarm['AlarmDescription']}\n{alarm['NewStateReason']}"
    except (ValueError, TypeError, KeyError):
        return message


def payload(subject: str, message: str) -> dict[str, Any]:
    """A message as Slack's incoming webhooks take it; `text` is what others and notifications show."""
    shown = message if len(message) <= TEXT_LENGTH else f"{message[: TEXT_LENGTH - 2]} …"
    return {
        "text": f"{subject}\n{shown}",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": subject[:TITLE_LENGTH]}},
            {"type": "section", "text": {"type": "plain_text", "text": shown}},
        ],
    }


@cache
def _address() -> str:
    secret = WebhookSettings.from_environment(os.environ).secret
    return str(boto3.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]).strip()


class _Unmoved(urllib.request.HTTPRedirectHandler):
    """A redirected POST arrives as a GET without its body: answered with 200, and nobody has heard."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_Unmoved)


def _post(address: str, body: bytes) -> None:
    try:
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})  # noqa: S310  # https, checked in deliver
        with _opener.open(request, timeout=POST_SECONDS):
            return
    except urllib.error.HTTPError as error:
        why = f"HTTP {error.code}"
    except (OSError, HTTPException, ValueError) as error:
        # Its kind alone, because its words may hold the address.
        why = type(getattr(error, "reason", error)).__name__
    raise NotPostedError(f"the webhook did not take it: {why}")
