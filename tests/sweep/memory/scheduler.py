"""EventBridge Scheduler: schedules by name."""

# ruff: noqa: N803 - arguments are named as AWS names them

from __future__ import annotations

from typing import Any

from tests.sweep.memory.errors import refusal


class Scheduler:
    """One group; what each schedule was created with."""

    def __init__(self) -> None:
        self.schedules: dict[str, dict[str, Any]] = {}

    def create_schedule(self, Name: str, **given: Any) -> Any:
        if Name in self.schedules:
            raise refusal("scheduler", "CreateSchedule", "ConflictException")
        self.schedules[Name] = given
        return {"ScheduleArn": f"arn:aws:scheduler:::schedule/{Name}"}

    def get_schedule(self, Name: str, GroupName: str) -> Any:
        if Name not in self.schedules:
            raise refusal("scheduler", "GetSchedule", "ResourceNotFoundException")
        return {"Name": Name, **self.schedules[Name]}

    def list_schedules(self, GroupName: str, **given: Any) -> Any:
        return {"Schedules": [{"Name": name, "GroupName": GroupName} for name in sorted(self.schedules)]}

    def delete_schedule(self, Name: str, GroupName: str) -> Any:
        if self.schedules.pop(Name, None) is None:
            raise refusal("scheduler", "DeleteSchedule", "ResourceNotFoundException")
        return {}
