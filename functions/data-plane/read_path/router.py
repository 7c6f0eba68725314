"""huntaze-mock-read: the user-facing function. Control lives here; the candidate is asked from here."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING, Any

from read_path import clients
from read_path.dispatch import ComparatorFunction
from read_path.flags import AppConfigExtension, AppConfigSession, FlagReader
from read_path.serve import Invocation, Service, serve
from read_path.settings import RouterSettings, router_settings
from read_path.sources import mock
from read_path.sources.function import CandidateFunction
from read_path.telemetry import telemetry

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_telemetry = telemetry()


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer `{"userId"}` and API Gateway events (HTTP API 2.0, REST proxy) with a proxy response."""
    return serve(event, Invocation(context.aws_request_id, context.function_version), _service())


@cache
def _service() -> Service:
    """Wire the router. Settings are read only where they are needed, so that control answers even without them."""
    return Service(
        flags=lambda: _flags().current(),
        control=mock.read,
        candidate=lambda user_id, deadline_ms: _candidate().read(user_id, deadline_ms),
        dispatch=lambda event: _comparator().send(event),
        telemetry=_telemetry,
        clock=time.monotonic,
    )


@cache
def _settings() -> RouterSettings:
    return router_settings()


@cache
def _flags() -> FlagReader:
    settings = _settings()
    port = settings.flag_extension_port
    fetch = (
        AppConfigExtension(settings, port).fetch
        if port
        else AppConfigSession(settings, clients.appconfigdata_client).fetch
    )
    return FlagReader(fetch, settings, time.monotonic, _telemetry)


@cache
def _candidate() -> CandidateFunction:
    return CandidateFunction(_settings().candidate_function, clients.lambda_client)


@cache
def _comparator() -> ComparatorFunction:
    return ComparatorFunction(
        _settings().shadow_function, lambda: clients.lambda_client(clients.DISPATCH_TIMEOUT_SECONDS)
    )
