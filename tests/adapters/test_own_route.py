"""The worked example of a route of one's own: both arms give equal answers, and a difference would be found."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from read_path.core.comparison import compare

from examples.own_route import candidate, control

SCHEMA = Path(__file__).parents[2] / "examples" / "own_route" / "orders.sql"


@pytest.fixture
def orders(postgres_url: str) -> Iterator[psycopg.Connection]:
    """A connection with the example's tables, which nobody else sees and nobody keeps."""
    with psycopg.connect(postgres_url) as connection:
        connection.execute(SCHEMA.read_bytes())
        yield connection
        connection.rollback()


@pytest.mark.parametrize("order_id", ["order-1", "order-2", "order-3", "order-4"])
def test_both_arms_answer_alike(order_id: str, orders: psycopg.Connection) -> None:
    """Cancelled and unknown orders too: a 404 is an answer."""
    assert compare(control.read(order_id), candidate.read(orders, order_id)) == []


def test_a_difference_is_found(orders: psycopg.Connection) -> None:
    """So that the test above says something."""
    orders.execute("UPDATE orders SET total = 10.51 WHERE id = 'order-1'")
    (difference,) = compare(control.read("order-1"), candidate.read(orders, "order-1"))
    assert (difference.control, difference.candidate) == ("10.50", "10.51")
