"""Notices into a chat: a function on the notice topic that posts to a webhook, as Slack and its like take it."""

import json
import os
import urllib.request
from collections.abc import Callable, Mapping
from functools import cache
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


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Post every notice of the event; one that fails is delivered again, as Lambda does with what SNS hands over."""
    deliver(event, _address(), _post)


def deliver(event: Mapping[str, Any], address: str, post: Post) -> None:
    """Post the event's notices to `address`.

    Raises:
        ValueError: the address is none of https; it is a secret and not in the message.
    """
    if not address.startswith("https://"):
        raise ValueError("WEBHOOK_SECRET: holds no address, got something else, expected https://…")
    for record in event["Records"]:
        told = record["Sns"]
        post(address, json.dumps(payload(str(told.get("Subject") or "Ramp"), str(told["Message"]))).encode())


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


def _post(address: str, body: bytes) -> None:
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})  # noqa: S310  # https, checked in deliver
    with urllib.request.urlopen(request, timeout=POST_SECONDS):  # noqa: S310  # as above
        return
