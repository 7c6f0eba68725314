"""What the load's benchmark makes of the lines and of the memory that it saw."""

from __future__ import annotations

from typing import Any

from benchmarks.load.ledger import Ledger, settle
from benchmarks.load.memory import growths


def read(request: str, *, errors: int = 0, dispatch_errors: int = 0) -> dict[str, Any]:
    return {"request_id": request, "errors": errors, "dispatch_errors": dispatch_errors}


def test_every_answer_that_was_to_be_compared_is_in_one_kind() -> None:
    reads = [
        read("compared"),
        read("twice"),
        read("late", dispatch_errors=1),
        read("unsent", dispatch_errors=1),
        read("given up"),
        read("unknown"),
        read("failed", errors=1),
    ]
    comparisons = [{"request_id": request} for request in ("compared", "twice", "twice", "late")]
    ledger = settle(reads, comparisons, ["given up", "unsent"])
    assert ledger == Ledger(owed=6, compared=2, arrived=1, unsent=1, undelivered=1, unknown=1, repeated=1)


def test_a_sandbox_that_grows_after_its_warm_up_is_found_however_many_stay_flat() -> None:
    """An average over all sandboxes would hide it, and a new sandbox would pass for growth."""
    samples = []
    for moment in range(12):
        warmed = {("flat", 1): 30.0 + min(moment, 4), ("grows", 2): 30.0 + moment}
        samples.append(warmed | ({("young", 3): 90.0 + moment} if moment > 8 else {}))
    flat, grows = growths(samples)
    assert (flat.function, flat.share) == ("flat", 0)
    assert (grows.function, grows.before_mb, grows.after_mb) == ("grows", 35.5, 39.5)


def test_of_too_few_samples_nothing_is_said() -> None:
    assert growths([{("f", 1): 30.0}] * 5) == []
    assert growths([]) == []
