"""Asking a model: the queue, the clock, calling off. The model here is a thread that does what the test says."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ferce_agent.concurrency.cancellation import Cancellation
from ferce_agent.concurrency.turns import Turns
from ferce_agent.errors import VlmCancelledError, VlmError, VlmTimeoutError
from ferce_agent.settings import Settings
from ferce_agent.vlm.ask import Asker
from ferce_agent.vlm.extraction.repair import extract_with_repairs
from ferce_agent.vlm.extraction.shape import shape_for
from ferce_agent.vlm.protocol import LOADING, Answer, Request, _Call, ask_in_time, called_off


class Model:
    """Answers when it is let; stops when it is told to, and says so."""

    name, version, remote, most_pictures = "model", "1", False, 1

    def __init__(self) -> None:
        self.turns = Turns()
        self.begun, self.go = threading.Semaphore(0), threading.Semaphore(0)
        self.stopped: list[str] = []
        self.threads: list[threading.Thread] = []

    def ask(self, request: Request) -> Answer:
        self.threads.append(threading.current_thread())
        self.begun.release()
        pause = threading.Event()
        with request.cancel.calling(pause.set):
            while not self.go.acquire(blocking=False):
                if pause.wait(0.002):
                    self.stopped.append(request.prompt)
                    raise called_off(self.name)
        return Answer(request.prompt)


def ask_behind(
    model: Model, first: Request, then: Request, meanwhile: Callable[[], None], let: int = 2
) -> tuple[object, object]:
    """Ask two questions, the second one while the first is being answered; do something; let so many be answered."""

    def ask(request: Request) -> object:
        try:
            return ask_in_time(model, request).text
        except VlmError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(ask, first)
        assert model.begun.acquire(timeout=120)
        two = pool.submit(ask, then)
        while model.turns.ahead < 2:
            time.sleep(0.001)
        meanwhile()
        if let:
            model.go.release(let)
        return one.result(120), two.result(120)


Limits = list[tuple[str, float, str | None]]


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Limits:
    """Each wait for a model that is no longer queued for: the question, the seconds allowed, and what ended it.

    The waiting itself lasts as long as it has to: no clock of this machine decides.
    """
    found: Limits = []
    wait = _Call._next

    def watched(call: _Call, seconds: float) -> str | None:
        news = wait(call, 120)
        found.append((call._request.prompt, seconds, news))
        return news

    monkeypatch.setattr(_Call, "_next", watched)
    return found


def test_waiting_for_the_turn_is_not_the_models_time(limits: Limits) -> None:
    model = Model()

    def nothing_counts_yet() -> None:
        while not limits:  # until the first one's asker has heard that it began
            time.sleep(0.001)
        assert [prompt for prompt, *_ in limits] == ["one"]

    said = ask_behind(model, Request("one", ()), Request("two", (), seconds=0.001), nothing_counts_yet)
    assert said == ("one", "two")
    assert [wait for wait in limits if wait[0] == "two"] == [("two", LOADING, "began"), ("two", 0.001, "ended")]


def test_loading_is_not_the_models_time(limits: Limits) -> None:
    class Slow(Model):
        def prepare(self) -> None:
            assert limits == []

    model = Slow()
    model.go.release()
    assert ask_in_time(model, Request("one", (), seconds=0.001)).text == "one"
    assert limits == [("one", LOADING, "began"), ("one", 0.001, "ended")]


def test_a_deadline_counts_the_waiting_too() -> None:
    model = Model()
    assert model.turns.enter(Cancellation(), 0)
    with pytest.raises(VlmTimeoutError, match="busy") as caught:
        ask_in_time(model, Request("two", (), deadline=time.monotonic() + 0.05))
    assert caught.value.seconds == 0
    assert model.turns.ahead == 1
    assert model.threads == []


def test_who_waits_is_called_off_at_once_and_the_model_never_hears_of_it() -> None:
    model, cancel = Model(), Cancellation()
    one, two = ask_behind(model, Request("one", ()), Request("two", (), cancel=cancel), cancel.set)
    assert one == "one"
    assert isinstance(two, VlmCancelledError)
    assert model.stopped == []
    assert len(model.threads) == 1


def test_a_run_that_is_called_off_ends_all_its_questions_and_their_threads() -> None:
    model, cancel = Model(), Cancellation()
    said = ask_behind(model, Request("one", (), cancel=cancel), Request("two", (), cancel=cancel), cancel.set, 0)
    assert [type(one) for one in said] == [VlmCancelledError] * 2
    for thread in model.threads:
        thread.join(120)
        assert not thread.is_alive()
    assert model.stopped == ["one"]
    assert model.turns.ahead == 0


def test_an_answer_does_not_call_off_the_run() -> None:
    model, cancel = Model(), Cancellation()
    model.go.release(2)
    request = Request("one", (), cancel=cancel)
    assert ask_in_time(model, request) == ask_in_time(model, request)
    assert not cancel.is_set()


def test_too_late_is_stopped_and_makes_room() -> None:
    model = Model()
    with pytest.raises(VlmTimeoutError) as caught:
        ask_in_time(model, Request("one", (), seconds=0.05))
    assert caught.value.seconds >= 0.05
    (thread,) = model.threads
    thread.join(120)
    assert (model.stopped, model.turns.ahead) == (["one"], 0)


def test_an_interrupt_stops_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    model = Model()
    with pytest.raises(KeyboardInterrupt):
        ask_in_time(model, Request("one", (), began=interrupt))
    (thread,) = model.threads
    thread.join(120)
    assert (model.stopped, model.turns.ahead) == (["one"], 0)


def test_the_pace_is_that_of_the_model_alone() -> None:
    model = Model()
    asker = Asker(model, Settings())

    def ask(prompt: str) -> Answer:
        return asker.ask(Request(prompt, ()))

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(ask, "one")
        assert model.begun.acquire(timeout=120)
        asked = time.monotonic()
        two = pool.submit(ask, "two")
        while model.turns.ahead < 2:
            time.sleep(0.001)
        time.sleep(0.3)
        model.go.release()
        first = one.result(120).seconds
        model.go.release()
        second = two.result(120).seconds
        whole = time.monotonic() - asked
    assert first is not None
    assert second is not None
    assert list(asker._pace.seconds) == [first, second]
    assert first >= 0.3
    assert second <= whole - 0.3  # it waited as long, and that is not in its time
    before = list(asker._pace.seconds)
    with pytest.raises(VlmTimeoutError):
        assert model.turns.enter(Cancellation(), 0)
        asker.ask(Request("three", (), deadline=time.monotonic()))
    assert list(asker._pace.seconds) == before


def test_repairs_keep_the_deadline_and_the_cancellation() -> None:
    request = Request("Look.", (), shape_for().grammar, seconds=9.0, deadline=time.monotonic() + 99, began=lambda: None)
    asked: list[Request] = []

    def ask(again: Request) -> Answer:
        asked.append(again)
        return Answer("happy", seconds=4.0)

    extract_with_repairs(ask, Answer("?"), request, shape_for())
    (again,) = asked
    assert again.cancel is request.cancel
    assert again == replace(request, prompt=again.prompt)
    assert again.began is None


def test_any_error_of_a_model_is_a_typed_one() -> None:
    class Broken(Model):
        def ask(self, request: Request) -> Answer:
            raise SystemExit(3)

    model = Broken()
    with pytest.raises(VlmError, match="SystemExit"):
        ask_in_time(model, Request("one", ()))
    assert model.turns.ahead == 0


def test_a_model_that_nobody_holds_is_freed_at_once() -> None:
    model = Model()
    asker, alive = Asker(model, Settings()), weakref.ref(model)
    assert asker.scenes is not None
    gc.disable()
    try:
        del model, asker
        assert alive() is None
    finally:
        gc.enable()
