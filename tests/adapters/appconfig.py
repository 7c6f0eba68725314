"""An AppConfig application in the emulator, and the settings that tests put into it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from ramp.adapters.flag_lever import FlagLocation
from ramp.core.flag_document import Setting
from rampctl.rehearsal.fakes import FIRST_DOCUMENT

CANARY = Setting(
    {
        "ramp": "ramp-1",
        "step": 1,
        "share_ppm": 17,
        "salt": "ramp-1",
        "deadline_ms": 500,
        "fallback": True,
        "deny_users": ["user-9"],
    },
    {"ramp": "ramp-1", "step": 1, "sample_ppm": 1_000_000, "budget_ms": 500},
)
SHADOW = Setting(None, {"ramp": "ramp-1", "step": 0, "sample_ppm": 500_000, "budget_ms": 500})


def flags_in(emulated: Callable[[str], Any]) -> FlagLocation:
    """Application, environment, profile and immediate strategy, with the template's first document deployed."""
    appconfig = emulated("appconfig")
    application = appconfig.create_application(Name=f"flags-{uuid.uuid4().hex[:8]}")["Id"]
    location = FlagLocation(
        application,
        appconfig.create_environment(ApplicationId=application, Name="production")["Id"],
        appconfig.create_configuration_profile(
            ApplicationId=application, Name="feature-flags", LocationUri="hosted", Type="AWS.AppConfig.FeatureFlags"
        )["Id"],
        strategy(appconfig, minutes=0),
    )
    deploy(appconfig, location, {**FIRST_DOCUMENT})
    return location


def strategy(appconfig: Any, minutes: int, bake_minutes: int = 0) -> str:
    """A deployment strategy that takes `minutes`, and then bakes."""
    made: str = appconfig.create_deployment_strategy(
        Name=f"strategy-{uuid.uuid4().hex[:8]}",
        DeploymentDurationInMinutes=minutes,
        FinalBakeTimeInMinutes=bake_minutes,
        GrowthFactor=100,
        ReplicateTo="NONE",
    )["Id"]
    return made


def deploy(
    appconfig: Any, location: FlagLocation, document: dict[str, Any], strategy_id: str = "", description: str = ""
) -> int:
    """Write `document` and start its deployment; returns the deployment's number."""
    version = appconfig.create_hosted_configuration_version(
        ApplicationId=location.application,
        ConfigurationProfileId=location.profile,
        Content=json.dumps(document).encode(),
        ContentType="application/json",
    )["VersionNumber"]
    started: int = appconfig.start_deployment(
        ApplicationId=location.application,
        EnvironmentId=location.environment,
        ConfigurationProfileId=location.profile,
        DeploymentStrategyId=strategy_id or location.strategy,
        ConfigurationVersion=str(version),
        Description=description,
    )["DeploymentNumber"]
    return started
