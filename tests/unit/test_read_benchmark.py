"""What the read path's benchmark says of its samples."""

from __future__ import annotations

from benchmarks.read.turns import by_turns, p99


def test_of_three_hundred_samples_the_percentile_is_no_longer_the_worst() -> None:
    """One request that a busy machine kept waiting does not speak for the other 299; its band tells of it."""
    found = p99([*(float(number) for number in range(1, 300)), 10_000.0])
    assert (found.value, found.low, found.high) == (297.0, 293.0, 10_000.0)


def test_of_many_samples_the_band_is_narrow() -> None:
    found = p99([float(number) for number in range(100_000, 0, -1)])
    assert found.value == 99_000.0
    assert 99_000 - found.low < 70
    assert found.high - 99_000 < 70


def test_runs_take_turns_and_warm_up_unseen() -> None:
    order: list[str] = []

    def run(name: str) -> float:
        order.append(name)
        return float(len(order))

    took = by_turns({"a": lambda: run("a"), "b": lambda: run("b")}, times=2, warm=1)
    assert "".join(order) == "ababab"
    assert took == {"a": [3.0, 5.0], "b": [4.0, 6.0]}
