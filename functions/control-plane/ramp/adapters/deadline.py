"""The deadline: a one-time schedule that hands a ramp to huntaze-cleanup, whatever became of it."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

NAME_LENGTH = 64  # Source: EventBridge Scheduler API reference, CreateSchedule, Name
DIGEST_LENGTH = 12


class Deadline:
    """Creates and removes one schedule a ramp, in one group."""

    def __init__(self, scheduler: "EventBridgeSchedulerClient", group: str, role_arn: str, target_arn: str) -> None:
        self._scheduler = scheduler
        self._group = group
        self._role_arn = role_arn
        self._target_arn = target_arn

    def set(self, ramp: str, at: float) -> None:
        """Schedule the clean-up of `ramp` at epoch second `at`; a schedule that is there already is left."""
        try:
            self._scheduler.create_schedule(
                Name=self.name(ramp),
                GroupName=self._group,
                ScheduleExpression=f"at({datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S})",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target={
                    "Arn": self._target_arn,
                    "RoleArn": self._role_arn,
                    "Input": json.dumps({"deadline_of": ramp}),
                },
            )
        except self._scheduler.exceptions.ConflictException:
            return

    def remove(self, ramp: str) -> None:
        """Remove the schedule of a ramp, or by its name; one that is gone already is fine."""
        try:
            self._scheduler.delete_schedule(Name=self.name(ramp), GroupName=self._group)
        except self._scheduler.exceptions.ResourceNotFoundException:
            return

    def names(self) -> list[str]:
        """The names of all schedules that wait."""
        pages = self._scheduler.get_paginator("list_schedules").paginate(GroupName=self._group)
        return [item["Name"] for page in pages for item in page["Schedules"]]

    @staticmethod
    def name(ramp: str) -> str:
        """What the schedule of `ramp` is called: as the ramp, or where that is too long as no other ramp's."""
        digest = sha256(ramp.encode()).hexdigest()[:DIGEST_LENGTH]
        return ramp if len(ramp) <= NAME_LENGTH else f"{ramp[: NAME_LENGTH - DIGEST_LENGTH - 1]}-{digest}"
