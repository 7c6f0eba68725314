"""The alarms that AppConfig watches while it deploys, taken off while a flag is put off, and put back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_appconfig import AppConfigClient
    from mypy_boto3_appconfig.type_defs import MonitorTypeDef

KEPT = " monitors kept while a ramp is settled: "
DESCRIPTION_MAX = 1024  # Source: AWS AppConfig API reference, UpdateEnvironment

logger = Logger(child=True)


class Monitors:
    """The monitors of one AppConfig environment, by its id or name; nothing here keeps traffic from being moved."""

    def __init__(self, appconfig: "AppConfigClient", application: str, environment: str) -> None:
        self._appconfig = appconfig
        self._where = {"ApplicationId": application, "EnvironmentId": environment}

    @contextmanager
    def off(self) -> Iterator[None]:
        """Deploy in this block whatever the environment's monitors say, and put them back.

        AppConfig rolls back a deployment during which a monitored alarm is red, and the alarm that pulls the brake is
        one: it would take users back to the candidate. Source: AWS AppConfig user guide, "Reverting a configuration"
        (alarm monitors "may prevent a roll forward from progressing during an application emergency").
        """
        monitors, said = self._take_off()
        try:
            yield
        finally:
            if monitors:
                self._put_back(monitors, said)

    def are_left_off(self) -> bool:
        """Whether monitors that were taken off for a settling have not been put back."""
        environment = self._appconfig.get_environment(**self._where)
        return not environment.get("Monitors") and KEPT in environment.get("Description", "")

    def put_back(self) -> None:
        """Put back the monitors that a settling has left off, if its record of them still reads."""
        with self.off():
            pass

    def _put_back(self, monitors: "list[MonitorTypeDef]", said: str) -> None:
        """Users are back on control by now; what is kept in the description, huntaze-cleanup puts back."""
        try:
            self._appconfig.update_environment(**self._where, Monitors=monitors, Description=said)
        except (ClientError, BotoCoreError) as error:
            logger.warning("monitors stay off", extra={"cause": str(error), "monitors": monitors})

    def _take_off(self) -> "tuple[list[MonitorTypeDef], str]":
        """The monitors to put back, with the environment's description as it was.

        They are kept in the description meanwhile, so that whoever settles next puts them back if this task dies.
        """
        try:
            environment = self._appconfig.get_environment(**self._where)
            said, _, kept = environment.get("Description", "").partition(KEPT)
            watching = environment.get("Monitors", [])
            if watching:
                self._appconfig.update_environment(**self._where, **_record(said, watching), Monitors=[])
        except (ClientError, BotoCoreError) as error:  # no alarm may be red: traffic first
            logger.warning("monitors stay on", extra={"cause": str(error)})
            return [], ""
        return watching or _recorded(kept), said


def _record(said: str, watching: "list[MonitorTypeDef]") -> dict[str, str]:
    """The description to keep them in, or at least that there were some; what does not fit is in the log alone."""
    descriptions = (said + KEPT + json.dumps(watching, separators=(",", ":")), said + KEPT)
    fitting = next((text for text in descriptions if len(text) <= DESCRIPTION_MAX), None)
    if fitting != descriptions[0]:
        logger.warning("monitors are kept in no description", extra={"monitors": watching})
    return {} if fitting is None else {"Description": fitting}


def _recorded(kept: str) -> "list[MonitorTypeDef]":
    """None where somebody has edited the record since: users do not wait for that."""
    try:
        monitors: list[MonitorTypeDef] = json.loads(kept) if kept else []
    except (ValueError, RecursionError) as error:
        logger.warning("monitors stay off: what was kept of them does not read", extra={"cause": str(error)})
        return []
    return monitors
