"""The flags of the moment: at most so old, read off the response path where that can be, never lost once read.

Two ways to the same document: AppConfig itself, one session for a sandbox, or the AppConfig Lambda extension, which
polls beside the function.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from math import inf
from threading import Lock, Thread
from typing import Protocol

from read_path.aws import AwsError, Service
from read_path.core.routing import FlagError, Flags, parse
from read_path.settings import RouterSettings
from read_path.telemetry import Telemetry

# Source: AWS AppConfig API, StartConfigurationSession, RequiredMinimumPollIntervalInSeconds: 15-86,400.
_SHORTEST_POLL_SECONDS = 15
_TIMEOUT_SECONDS = 1.0
_WAITED_FOR = 4 / 3  # of the staleness, 20 s of 15: the oldest flags that anybody is routed by while they can be read


class Transport(Protocol):
    """One way to the document."""

    def fetch(self) -> bytes:
        """Return the document as JSON, or nothing when it has not changed since the call before.

        Raises AwsError, and ValueError for a reply that is none.
        """


class FlagReader:
    """Keeps the last good flags; control for everybody until there were any.

    Flags older than `flag_staleness_seconds` are read again beside the request that finds them so, which still goes by
    the old ones. At a third more, as after a sandbox slept, a request waits for the reading: nobody is routed by flags
    older than that while they can be read. A thread that was frozen with its sandbox goes on where it was; the
    age counts from the moment a reading was begun, so that what it brings is never taken for newer than it is.
    A document that is refused is refused anew at every reading until another one comes: meanwhile the flags grow old,
    and the log goes on saying why.

    `foresee` is given each document that was taken over, before any request goes by it.
    """

    def __init__(
        self,
        transport: Transport,
        settings: RouterSettings,
        clock: Callable[[], float],
        telemetry: Telemetry,
        foresee: Callable[[Flags], None] = lambda _: None,
    ) -> None:
        self._transport = transport
        self._foresee = foresee
        self._settings = settings
        self._clock = clock
        self._telemetry = telemetry
        self._last_good = Flags()
        self._not_taken = b""
        self._good_at: float | None = None
        self._tried_at: float | None = None
        self._reading = Lock()

    def current(self) -> Flags:
        """Return the flags to go by now.

        A failed reading counts as a reading: users do not wait for a broken AppConfig more than once in its time.
        """
        now, staleness = self._clock(), self._settings.flag_staleness_seconds
        age = inf if self._good_at is None else now - self._good_at
        is_due = self._tried_at is None or now - self._tried_at >= staleness
        if age >= _WAITED_FOR * staleness and (is_due or self._reading.locked()):
            self._read(now)
        elif age >= staleness and is_due:
            self._tried_at = now
            Thread(target=self._read, args=(now,), daemon=True).start()
        return self._last_good if self._good_at is None else self._last_good._replace(age_seconds=now - self._good_at)

    def _read(self, now: float) -> None:
        with self._reading:
            if self._good_at is not None and self._good_at > now - self._settings.flag_staleness_seconds:
                return  # while this one waited, another reading has brought what it wanted
            self._tried_at = now
            try:
                content = self._transport.fetch() or self._not_taken  # no change: a refused one is served still
                if content:
                    self._not_taken = content
                    document = json.loads(content)
                    flags = parse(document, self._settings.adapter_flag, self._settings.shadow_flag)
                    self._foresee(flags)
                    self._last_good, self._not_taken = flags, b""
                self._good_at = now
            except FlagError as error:
                self._telemetry.error("[ERROR] flag document refused, the last good one stays", faults=error.faults)
            except (AwsError, ValueError) as error:
                failure = getattr(error, "code", type(error).__name__)
                self._telemetry.error("[ERROR] flags not read, the last good ones stay", failure=failure)


class AppConfigSession:
    """One configuration session. A token serves one call and lives for a day; a session that broke is begun anew.

    Source: AWS AppConfig API, GetLatestConfiguration: BadRequestException for an expired token, an empty
    configuration when it has not changed.
    """

    def __init__(self, settings: RouterSettings, appconfigdata: Service) -> None:
        self._settings = settings
        self._appconfigdata = appconfigdata
        self._token: str | None = None

    def fetch(self) -> bytes:
        """Return the document when it is new to this session; see Transport."""
        if self._token is None:
            return self._poll(self._begin())
        try:
            return self._poll(self._token)
        except AwsError as error:
            if error.code != "BadRequestException":
                raise
            return self._poll(self._begin())

    def _begin(self) -> str:
        settings = self._settings
        wanted = {
            "ApplicationIdentifier": settings.application,
            "EnvironmentIdentifier": settings.environment,
            "ConfigurationProfileIdentifier": settings.profile,
            "RequiredMinimumPollIntervalInSeconds": max(_SHORTEST_POLL_SECONDS, settings.flag_staleness_seconds),
        }
        body, headers = json.dumps(wanted).encode(), {"content-type": "application/json"}
        reply = self._appconfigdata.call(
            "POST", "/configurationsessions", seconds=_TIMEOUT_SECONDS, body=body, headers=headers
        )
        return str(json.loads(reply.body)["InitialConfigurationToken"])

    def _poll(self, token: str) -> bytes:
        self._token = None  # spent, whether or not an answer comes
        query = {"configuration_token": token}
        reply = self._appconfigdata.call("GET", "/configuration", seconds=_TIMEOUT_SECONDS, query=query)
        self._token = reply.headers.get("next-poll-configuration-token")
        return reply.body


class AppConfigExtension:
    """The AppConfig Lambda extension on its local port.

    Source: AWS AppConfig, "Using the AWS AppConfig Agent Lambda extension":
    /applications/{application}/environments/{environment}/configurations/{profile}.
    """

    def __init__(self, settings: RouterSettings, extension: Service) -> None:
        self._extension = extension
        self._path = (
            f"/applications/{settings.application}/environments/{settings.environment}"
            f"/configurations/{settings.profile}"
        )

    def fetch(self) -> bytes:
        """Return the extension's copy of the document; see Transport."""
        return self._extension.call("GET", self._path, seconds=_TIMEOUT_SECONDS).body
