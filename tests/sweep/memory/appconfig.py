"""AppConfig: hosted versions, one deployment at a time, and what is served meanwhile.

A deployment is under way for `DEPLOYING_SECONDS` and may bake for longer; its version is served from its start, since
every target takes it at once, and no longer when it is stopped. Source: AWS AppConfig API reference, StartDeployment
and StopDeployment; user guide, "Reverting a configuration", for what AllowRevert does.
"""

# ruff: noqa: N803 - arguments are named as AWS names them

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rampctl.rehearsal.fakes import FIRST_DOCUMENT

from tests.sweep.memory.errors import refusal

APPLICATION, ENVIRONMENT, PROFILE, STRATEGY = "app1111", "env1111", "pro1111", "str1111"
DEPLOYING_SECONDS = 1.2
BAKE_SECONDS = {STRATEGY: 0.0, "AppConfig.AllAtOnce": 600.0}  # the stack's own, and AppConfig's predefined one
REVERTED_WITHIN_SECONDS = 72 * 3600
PAGE = 50
MONITORS = ({"AlarmArn": "arn:aws:cloudwatch:us-east-1:000000000000:alarm:huntaze-candidate-error-rate-gt-2pct"},)


@dataclass
class Version:
    """One hosted version of the document."""

    number: int
    content: bytes
    description: str


@dataclass
class Deployment:
    """One deployment, with the version's content as it was; `stopped` is the state StopDeployment leaves it in."""

    number: int
    version: int
    content: bytes
    profile: str
    started_at: float
    description: str = ""
    bake_seconds: float = 0.0
    stopped: str = ""


