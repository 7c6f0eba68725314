"""SNS: what people were told."""

# ruff: noqa: N803 - arguments are named as AWS names them

from __future__ import annotations

from typing import Any


class Sns:
    """One topic; subject and message of each notice."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def publish(self, TopicArn: str, Subject: str, Message: str, **_: Any) -> Any:
        self.told.append((Subject, Message))
        return {"MessageId": f"message-{len(self.told)}"}
