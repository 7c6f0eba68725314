"""What may befall one call to AWS: each kind gets the stage, the call and its effect, and gives or raises what the
caller sees.

Throttles and time-outs come as boto3 raises them when its own retries are exhausted.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from tests.sweep.memory.aws import Call, Effect
from tests.sweep.memory.errors import error_codes, refusal

if TYPE_CHECKING:
    from tests.sweep.stage import Stage

THROTTLES = {
    "dynamodb": "ProvisionedThroughputExceededException",
    "lambda": "TooManyRequestsException",
    "cloudwatch": "Throttling",
    "sns": "Throttling",
}
CONFLICTS = ("TransactionConflictException", "PreconditionFailedException", "ConflictException")
# Source: Step Functions developer guide, "Handling errors": Lambda.Unknown is a function out of time or memory.
DIED, LOST = "Lambda.Unknown", "Lambda.ServiceException"


class Killed(BaseException):  # no code may catch it, as none catches the end of a process
    """The process of a task is gone; `seen_as` is the error that Step Functions sees."""

    def __init__(self, seen_as: str) -> None:
        super().__init__(seen_as)
        self.seen_as = seen_as


class Stopped(BaseException):
    """The execution was stopped from outside, and with it the process of its task."""


Fate = Callable[["Stage", Call, Effect], Any]


def throttled(stage: Stage, call: Call, effect: Effect) -> Any:
    raise refusal(call.service, call.operation, THROTTLES.get(call.service, "ThrottlingException"), "Rate exceeded")


def timed_out_before(stage: Stage, call: Call, effect: Effect) -> Any:
    raise ConnectTimeoutError(endpoint_url=call.service)


def timed_out_after(stage: Stage, call: Call, effect: Effect) -> Any:
    effect()
    raise ReadTimeoutError(endpoint_url=call.service)


def denied(stage: Stage, call: Call, effect: Effect) -> Any:
    raise refusal(call.service, call.operation, "AccessDeniedException", "not authorized to perform this")


def conflicting(stage: Stage, call: Call, effect: Effect) -> Any:
    code = next(code for code in CONFLICTS if code in error_codes(call.service, call.operation))
    raise refusal(call.service, call.operation, code, "somebody else is at it")


def unreadable(stage: Stage, call: Call, effect: Effect) -> Any:
    effect()
    raise ResponseParserError("Unable to parse response: syntax error, line 1")


def hollow(stage: Stage, call: Call, effect: Effect) -> Any:
    """The answer without what it should carry."""
    return {
        name: io.BytesIO(b"<html>") if hasattr(found, "read") else type(found)() for name, found in effect().items()
    }


def empty(stage: Stage, call: Call, effect: Effect) -> Any:
    """The answer with a document of no bytes."""
    return {name: io.BytesIO() if hasattr(found, "read") else found for name, found in effect().items()}


def killed_before(stage: Stage, call: Call, effect: Effect) -> Any:
    raise Killed(DIED)


def killed_after(stage: Stage, call: Call, effect: Effect) -> Any:
    effect()
    raise Killed(DIED)


def lost_after(stage: Stage, call: Call, effect: Effect) -> Any:
    effect()
    raise Killed(LOST)


def stopped_before(stage: Stage, call: Call, effect: Effect) -> Any:
    raise Stopped


def stopped_after(stage: Stage, call: Call, effect: Effect) -> Any:
    effect()
    raise Stopped


def braked_meanwhile(stage: Stage, call: Call, effect: Effect) -> Any:
    """An alarm's brake runs to its end between two calls."""
    stage.alarm()
    return effect()


def stopped_meanwhile(stage: Stage, call: Call, effect: Effect) -> Any:
    """StopExecution does not stop a function that runs: the net settles, and the task goes on behind its back."""
    stage.stop()
    return effect()


def cleaned_meanwhile(stage: Stage, call: Call, effect: Effect) -> Any:
    """The daily rule comes by."""
    stage.deliver("cleanup", {})
    return effect()


def started_meanwhile(stage: Stage, call: Call, effect: Effect) -> Any:
    """Somebody starts another ramp on the same flag."""
    stage.start_another()
    return effect()


def _can_conflict(call: Call, answer: Any) -> bool:
    return any(code in error_codes(call.service, call.operation) for code in CONFLICTS)  # as the model says


def _has_fields(call: Call, answer: Any) -> bool:
    # DynamoDB's answer without Item is a proper answer: there is no such item.
    return bool(answer) and call.operation != "GetItem"


def _has_document(call: Call, answer: Any) -> bool:
    return any(hasattr(found, "read") for found in answer.values())


def _always(call: Call, answer: Any) -> bool:
    return True


@dataclass(frozen=True)
class Kind:
    """One kind of fault; `stays` is from that call on, for every call of the same operation."""

    name: str
    fate: Fate
    suits: Callable[[Call, Any], bool] = _always
    stays: bool = False


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("throttled", throttled),
        Kind("timed out before its effect", timed_out_before),
        Kind("timed out after its effect", timed_out_after),
        Kind("access denied once", denied),
        Kind("access denied from then on", denied, stays=True),
        Kind("throttled from then on", throttled, stays=True),
        Kind("conflict", conflicting, suits=_can_conflict),
        Kind("answer unreadable", unreadable),
        Kind("answer without its fields", hollow, suits=_has_fields),
        Kind("answer without its document", empty, suits=_has_document),
        Kind("task killed before its effect", killed_before),
        Kind("task killed after its effect", killed_after),
        Kind("task killed after its effect and invoked again", lost_after),
        Kind("execution and task killed before its effect", stopped_before),
        Kind("execution and task killed after its effect", stopped_after),
        Kind("execution stopped while the task goes on", stopped_meanwhile),
        Kind("alarm meanwhile", braked_meanwhile),
        Kind("clean-up meanwhile", cleaned_meanwhile),
        Kind("another start meanwhile", started_meanwhile),
    )
}


def answered(word: str) -> Kind:
    """Somebody answers a question through a link, which pulls no brake, just before the call; of ramps that ask."""

    def meanwhile(stage: Stage, call: Call, effect: Effect) -> Any:
        stage.answer(word, via="link")
        return effect()

    return Kind(f"{word} meanwhile", meanwhile)


@dataclass
class Fault:
    """Strikes the call with number `at`, from 1; `calls` is what was called, with its answers' being suited or not."""

    kind: Kind
    at: int
    count: int = 0
    struck: Call | None = None
    over: bool = field(default=False)

    def strikes(self, call: Call) -> bool:
        """Whether it is this call's turn, which is counted."""
        self.count += 1
        if self.count == self.at:
            self.struck = call
            return True
        return self.kind.stays and not self.over and self.struck is not None and str(call) == str(self.struck)
