"""Words for people, over SNS. A notice that cannot be sent is logged and never stops a ramp."""

from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

SUBJECT_LENGTH = 100  # Source: Amazon SNS API reference, Publish, Subject

logger = Logger(child=True)


class Notices:
    """Publishes to one topic."""

    def __init__(self, sns: "SNSClient", topic_arn: str) -> None:
        self._sns = sns
        self._topic_arn = topic_arn

    def tell(self, subject: str, message: str) -> None:
        """Send `message`; the subject is cut to what SNS takes, and to ASCII on one line."""
        line = " ".join(subject.encode("ascii", "replace").decode().split())[:SUBJECT_LENGTH]
        try:
            self._sns.publish(TopicArn=self._topic_arn, Subject=line, Message=message)
        except (ClientError, BotoCoreError) as error:
            logger.warning("[ERROR] a notice was not sent", extra={"subject": line, "cause": str(error)})
