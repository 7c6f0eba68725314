"""Starts the read path's sandboxes before the first request does.

Here a cold start costs about a second of a processor that everything else shares: a burst of them makes reads slow,
slow reads overlap, and every overlap is one more cold start. On Lambda they cost each other nothing.
"""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from local_stack.traffic import ALIAS, FUNCTION, read_weights

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient

SANDBOXES = 4  # of each function: enough for the default traffic to overlap without a cold start
CANDIDATE = "huntaze-prisma-read"
COMPARATOR = "huntaze-shadow-compare"
READ = {"userId": "user-1"}
# Outside a ramp, and without an answer of control to compare with, so that no evidence comes of it.
COMPARISON = {
    "kind": "shadow",
    "ramp": "none",
    "step": 0,
    "user_id": "user-1",
    "request_id": "warm",
    "budget_ms": 10_000,
    "control": {"statusCode": 503, "body": "{}"},
    "candidate": None,
}


def warm(client: Callable[[str], Any]) -> None:
    """Return when every version behind the alias, the candidate and the comparator have SANDBOXES sandboxes.

    What they answer does not matter here.
    """
    functions: LambdaClient = client("lambda")
    versions = list(read_weights(functions, FUNCTION, ALIAS))
    _invoke_together(functions, [(CANDIDATE, "$LATEST", READ)])
    _invoke_together(functions, [(COMPARATOR, "$LATEST", COMPARISON), *((FUNCTION, live, READ) for live in versions)])


def _invoke_together(functions: "LambdaClient", calls: list[tuple[str, str, dict[str, Any]]]) -> None:
    """Every call SANDBOXES times at once: an invocation that finds all sandboxes busy starts another."""
    with ThreadPoolExecutor(len(calls) * SANDBOXES) as threads:
        for name, qualifier, event in calls * SANDBOXES:
            payload = json.dumps(event)
            threads.submit(functions.invoke, FunctionName=name, Qualifier=qualifier, Payload=payload)
