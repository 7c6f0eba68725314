"""Control: yesterday's export of the old system."""

import json

from read_path.core.answer import Answer

_EXPORT = {
    "order-1": {
        "id": "order-1",
        "userId": "user-1",
        "total": "10.50",
        "placedAt": "2026-01-02T09:00:00Z",
        "skus": ["tea", "cup"],
    },
    "order-2": {
        "id": "order-2",
        "userId": "user-1",
        "total": "0.10",
        "placedAt": "2026-01-03T09:00:00Z",
        "skus": ["spoon"],
    },
}


def read(order_id: str) -> Answer:
    """Answer 200 with the order, or 404 when there is none, or it was cancelled."""
    order = _EXPORT.get(order_id)
    return Answer(200, json.dumps(order)) if order else Answer(404, json.dumps({"error": "not found"}))
