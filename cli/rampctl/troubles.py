"""Other people's exceptions, told as one sentence with what to do."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
)
from local_stack.process import LocalStackError
from ramp.core.plan import PlanInvalid
from ramp.errors import AwsUnavailable

from rampctl.exits import Exit

EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"})
DENIED = frozenset({"AccessDenied", "AccessDeniedException"})


FORESEEN: tuple[type[Exception], ...] = (PlanInvalid, LocalStackError, ClientError, BotoCoreError, AwsUnavailable)


def told_as(error: Exception) -> tuple[str, Exit]:
    """What to tell and how to exit for one of FORESEEN; anything else is a bug, and shows as one."""
    if isinstance(error, PlanInvalid):
        return str(error), Exit.BAD_PLAN
    if isinstance(error, ClientError):
        return _refusal(error), Exit.UNKNOWN
    if isinstance(error, BotoCoreError):
        return _no_answer(error), Exit.UNKNOWN
    if isinstance(error, AwsUnavailable):
        return f"AWS: {_sentence(error)}.", Exit.UNKNOWN
    return f"local stack: {error}", Exit.UNKNOWN


def _no_answer(error: BotoCoreError) -> str:
    if isinstance(error, NoCredentialsError | PartialCredentialsError | ProfileNotFound):
        return f"AWS: {_sentence(error)}. Log in (aws configure, aws sso login), set AWS_PROFILE, or use --local."
    if isinstance(error, EndpointConnectionError | ConnectTimeoutError | ReadTimeoutError):
        return (
            f"AWS: {_sentence(error)}. Check the network and AWS_ENDPOINT_URL; for the local stack, ramp local status."
        )
    return f"AWS: {_sentence(error)}."


def _refusal(error: ClientError) -> str:
    code = error.response["Error"]["Code"]
    if code in EXPIRED:
        return f"AWS: {_sentence(error)}. Log in again (aws configure, aws sso login), or use --local."
    if code in DENIED:
        return f"AWS: {_sentence(error)}. This identity lacks that permission."
    return f"AWS: {_sentence(error)}."


def _sentence(error: Exception) -> str:
    return str(error).rstrip(".")
