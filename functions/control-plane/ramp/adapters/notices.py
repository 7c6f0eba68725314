"""Words for people, over SNS. A notice that cannot be sent is logged and never stops a ramp.

Each message carries its kind and the channels that it is for, and each subscription filters by its own channel: what a
plan keeps from the webhook still reaches the mail.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from ramp.core.message import CHANNELS, Kind

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

SUBJECT_LENGTH = 99  # Source: Amazon SNS API reference, Publish, Subject: less than 100 characters

logger = Logger(child=True)


class Notices:
    """Publishes to one topic."""

    def __init__(self, sns: "SNSClient", topic_arn: str) -> None:
        self._sns = sns
        self._topic_arn = topic_arn

    def tell(self, subject: str, message: str, kind: Kind = Kind.SAFETY, channels: Sequence[str] = CHANNELS) -> bool:
        """Send `message`, unless it is for no channel; False when SNS did not take it.

        The subject is cut to what SNS takes, and to ASCII on one line.
        """
        line = " ".join(subject.encode("ascii", "replace").decode().split())[:SUBJECT_LENGTH]
        if not channels:
            return True
        try:
            self._sns.publish(
                TopicArn=self._topic_arn,
                Subject=line,
                Message=message,
                MessageAttributes={
                    "kind": {"DataType": "String", "StringValue": kind},
                    "channels": {"DataType": "String.Array", "StringValue": json.dumps([*channels])},
                },
            )
        except (ClientError, BotoCoreError) as error:
            logger.warning("[ERROR] a notice was not sent", extra={"subject": line, "cause": str(error)})
            return False
        return True
