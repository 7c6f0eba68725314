"""huntaze-mock-read: the user-facing function. Control lives here; the candidate is asked from here."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import cache
from threading import Thread
from typing import TYPE_CHECKING, Any

from read_path.core.breaker import Breaker
from read_path.core.routing import Flags
from read_path.dispatch import Dispatch, to_function, to_queue
from read_path.flags import AppConfigExtension, AppConfigSession, FlagReader, Transport
from read_path.serve import Invocation, Service, serve
from read_path.services import extension, service
from read_path.settings import RouterSettings, SettingsError, router_settings
from read_path.sources import mock
from read_path.sources.function import CandidateFunction
from read_path.telemetry import telemetry

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


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
        dispatch=lambda event: _dispatch().send(event),
        telemetry=telemetry(),
        clock=time.monotonic,
        breaker=Breaker(),
    )


@cache
def _settings() -> RouterSettings:
    return router_settings()


@cache
def _flags() -> FlagReader:
    settings = _settings()
    port = settings.flag_extension_port
    transport: Transport = AppConfigSession(settings, service("appconfigdata"))
    if port:
        transport = AppConfigExtension(settings, extension(port))
    return FlagReader(transport, settings, time.monotonic, telemetry(), _make_ready)


def _make_ready(flags: Flags) -> None:
    """Where Lambda is going to be called, have its addresses and the certificates read beside the requests."""
    if flags.adapter or flags.shadow:
        service("lambda").make_ready()


@cache
def _candidate() -> CandidateFunction:
    return CandidateFunction(_settings().candidate_function, service("lambda"))


@cache
def _dispatch() -> Dispatch:
    queue_url = _settings().shadow_queue_url
    send = (
        to_queue(queue_url, service("sqs"))
        if queue_url
        else to_function(_settings().shadow_function, service("lambda"))
    )
    return Dispatch(send, time.monotonic)


def _read_first_flags() -> None:
    with suppress(SettingsError):  # told where a request needs them
        _flags().current()


# Begun while Lambda still ends the start, so that the first user waits only for what is left of it.
Thread(target=_read_first_flags, daemon=True).start()
