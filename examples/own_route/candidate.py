"""The candidate: the same orders from PostgreSQL, in one query."""

import json

import psycopg
from read_path.core.answer import Answer

_ORDER = """
    SELECT json_build_object(
        'id', id, 'userId', user_id, 'total', total::text,
        'placedAt', to_char(placed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'skus', (SELECT json_agg(sku ORDER BY position) FROM order_lines WHERE order_id = orders.id)
    ) FROM orders WHERE id = %s AND cancelled_at IS NULL
"""


def read(connection: psycopg.Connection, order_id: str) -> Answer:
    """Answer 200 with the order, or 404 when there is none, or it was cancelled. Raises psycopg.Error."""
    row = connection.execute(_ORDER, (order_id,)).fetchone()
    return Answer(200, json.dumps(row[0])) if row else Answer(404, json.dumps({"error": "not found"}))
