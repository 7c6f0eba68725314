"""`ramp retire` on the local stack: what ramps wrote into AppConfig goes, and the stack's own version is served."""

from pathlib import Path

import pytest
from local_stack.stack import Stack
from ramp.core.flag_document import OFF, Setting
from rampctl.exits import FOUND
from rampctl.main import app
from rampctl.session import Session
from typer.testing import CliRunner

SHADOW = {"ramp": "before-retiring", "step": 0, "sample_ppm": 1, "budget_ms": 500}


def test_after_a_ramp_appconfig_has_the_stacks_own_version_alone(
    local_stack: Stack, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First it says what it would do; then it does it, and users are on control."""
    monkeypatch.chdir(repository)
    session = Session.of_stack(local_stack)
    session.levers._flag.put(Setting(adapter=None, shadow=SHADOW), "ramp before-retiring")
    profile = {
        "ApplicationId": session.settings.application,
        "ConfigurationProfileId": session.settings.profile,
    }

    def versions() -> list[str]:
        listed = session.client("appconfig").list_hosted_configuration_versions(**profile)["Items"]
        return [item.get("Description", "") for item in listed]

    assert "ramp before-retiring" in versions()
    assert CliRunner().invoke(app, ["retire", "--local"]).exit_code == FOUND
    assert "ramp before-retiring" in versions()
    done = CliRunner().invoke(app, ["retire", "--local", "--yes"])
    assert done.exit_code == 0, done.output
    assert versions() == ["Both flags off"]
    assert session.levers.setting() == OFF
