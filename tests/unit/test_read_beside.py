"""What nobody can hurry is waited for only so long, and one thread at most is left behind by it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from read_path.beside import Beside


@dataclass
class Maker:
    """Makes 1, 2, 3, …; while it hangs, it makes nothing."""

    goes_on: threading.Event = field(default_factory=threading.Event)
    begun: int = 0
    ended: int = 0
    fails: OSError | None = None

    def __call__(self) -> int:
        self.begun += 1
        number = self.begun
        self.goes_on.wait(10)
        self.ended += 1
        if self.fails:
            raise self.fails
        return number


@pytest.fixture
def maker() -> Iterator[Maker]:
    made = Maker()
    made.goes_on.set()
    yield made
    made.goes_on.set()


def within(seconds: float) -> float:
    return time.monotonic() + seconds


def waited(call: Callable[[], object]) -> float:
    started = time.monotonic()
    call()
    return time.monotonic() - started


def settled(condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true within two seconds: the making thread is a real one."""
    until = within(2)
    while not condition() and time.monotonic() < until:
        time.sleep(0.005)
    return condition()


def test_a_fresh_value_is_made_once(maker: Maker) -> None:
    kept = Beside(maker)
    assert [kept.value(within(2)) for _ in range(3)] == [1, 1, 1]
    assert maker.begun == 1


def test_the_first_value_is_waited_for_until_the_deadline_and_by_everybody_together(maker: Maker) -> None:
    maker.goes_on.clear()
    kept = Beside(maker)

    def ask() -> None:
        with pytest.raises(TimeoutError):
            kept.value(within(0.05))

    assert 0.05 <= waited(ask) < 0.5
    for _ in range(3):
        ask()
    assert maker.begun == 1
    maker.goes_on.set()
    assert kept.value(within(2)) == 1


def test_an_old_value_serves_at_once_while_a_newer_one_is_made(maker: Maker) -> None:
    kept = Beside(maker, fresh_seconds=0)
    kept.value(within(2))
    maker.goes_on.clear()
    for _ in range(3):
        assert waited(lambda: kept.value(within(5))) < 0.5
    assert (kept.value(within(0)), maker.begun) == (1, 2)
    maker.goes_on.set()
    assert settled(lambda: maker.ended == 2)
    assert kept.value(within(0)) == 2


def test_what_fails_is_an_error_at_first_and_never_takes_the_last_good_value_away(maker: Maker) -> None:
    kept = Beside(maker, fresh_seconds=0)
    maker.fails = OSError("no such name")
    with pytest.raises(OSError, match="could not be made"):
        kept.value(within(2))
    maker.fails = None
    assert kept.value(within(2)) == 2
    maker.fails = OSError("no such name")
    assert kept.value(within(2)) == 2
    assert settled(lambda: maker.ended == 3)
    assert kept.value(within(2)) == 2


def test_what_turned_out_to_be_of_no_use_is_made_anew(maker: Maker) -> None:
    kept = Beside(maker)
    kept.value(within(2))
    kept.drop()
    assert kept.value(within(2)) == 2


def test_it_can_be_begun_before_anybody_asks_and_is_not_begun_twice(maker: Maker) -> None:
    maker.goes_on.clear()
    kept = Beside(maker)
    for _ in range(3):
        assert waited(kept.begin) < 0.5
    maker.goes_on.set()
    assert settled(lambda: maker.ended == 1)
    kept.begin()
    assert (kept.value(within(0)), maker.begun) == (1, 1)


def test_the_age_counts_from_the_beginning(maker: Maker) -> None:
    """A thread that froze with its sandbox brings what was true before the sleep."""
    maker.goes_on.clear()
    kept = Beside(maker, fresh_seconds=0.1)
    kept.begin()
    time.sleep(0.15)
    maker.goes_on.set()
    assert settled(lambda: maker.ended == 1)
    assert kept.value(within(2)) == 1
    assert settled(lambda: maker.ended == 2)


def test_a_maker_with_a_bug_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[type] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: seen.append(args.exc_type))

    def broken() -> int:
        raise ZeroDivisionError

    with pytest.raises(OSError, match="could not be made"):
        Beside(broken).value(within(2))
    assert settled(lambda: seen == [ZeroDivisionError])
