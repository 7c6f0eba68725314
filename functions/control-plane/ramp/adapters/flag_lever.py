"""The flag lever: percent of users, through a hosted AppConfig document.

Set, then verify by reading back what AppConfig serves. Writing is idempotent: a setting that is already served is left.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from ramp.core.flag_document import OFF, FlagNames, Setting, ramps_beside, read_setting, write_setting
from ramp.core.plan import format_percent
from ramp.errors import LeverBusy, TrafficNotShifted

if TYPE_CHECKING:
    from mypy_boto3_appconfig import AppConfigClient
    from mypy_boto3_appconfig.type_defs import DeploymentSummaryTypeDef, DeploymentTypeDef
    from mypy_boto3_appconfigdata import AppConfigDataClient

OURS = "ramp "  # what flag versions and deployments of ramps are marked with, before the ramp's name
SETTLES = " off"  # and behind it, when the deployment puts the flag off
IN_FLIGHT = frozenset({"BAKING", "VALIDATING", "DEPLOYING", "ROLLING_BACK"})
POLLS = 60
POLL_SECONDS = 0.5

logger = Logger(child=True, level="INFO")  # a saved query reads the changes, whatever LogLevel says


def nothing() -> None:
    """A fence that lets everybody pass."""


@dataclass(frozen=True)
class FlagLocation:
    """Where the document lives: ids or names of application, environment, profile and deployment strategy."""

    application: str
    environment: str
    profile: str
    strategy: str


@dataclass(frozen=True)
class Deployment:
    """A deployment in flight, and what whoever started it said about it."""

    number: int
    description: str

    @property
    def is_ours(self) -> bool:
        """Whether a ramp started it."""
        return self.description.startswith(OURS)

    @property
    def settles(self) -> bool:
        """Whether it puts a flag off: nothing may stop that."""
        return self.is_ours and self.description.endswith(SETTLES)


class FlagLever:
    """Reads and moves the two flags of a ramp; `sleep` takes seconds."""

    def __init__(
        self,
        appconfig: "AppConfigClient",
        appconfigdata: "AppConfigDataClient",
        location: FlagLocation,
        names: FlagNames,
        sleep: Callable[[float], None],
    ) -> None:
        self._appconfig = appconfig
        self._data = appconfigdata
        self._location = location
        self._names = names
        self._sleep = sleep

    def of(self, names: FlagNames) -> "FlagLever":
        """The lever of two other flags in the same document."""
        return FlagLever(self._appconfig, self._data, self._location, names, self._sleep)

    def read(self) -> Setting:
        """What AppConfig serves right now."""
        try:
            return read_setting(self._served(), self._names)
        except ValueError as error:
            raise TrafficNotShifted(str(error)) from error

    def ramps_beside(self, known: Collection[str]) -> set[str]:
        """The ramps that have flags on which are not `known`."""
        return ramps_beside(self._served(), known)

    def _served(self) -> Any:
        """What AppConfig serves, asked in a session of its own."""
        token = self._data.start_configuration_session(
            ApplicationIdentifier=self._location.application,
            EnvironmentIdentifier=self._location.environment,
            ConfigurationProfileIdentifier=self._location.profile,
        )["InitialConfigurationToken"]
        content = self._data.get_latest_configuration(ConfigurationToken=token)["Configuration"].read()
        if not content:  # in a session of its own the first answer is whole
            raise TrafficNotShifted("AppConfig gave no document")
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            got = f"{len(content)} bytes"
            raise TrafficNotShifted(f"flag document: does not read, got {got}, expected two flags in JSON") from error

    def in_flight(self) -> Deployment | None:
        """The deployment that has not ended in the environment, whoever started it."""
        number = self._number_in_flight()
        return None if number is None else Deployment(number, self._said(number))

    def stop(self, number: int | None = None) -> bool:
        """Stop the deployment in flight, whichever it is or this one alone; the version before it is served then.

        One that settles is waited for instead: two that settle would stop each other for ever. Returns whether there
        was one. Idempotent: one that ended meanwhile is reverted, which leaves what stopping it would have left.
        """
        found = self.in_flight()
        if found is None or number not in {None, found.number}:
            return False
        if not found.settles:
            self._stop(found.number)
        for _ in range(POLLS):
            if self._number_in_flight() != found.number:
                break
            self._sleep(POLL_SECONDS)
        return True

    def put(self, setting: Setting, description: str, fence: Callable[[], None] = nothing) -> None:
        """Deploy `setting` and read it back.

        `fence` is called once it is settled on which deployment this one must follow, and raises when traffic may not
        be moved. Off is deployed anew although it is served, once for each `description`: so whoever passed the fence
        before meets a deployment that it does not know, and moves nothing.

        Raises:
            LeverBusy: another deployment is in flight; try again when it has ended.
            TrafficNotShifted: the setting is not served yet; try again.
        """
        latest = next(self._deployments(), None)
        before = self.read()
        said = description + SETTLES if setting == OFF else description
        if before == setting and (setting != OFF or (latest and self._said(latest["DeploymentNumber"]) == said)):
            return
        fence()
        if latest and latest["State"] in IN_FLIGHT:
            raise LeverBusy(f"AppConfig deployment {latest['DeploymentNumber']} is in flight")
        version = self._appconfig.create_hosted_configuration_version(
            ApplicationId=self._location.application,
            ConfigurationProfileId=self._location.profile,
            Content=json.dumps(write_setting(self._deployed_document(), self._names, setting)).encode(),
            ContentType="application/json",
            Description=description,
        )["VersionNumber"]
        self._deploy(version, said, latest["DeploymentNumber"] if latest else 0)
        self._verify(setting)
        logger.info("flag changed", extra=change(before, setting, description))

    def prune(self, description: str) -> int:
        """Delete superseded versions: those under `description`, and of other ramps what was deployed before.

        The deployed one stays, and what another ramp has written and not deployed yet. Returns how many were deleted.
        """
        deployments = [d for d in self._deployments() if d["ConfigurationProfileId"] == self._location.profile]
        deployed = _deployed(deployments)
        if deployed is None:  # or none that is known: nothing is superseded then
            return 0
        kept = {deployed, *(int(d["ConfigurationVersion"]) for d in deployments if d["State"] in IN_FLIGHT)}
        tried = {int(d["ConfigurationVersion"]) for d in deployments}
        pages = self._appconfig.get_paginator("list_hosted_configuration_versions").paginate(
            ApplicationId=self._location.application, ConfigurationProfileId=self._location.profile
        )
        written = {item["VersionNumber"]: item.get("Description", "") for page in pages for item in page["Items"]}
        superseded = [
            version
            for version, said in written.items()
            if version not in kept and (said == description or (said.startswith(OURS) and version in tried))
        ]
        for version in superseded:
            with suppress(self._appconfig.exceptions.ResourceNotFoundException):  # two that clean up at once
                self._appconfig.delete_hosted_configuration_version(
                    ApplicationId=self._location.application,
                    ConfigurationProfileId=self._location.profile,
                    VersionNumber=version,
                )
        return len(superseded)

    def _stop(self, number: int) -> None:
        """Stop it also while it bakes, for which AppConfig asks for AllowRevert. Source: its API's StopDeployment."""
        try:
            self._appconfig.stop_deployment(
                ApplicationId=self._location.application,
                EnvironmentId=self._location.environment,
                DeploymentNumber=number,
                AllowRevert=True,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"BadRequestException", "ResourceNotFoundException"}:
                raise

    def _deploy(self, version: int, description: str, latest_number: int) -> None:
        """Start the deployment and wait for its end; refused when another one came in between."""
        try:
            number = self._appconfig.start_deployment(
                ApplicationId=self._location.application,
                EnvironmentId=self._location.environment,
                ConfigurationProfileId=self._location.profile,
                DeploymentStrategyId=self._location.strategy,
                ConfigurationVersion=str(version),
                Description=description,
                # The document was built on that deployment's: a later one would be overwritten unseen.
                LatestDeploymentNumber=latest_number,
            )["DeploymentNumber"]
        except self._appconfig.exceptions.ConflictException as conflict:
            raise LeverBusy(f"another AppConfig deployment came first: {conflict}") from conflict
        for _ in range(POLLS):
            state = self._deployment(number)["State"]
            if state not in IN_FLIGHT:
                break
            self._sleep(POLL_SECONDS)
        if state != "COMPLETE":
            raise TrafficNotShifted(f"AppConfig deployment {number} is {state}, expected COMPLETE")

    def _verify(self, setting: Setting) -> None:
        for _ in range(POLLS):
            served = self.read()
            if served == setting:
                return
            self._sleep(POLL_SECONDS)
        raise TrafficNotShifted(f"the flag does not read back: got {served}, expected {setting}")

    def _number_in_flight(self) -> int | None:
        return next((item["DeploymentNumber"] for item in self._deployments() if item["State"] in IN_FLIGHT), None)

    def _said(self, number: int) -> str:
        return self._deployment(number).get("Description", "")

    def _deployment(self, number: int) -> "DeploymentTypeDef":
        return self._appconfig.get_deployment(
            ApplicationId=self._location.application,
            EnvironmentId=self._location.environment,
            DeploymentNumber=number,
        )

    def _deployments(self) -> "Iterator[DeploymentSummaryTypeDef]":
        """The environment's deployments, newest first. Source: AppConfig API reference, ListDeployments."""
        pages = self._appconfig.get_paginator("list_deployments").paginate(
            ApplicationId=self._location.application, EnvironmentId=self._location.environment
        )
        return (item for page in pages for item in page["Items"])

    def _deployed_version(self) -> int | None:
        return _deployed(d for d in self._deployments() if d["ConfigurationProfileId"] == self._location.profile)

    def _deployed_document(self) -> dict[str, Any]:
        version = self._deployed_version()
        if version is None:
            return {}
        content = self._appconfig.get_hosted_configuration_version(
            ApplicationId=self._location.application,
            ConfigurationProfileId=self._location.profile,
            VersionNumber=version,
        )["Content"].read()
        document: dict[str, Any] = json.loads(content)
        return document


def _deployed(deployments: "Iterable[DeploymentSummaryTypeDef]") -> int | None:
    """The version of the newest deployment of a profile that is complete."""
    return next((int(d["ConfigurationVersion"]) for d in deployments if d["State"] == "COMPLETE"), None)


def change(before: Setting, after: Setting, description: str) -> dict[str, Any]:
    """A change as the saved query huntaze/flag-changes tells it."""
    named = after.adapter or after.shadow or {}
    return {
        "changed_by": description,
        "ramp": named.get("ramp"),
        "step": named.get("step"),
        "users_before": format_percent(before.share_ppm),
        "users_after": format_percent(after.share_ppm),
        "shadow_before": format_percent(before.sample_ppm),
        "shadow_after": format_percent(after.sample_ppm),
    }
