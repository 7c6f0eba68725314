"""The flags of the moment: read again after a bounded time, and never lost once they were read.

Two ways to the same document: AppConfig itself, one session for a sandbox, or the AppConfig Lambda extension, which
polls beside the function.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.request import urlopen

from botocore.exceptions import BotoCoreError, ClientError

from read_path.core.routing import FlagError, Flags, parse
from read_path.settings import RouterSettings
from read_path.telemetry import Telemetry

if TYPE_CHECKING:
    from mypy_boto3_appconfigdata import AppConfigDataClient

# Source: AWS AppConfig API, StartConfigurationSession, RequiredMinimumPollIntervalInSeconds: 15-86,400.
_SHORTEST_POLL_SECONDS = 15
_EXTENSION_TIMEOUT_SECONDS = 1.0

Fetch = Callable[[], bytes]
"""Returns the document as JSON, or nothing when it has not changed since the call before.

Raises ClientError, BotoCoreError or OSError.
"""


class FlagReader:
    """Keeps the last good flags; `control for everybody` until there were any."""

    def __init__(
        self, fetch: Fetch, settings: RouterSettings, clock: Callable[[], float], telemetry: Telemetry
    ) -> None:
        self._fetch = fetch
        self._settings = settings
        self._clock = clock
        self._telemetry = telemetry
        self._last_good = Flags()
        self._due: float | None = None

    def current(self) -> Flags:
        """Return flags at most `flag_staleness_seconds` old, or the last good ones while they cannot be read.

        A failed reading counts as a reading: users do not wait for a broken AppConfig more than once in that time.
        """
        now = self._clock()
        if self._due is None or now >= self._due:
            self._due = now + self._settings.flag_staleness_seconds
            self._refresh()
        return self._last_good

    def _refresh(self) -> None:
        try:
            content = self._fetch()
            if content:
                document = json.loads(content)
                self._last_good = parse(document, self._settings.adapter_flag, self._settings.shadow_flag)
        except FlagError as error:
            self._telemetry.error("[ERROR] flag document refused, the last good one stays", faults=list(error.faults))
        except (ClientError, BotoCoreError, OSError, ValueError) as error:
            self._telemetry.error("[ERROR] flags not read, the last good ones stay", failure=type(error).__name__)


class AppConfigSession:
    """One configuration session. A token serves one call and lives for a day; a session that broke is begun anew.

    Source: AWS AppConfig API, GetLatestConfiguration: BadRequestException for an expired token, an empty
    configuration when it has not changed.
    """

    def __init__(self, settings: RouterSettings, client: Callable[[], AppConfigDataClient]) -> None:
        self._settings = settings
        self._client = client
        self._token: str | None = None

    def fetch(self) -> bytes:
        """Return the document when it is new to this session; see Fetch."""
        if self._token is None:
            return self._poll(self._begin())
        try:
            return self._poll(self._token)
        except ClientError as error:
            if error.response["Error"]["Code"] != "BadRequestException":
                raise
            return self._poll(self._begin())

    def _begin(self) -> str:
        settings = self._settings
        started = self._client().start_configuration_session(
            ApplicationIdentifier=settings.application,
            EnvironmentIdentifier=settings.environment,
            ConfigurationProfileIdentifier=settings.profile,
            RequiredMinimumPollIntervalInSeconds=max(_SHORTEST_POLL_SECONDS, settings.flag_staleness_seconds),
        )
        return started["InitialConfigurationToken"]

    def _poll(self, token: str) -> bytes:
        self._token = None  # spent, whether or not an answer comes
        latest = self._client().get_latest_configuration(ConfigurationToken=token)
        content = latest["Configuration"].read()
        self._token = latest["NextPollConfigurationToken"]
        return content


class AppConfigExtension:
    """The AppConfig Lambda extension on its local port.

    Source: AWS AppConfig, "Using the AWS AppConfig Agent Lambda extension":
    /applications/{application}/environments/{environment}/configurations/{profile}.
    """

    def __init__(self, settings: RouterSettings, port: int) -> None:
        path = (
            f"/applications/{settings.application}/environments/{settings.environment}"
            f"/configurations/{settings.profile}"
        )
        self._url = f"http://127.0.0.1:{port}{path}"

    def fetch(self) -> bytes:
        """Return the extension's copy of the document; see Fetch."""
        with urlopen(self._url, timeout=_EXTENSION_TIMEOUT_SECONDS) as response:  # noqa: S310 - the scheme is ours
            content: bytes = response.read()
        return content
