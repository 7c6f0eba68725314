"""What became of every comparison, from the lines that router and comparator wrote of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class Ledger(NamedTuple):
    """Reads whose answers were to be compared (`owed`), each in one of the kinds below but for `repeated`.

    `arrived` were counted as not sent, since the sending took too long, and compared all the same. `undelivered` were
    accepted and given up later: they lie in the queue of failures. Of `unknown` nobody knows anything.
    """

    owed: int
    compared: int
    arrived: int
    unsent: int
    undelivered: int
    unknown: int
    repeated: int  # compared more than once: delivery is at least once


def settle(
    reads: Iterable[Mapping[str, Any]], comparisons: Iterable[Mapping[str, Any]], undelivered: Iterable[str]
) -> Ledger:
    """Match the lines by the id of the request. Every answer counts, since all are sampled.

    `reads` are the router's lines with metrics, `comparisons` the comparator's, `undelivered` ids of requests.
    """
    lines = {line["request_id"]: line for line in reads}
    owed = {request for request, line in lines.items() if not line["errors"]}
    unsent = {request for request in owed if lines[request]["dispatch_errors"]}
    outcomes = Counter(line["request_id"] for line in comparisons)
    compared = owed & outcomes.keys()
    given_up = (owed & set(undelivered)) - compared - unsent
    return Ledger(
        owed=len(owed),
        compared=len(compared - unsent),
        arrived=len(compared & unsent),
        unsent=len(unsent - compared),
        undelivered=len(given_up),
        unknown=len(owed - compared - unsent - given_up),
        repeated=sum(times > 1 for times in outcomes.values()),
    )
