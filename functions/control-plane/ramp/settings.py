"""The only reader of the environment in this plane."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Settings:
    """Names of what the tasks work on; see docs/wire.md. Ids or names, as the template gives them.

    `code_deploy_application` and `code_deploy_group` are empty where there is no CodeDeploy.
    """

    application: str
    environment: str
    profile: str
    strategy: str
    adapter_flag: str
    shadow_flag: str
    read_function: str
    read_alias: str
    table: str
    notice_topic: str
    alarms: tuple[str, ...]
    deadline_group: str
    deadline_role_arn: str
    cleanup_function_arn: str
    link_url: str
    stack: str
    code_deploy_application: str
    code_deploy_group: str
    router_logs: str
    comparator_logs: str
    more_flags: tuple[tuple[str, str], ...] = ()

    @property
    def flags(self) -> tuple[tuple[str, str], ...]:
        """Every flag that ramps of this stack may move, each with its shadow flag."""
        return ((self.adapter_flag, self.shadow_flag), *self.more_flags)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables that template.yaml sets.

        Raises:
            KeyError: a variable is missing, by name.
        """
        return cls(
            application=environment["APPCONFIG_APPLICATION"],
            environment=environment["APPCONFIG_ENVIRONMENT"],
            profile=environment["APPCONFIG_PROFILE"],
            strategy=environment["APPCONFIG_STRATEGY"],
            adapter_flag=environment["ADAPTER_FLAG"],
            shadow_flag=environment["SHADOW_FLAG"],
            read_function=environment["READ_FUNCTION"],
            read_alias=environment["READ_ALIAS"],
            table=environment["RAMP_TABLE"],
            notice_topic=environment["NOTICE_TOPIC"],
            alarms=tuple(name for name in environment["ALARM_NAMES"].split(",") if name),
            deadline_group=environment["DEADLINE_GROUP"],
            deadline_role_arn=environment["DEADLINE_ROLE_ARN"],
            cleanup_function_arn=environment["CLEANUP_FUNCTION_ARN"],
            stack=environment["STACK_NAME"],
            code_deploy_application=environment["CODE_DEPLOY_APPLICATION"],
            code_deploy_group=environment["CODE_DEPLOY_GROUP"],
            router_logs=environment["ROUTER_LOGS"],
            comparator_logs=environment["COMPARATOR_LOGS"],
            link_url=environment["LINK_URL"],
            more_flags=tuple(_pair(text) for text in environment["MORE_FLAGS"].split(",") if text),
        )


@dataclass(frozen=True)
class PageSettings:
    """Names of what the page works on; see docs/wire.md. `flags` are those that ramps of this stack move."""

    flags: tuple[str, ...]
    table: str
    alarms: tuple[str, ...]
    brake_function: str
    cleanup_function: str
    comparator_logs: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables that template.yaml sets.

        Raises:
            KeyError: a variable is missing, by name.
        """
        return cls(
            flags=(
                environment["ADAPTER_FLAG"],
                *(_pair(text)[0] for text in environment["MORE_FLAGS"].split(",") if text),
            ),
            table=environment["RAMP_TABLE"],
            alarms=tuple(name for name in environment["ALARM_NAMES"].split(",") if name),
            brake_function=environment["BRAKE_FUNCTION"],
            cleanup_function=environment["CLEANUP_FUNCTION"],
            comparator_logs=environment["COMPARATOR_LOGS"],
        )


@dataclass(frozen=True)
class WebhookSettings:
    """The name of the secret that holds the webhook's address."""

    secret: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the variable that template.yaml sets. Raises KeyError when it is missing."""
        return cls(environment["WEBHOOK_SECRET"])


def _pair(text: str) -> tuple[str, str]:
    """`adapter:shadow`."""
    adapter, _, shadow = text.strip().partition(":")
    return adapter, shadow
