"""Who pulls the brake or undoes a promotion, why, and through what: an alarm, a person, the deadline."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self


@dataclass(frozen=True)
class Puller:
    """Who pulls the brake, why, `via` what (docs/wire.md), and when the alarm went off, in epoch seconds.

    `rejects` is the question that a person said no to, empty for any other pull.
    """

    by: str
    reason: str
    via: str
    alarmed_at: float | None = None
    rejects: str = ""

    @property
    def said(self) -> str:
        """As the ramp's ending tells it."""
        return f"{self.by} {'said no' if self.rejects else 'aborted the ramp'}: {self.reason}"

    @property
    def word(self) -> dict[str, Any]:
        """As the ramp's story keeps it."""
        about = {"request_id": self.rejects} if self.rejects else {}
        return {"by": self.by, "reason": self.reason, "via": self.via, **about}

    @classmethod
    def parse(cls, event: Mapping[str, Any]) -> Self:
        """From an alarm over SNS, or from `{"by", "reason", "via", "rejects"}`."""
        if "Records" not in event:
            by, reason = event.get("by") or "somebody", event.get("reason") or "no reason given"
            rejects = str(event.get("rejects", ""))
            return cls(str(by), str(reason), str(event.get("via") or "cli"), rejects=rejects)
        alarm = json.loads(event["Records"][0]["Sns"]["Message"])
        changed_at = alarm.get("StateChangeTime")
        return cls(
            f"alarm {alarm['AlarmName']}",
            str(alarm.get("NewStateReason", "no reason given")),
            "alarm",
            _timestamp(changed_at),
        )


def _timestamp(text: object) -> float | None:
    """Epoch seconds of an alarm's time; None for one that does not read, which stops no brake."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except (ValueError, OverflowError):
        return None
