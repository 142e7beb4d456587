from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ferce_agent.concurrency.ahead import Ahead


def counted(most: int, made: list[int]) -> Iterator[int]:
    for number in range(most):
        made.append(number)
        yield number


def taken(ahead: Ahead[int], most: int) -> list[int]:
    found: list[int] = []
    while part := ahead.take(most):
        found += part
    return found


def test_all_items_come_in_order_and_the_source_is_closed() -> None:
    closed = threading.Event()
    ahead = Ahead(range(100), weigh=lambda _: 1, most=7, close=closed.set)
    assert taken(ahead, 3) == list(range(100))
    assert ahead.join(10)
    assert closed.is_set()


def test_no_more_than_the_limit_waits() -> None:
    made: list[int] = []
    ahead = Ahead(counted(1000, made), weigh=lambda _: 1, most=5)
    assert ahead.take(1) == [0]
    assert ahead.take(50, least=5) == [1, 2, 3, 4, 5]
    assert len(made) <= 12  # six were taken, five wait, one is being put
    ahead.stop()
    assert ahead.join(10)
    assert len(made) < 1000


def test_a_failure_comes_after_the_items_before_it() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise KeyError("gone")

    ahead = Ahead(broken(), weigh=lambda _: 1, most=5)
    assert ahead.take(5, least=2) == [1]
    with pytest.raises(KeyError):
        ahead.take(5)


def test_stopping_wakes_whoever_waits() -> None:
    gate = threading.Event()

    def slow() -> Iterator[int]:
        gate.wait(10)
        yield 1

    ahead = Ahead(slow(), weigh=lambda _: 1, most=5)
    threading.Timer(0.05, ahead.stop).start()
    assert ahead.take(5) == []
    gate.set()
    assert ahead.join(10)


def test_an_item_over_the_limit_still_comes_through() -> None:
    assert taken(Ahead([10, 20, 30], weigh=lambda item: item, most=1), 8) == [10, 20, 30]


def test_whoever_waits_can_call_it_off_and_go_on_later() -> None:
    gate = threading.Event()

    def slow() -> Iterator[int]:
        gate.wait(10)
        yield 1

    ahead = Ahead(slow(), weigh=lambda _: 1, most=5)
    assert ahead.take(5, called_off=lambda: True) == []
    assert not ahead.ended
    gate.set()
    assert taken(ahead, 5) == [1]
    assert ahead.ended


def test_with_nothing_ahead_an_item_is_made_when_it_is_wanted() -> None:
    made: list[int] = []
    ahead = Ahead(counted(100, made), weigh=lambda _: 1, most=0)
    for number in range(5):
        assert made == list(range(number))
        assert ahead.take(16) == [number]
    ahead.stop()
    assert ahead.join(10)
    assert made == list(range(5))


def test_stopping_interrupts_a_source_that_waits() -> None:
    gate = threading.Event()

    def silent() -> Iterator[int]:
        gate.wait()
        yield from ()

    ahead = Ahead(silent(), weigh=lambda _: 1, most=5, interrupt=gate.set)
    ahead.stop()
    assert ahead.join(10)