class AppConfig:
    """One application with one environment and one profile; other profiles may deploy beside it."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.versions = {1: Version(1, json.dumps(FIRST_DOCUMENT).encode(), "Both flags off")}
        self.deployments = [Deployment(1, 1, self.versions[1].content, PROFILE, now() - 3600)]
        self.monitors = [dict(monitor) for monitor in MONITORS]
        self.description = "production"
        self._written = 1

    @property
    def served(self) -> dict[str, Any]:
        """What readers get: the values, without the attributes of disabled flags."""
        return _served(self._last.content)

    @property
    def served_version(self) -> int:
        """The number of the version that readers get."""
        return self._last.version

    @property
    def _last(self) -> Deployment:
        return next(d for d in reversed(self.deployments) if d.profile == PROFILE and not d.stopped)

    @property
    def in_flight(self) -> Deployment | None:
        """The deployment that has not ended."""
        last = self.deployments[-1]
        return last if self._state(last) in {"DEPLOYING", "BAKING"} else None

    def get_environment(self, ApplicationId: str, EnvironmentId: str) -> Any:
        monitors = [dict(monitor) for monitor in self.monitors]
        return {"Id": EnvironmentId, "Monitors": monitors, "Description": self.description}

    def update_environment(
        self, ApplicationId: str, EnvironmentId: str, Monitors: Any, Description: str | None = None
    ) -> Any:
        self.monitors = [dict(monitor) for monitor in Monitors]
        self.description = self.description if Description is None else Description
        return self.get_environment(ApplicationId, EnvironmentId)

    def list_deployments(
        self, ApplicationId: str, EnvironmentId: str, NextToken: str = "0", MaxResults: int = PAGE
    ) -> Any:
        start = int(NextToken)
        newest_first = self.deployments[::-1]
        page: dict[str, Any] = {"Items": [self._summary(d) for d in newest_first[start : start + MaxResults]]}
        if start + MaxResults < len(newest_first):
            page["NextToken"] = str(start + MaxResults)
        return page

    def get_deployment(self, ApplicationId: str, EnvironmentId: str, DeploymentNumber: int) -> Any:
        found = self._deployment(DeploymentNumber, "GetDeployment")
        return {**self._summary(found), "Description": found.description}

    def start_deployment(
        self,
        ApplicationId: str,
        EnvironmentId: str,
        ConfigurationProfileId: str,
        DeploymentStrategyId: str,
        ConfigurationVersion: str,
        Description: str = "",
        LatestDeploymentNumber: int | None = None,
    ) -> Any:
        if self.in_flight is not None:
            raise refusal("appconfig", "StartDeployment", "ConflictException", "a deployment is in progress")
        if LatestDeploymentNumber not in {None, self.deployments[-1].number}:
            raise refusal("appconfig", "StartDeployment", "ConflictException", "not the latest deployment")
        if int(ConfigurationVersion) not in self.versions:
            raise refusal("appconfig", "StartDeployment", "ResourceNotFoundException")
        number, version = len(self.deployments) + 1, self.versions[int(ConfigurationVersion)]
        profile, now = ConfigurationProfileId, self._now()
        bake_seconds = BAKE_SECONDS[DeploymentStrategyId]
        deployment = Deployment(number, version.number, version.content, profile, now, Description, bake_seconds)
        self.deployments.append(deployment)
        return self._summary(self.deployments[-1])

    def stop_deployment(
        self, ApplicationId: str, EnvironmentId: str, DeploymentNumber: int, AllowRevert: bool = False
    ) -> Any:
        deployment = self._deployment(DeploymentNumber, "StopDeployment")
        state = self._state(deployment)
        if not (state == "DEPLOYING" or (AllowRevert and self._is_revertible(deployment))):
            raise refusal("appconfig", "StopDeployment", "BadRequestException", f"the deployment is {state}")
        deployment.stopped = "REVERTED" if state == "COMPLETE" else "ROLLED_BACK"
        return self._summary(deployment)

    def create_hosted_configuration_version(
        self,
        ApplicationId: str,
        ConfigurationProfileId: str,
        Content: bytes,
        ContentType: str,
        Description: str = "",
    ) -> Any:
        self._written += 1
        self.versions[self._written] = Version(self._written, Content, Description)
        return {"VersionNumber": self._written}

    def get_hosted_configuration_version(
        self, ApplicationId: str, ConfigurationProfileId: str, VersionNumber: int
    ) -> Any:
        return {"Content": io.BytesIO(self._version(VersionNumber, "GetHostedConfigurationVersion").content)}

    def list_hosted_configuration_versions(
        self, ApplicationId: str, ConfigurationProfileId: str, NextToken: str = "0", MaxResults: int = PAGE
    ) -> Any:
        start, numbers = int(NextToken), sorted(self.versions, reverse=True)
        chosen = [self.versions[number] for number in numbers[start : start + MaxResults]]
        items = [{"VersionNumber": v.number, "Description": v.description} for v in chosen]
        more = {"NextToken": str(start + MaxResults)} if start + MaxResults < len(numbers) else {}
        return {"Items": items, **more}

    def delete_hosted_configuration_version(
        self, ApplicationId: str, ConfigurationProfileId: str, VersionNumber: int
    ) -> Any:
        del self.versions[self._version(VersionNumber, "DeleteHostedConfigurationVersion").number]
        return {}

    def _deployment(self, number: int, operation: str) -> Deployment:
        if not 1 <= number <= len(self.deployments):
            raise refusal("appconfig", operation, "ResourceNotFoundException")
        return self.deployments[number - 1]

    def _version(self, number: int, operation: str) -> Version:
        if number not in self.versions:
            raise refusal("appconfig", operation, "ResourceNotFoundException")
        return self.versions[number]

    def _state(self, deployment: Deployment) -> str:
        if deployment.stopped:
            return deployment.stopped
        deployed_at = deployment.started_at + DEPLOYING_SECONDS
        if self._now() < deployed_at:
            return "DEPLOYING"
        return "BAKING" if self._now() < deployed_at + deployment.bake_seconds else "COMPLETE"

    def _is_revertible(self, deployment: Deployment) -> bool:
        ended_at = deployment.started_at + DEPLOYING_SECONDS + deployment.bake_seconds
        return not deployment.stopped and self._now() < ended_at + REVERTED_WITHIN_SECONDS

    def _summary(self, deployment: Deployment) -> dict[str, Any]:
        return {
            "DeploymentNumber": deployment.number,
            "State": self._state(deployment),
            "ConfigurationVersion": str(deployment.version),
            "ConfigurationProfileId": deployment.profile,
        }


@lru_cache
def _served(content: bytes) -> dict[str, Any]:
    values = json.loads(content)["values"]
    return {name: value if value["enabled"] else {"enabled": False} for name, value in values.items()}


class AppConfigData:
    """What readers ask: a session each, whose first answer is the whole document."""

    def __init__(self, appconfig: AppConfig) -> None:
        self._appconfig = appconfig
        self._sessions = 0
        self._open: set[str] = set()

    def start_configuration_session(
        self, ApplicationIdentifier: str, EnvironmentIdentifier: str, ConfigurationProfileIdentifier: str
    ) -> Any:
        self._sessions += 1
        token = f"session-{self._sessions}"
        self._open.add(token)
        return {"InitialConfigurationToken": token}

    def get_latest_configuration(self, ConfigurationToken: str) -> Any:
        if ConfigurationToken not in self._open:
            raise refusal("appconfigdata", "GetLatestConfiguration", "BadRequestException", "the token was used")
        self._open.remove(ConfigurationToken)
        return {"Configuration": io.BytesIO(json.dumps(self._appconfig.served).encode())}
