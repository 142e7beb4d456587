from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ferce_agent.lazy import lazy_property, once

THREADS = 8


class Holder:
    """Makes a value whose making lasts until another thread had the chance to begin as well."""

    def __init__(self) -> None:
        self.made = 0
        self.pause = threading.Event()

    @lazy_property
    def value(self) -> object:
        """A new object."""
        self.made += 1
        self.pause.wait(0.05)
        return object()


def test_all_threads_get_the_same_object() -> None:
    holder = Holder()
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda _: holder.value, range(THREADS)))
    assert holder.made == 1
    assert len({id(one) for one in found}) == 1


def test_objects_have_values_of_their_own_and_can_forget_them() -> None:
    one, two = Holder(), Holder()
    before = one.value
    assert before is not two.value
    del one.__dict__["value"]
    assert one.value is not before
    assert Holder.value.__doc__ == "A new object."


def test_a_failure_is_not_kept() -> None:
    class Broken:
        tries = 0

        @lazy_property
        def value(self) -> int:
            self.tries += 1
            if self.tries == 1:
                raise ValueError("not yet")
            return self.tries

    broken = Broken()
    with pytest.raises(ValueError, match="not yet"):
        _ = broken.value
    assert broken.value == 2


def test_a_function_is_carried_out_once() -> None:
    made: list[int] = []
    pause = threading.Event()

    @once
    def build() -> object:
        """Build."""
        made.append(1)
        pause.wait(0.05)
        return object()

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda _: build(), range(THREADS)))
    assert len(made) == 1
    assert len({id(one) for one in found}) == 1
    assert build.__doc__ == "Build."
    build.cache_clear()
    assert build() is not found[0]
