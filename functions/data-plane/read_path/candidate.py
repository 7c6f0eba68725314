"""huntaze-prisma-read: the candidate, on PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import psycopg

from read_path.aws import AwsError
from read_path.core.answer import Answer, of_user, refusal, trouble
from read_path.core.identity import IdentityError, identify
from read_path.core.sqlstate import Trouble, kind_of
from read_path.core.user import User
from read_path.services import service
from read_path.settings import SettingsError, candidate_settings
from read_path.sources.postgres import PostgresUsers, RowError
from read_path.sources.secret import DatabaseSecret, SecretError
from read_path.telemetry import Telemetry, telemetry

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer `{"userId"}` with a proxy response: 200, 404, 400, or a failure that tells nothing."""
    if event.get("census") is True:
        return _users().census()
    return look_up(event, context.aws_request_id, lambda user_id: _users().read(user_id), telemetry()).to_proxy()


def look_up(event: object, request_id: str, read: Callable[[str], User | None], to: Telemetry) -> Answer:
    """Answer a read event from `read`, which raises what database, Secrets Manager and settings raise.

    Trouble is told by class and SQLSTATE only: messages of the database can hold values. A database that cannot take
    more is a 503, which callers may take as a word to leave it alone; other trouble is a 500.
    """
    try:
        user_id = identify(event)
    except IdentityError as error:
        to.warning("[ERROR] nobody to answer", status=int(error.status), reason=str(error), request_id=request_id)
        return refusal(error.status, str(error))
    started = time.monotonic()
    about: dict[str, Any] = {"user_id": user_id, "request_id": request_id}
    try:
        with to.subsegment("read"):
            to.annotate(canary=True, path="prisma", userId=user_id)
            with to.subsegment("postgresql", namespace="remote"):
                answer = of_user(read(user_id))
    except (psycopg.Error, RowError, AwsError, SecretError, SettingsError) as error:
        sqlstate = getattr(error, "sqlstate", None)
        kind = kind_of(sqlstate) if isinstance(error, psycopg.Error) else Trouble.PERMANENT
        about |= {"failure": type(error).__name__, "sqlstate": sqlstate, "trouble": kind.value}
        to.error("[PRISMA-ERROR] database read failed", **about)
        return trouble(HTTPStatus.SERVICE_UNAVAILABLE if kind is Trouble.OVERLOAD else HTTPStatus.INTERNAL_SERVER_ERROR)
    to.info("[CANARY-SUCCESS] read", status=answer.status, duration_ms=(time.monotonic() - started) * 1000, **about)
    return answer


@cache
def _users() -> PostgresUsers:
    settings = candidate_settings()
    return PostgresUsers(
        DatabaseSecret(settings.secret, service("secretsmanager")),
        settings.statement_timeout_ms,
        prepared_statements=settings.prepared_statements,
    )
