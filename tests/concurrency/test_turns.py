from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ferce_agent.concurrency.cancellation import Cancellation
from ferce_agent.concurrency.turns import Turns


def wait_until_ahead(turns: Turns, number: int) -> None:
    pause = threading.Event()
    while turns.ahead < number:
        pause.wait(0.001)


def test_first_come_first_served() -> None:
    turns, order = Turns(), []

    def take(number: int) -> None:
        with turns.taken(Cancellation(), 120) as inside:
            assert inside
            order.append(number)

    with ThreadPoolExecutor(8) as pool:
        assert turns.enter(Cancellation(), 0)
        for number in range(8):
            pool.submit(take, number)
            wait_until_ahead(turns, number + 2)
        turns.leave()
    assert order == list(range(8))
    assert turns.ahead == 0


def test_whoever_waits_can_be_called_off_and_leaves_no_gap() -> None:
    turns, cancel = Turns(), Cancellation()
    assert turns.enter(Cancellation(), 0)
    with ThreadPoolExecutor(2) as pool:
        gone = pool.submit(turns.enter, cancel, 600)
        wait_until_ahead(turns, 2)
        next_one = pool.submit(turns.enter, Cancellation(), 600)
        wait_until_ahead(turns, 3)
        cancel.set()
        assert not gone.result(120)
        assert turns.ahead == 2
        turns.leave()
        assert next_one.result(120)
    turns.leave()
    assert turns.ahead == 0
    assert not turns.enter(cancel, 600)


def test_a_limit_ends_the_waiting() -> None:
    turns = Turns(2)
    assert turns.enter(Cancellation(), 0)
    assert turns.enter(Cancellation(), 0)
    assert not turns.enter(Cancellation(), 0)
    assert not turns.enter(Cancellation(), -5)
    turns.leave()
    assert turns.enter(Cancellation(), 0)


def test_an_interrupted_wait_keeps_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns()
    assert turns.enter(Cancellation(), 0)

    class Interrupted(Cancellation):
        def calling(self, action):  # type: ignore[no-untyped-def]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        turns.enter(Interrupted(), 60)
    assert turns.ahead == 1
    turns.leave()
    assert turns.enter(Cancellation(), 0)


def test_a_cancellation_calls_back_once_it_is_set_and_only_then() -> None:
    cancel, called = Cancellation(), []
    with cancel.calling(lambda: called.append("a")):
        assert called == []
        cancel.set()
        assert called == ["a"]
    cancel.set()
    assert called == ["a"]
    with cancel.calling(lambda: called.append("late")):
        assert called == ["a", "late"]
