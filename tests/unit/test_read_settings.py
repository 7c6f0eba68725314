"""Settings come from the environment, with all faults at once and by name."""

from __future__ import annotations

import pytest
from read_path.settings import (
    SettingsError,
    candidate_settings,
    credentials,
    endpoint_url,
    router_settings,
    shadow_settings,
)

ROUTER = {
    "APPCONFIG_APPLICATION": "huntaze-flags",
    "APPCONFIG_ENVIRONMENT": "production",
    "APPCONFIG_PROFILE": "feature-flags",
    "CANDIDATE_FUNCTION": "huntaze-prisma-read",
    "SHADOW_FUNCTION": "huntaze-shadow-compare",
}


def test_what_the_wire_has_defaults_for_may_be_absent() -> None:
    settings = router_settings(ROUTER)
    assert (settings.adapter_flag, settings.shadow_flag) == ("prismaAdapter", "prismaShadow")
    assert (settings.flag_staleness_seconds, settings.flag_extension_port) == (15, None)
    candidate = candidate_settings({"DATABASE_SECRET": "huntaze/database"})
    assert (candidate.statement_timeout_ms, candidate.prepared_statements) == (500, True)


def test_what_the_template_sets_is_taken() -> None:
    settings = router_settings(ROUTER | {"FLAG_STALENESS_SECONDS": "1", "FLAG_EXTENSION_PORT": "2772"})
    assert (settings.flag_staleness_seconds, settings.flag_extension_port) == (1, 2772)
    candidate = candidate_settings({"DATABASE_SECRET": "s", "DATABASE_PREPARED_STATEMENTS": "False"})
    assert not candidate.prepared_statements
    assert shadow_settings(ROUTER | {"COMPARISON_RULES": "[]"}).rules == "[]"
    assert router_settings(ROUTER | {"SHADOW_QUEUE_URL": "https://q"}).shadow_queue_url == "https://q"


def test_the_functions_own_credentials_are_read_and_never_shown() -> None:
    mine = {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "hush",
        "AWS_SESSION_TOKEN": "t",
    }
    found = credentials(mine)
    assert found == ("us-east-1", "a", "hush", "t")
    assert "hush" not in repr(found)
    with pytest.raises(SettingsError, match=r"AWS_DEFAULT_REGION.*AWS_ACCESS_KEY_ID.*AWS_SECRET_ACCESS_KEY"):
        credentials({})


def test_an_endpoint_is_where_the_region_has_it_unless_told_otherwise() -> None:
    assert endpoint_url("lambda", "us-east-1", {}) == "https://lambda.us-east-1.amazonaws.com"
    assert endpoint_url("lambda", "cn-north-1", {}) == "https://lambda.cn-north-1.amazonaws.com.cn"
    assert endpoint_url("lambda", "us-east-1", {"AWS_ENDPOINT_URL": "http://here"}) == "http://here"


def test_all_faults_come_at_once_and_by_name() -> None:
    with pytest.raises(SettingsError) as refused:
        router_settings({**ROUTER, "APPCONFIG_PROFILE": "", "FLAG_STALENESS_SECONDS": "soon", "SHADOW_FLAG": ""})
    assert [fault.split(":")[0] for fault in str(refused.value).split("; ")] == [
        "APPCONFIG_PROFILE",
        "SHADOW_FLAG",
        "FLAG_STALENESS_SECONDS",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_STATEMENT_TIMEOUT_MS", "-1"),
        ("DATABASE_STATEMENT_TIMEOUT_MS", "60001"),
        ("DATABASE_PREPARED_STATEMENTS", "maybe"),
        ("DATABASE_SECRET", ""),
    ],
)
def test_a_candidate_with_unusable_settings_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        candidate_settings({"DATABASE_SECRET": "s", name: value})
