from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import ferce_agent
from ferce_agent.concurrency.lazy import lazy_property, once, once_each
from ferce_agent.graphs.engines import Engines
from ferce_agent.ontology.store import ontology
from ferce_agent.settings import Settings

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


def test_a_function_of_one_argument_is_carried_out_once_for_each() -> None:
    made: list[str] = []
    barrier = threading.Barrier(THREADS)

    @once_each
    def value(name: str) -> object:
        made.append(name)
        return object()

    def ask(number: int) -> object:
        barrier.wait(120)
        return value("ab"[number % 2])

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(ask, range(THREADS)))
    assert sorted(made) == ["a", "b"]
    assert len({id(one) for one in found}) == 2
    value.cache_clear()
    assert value("a") not in found


PACKAGE = Path(ferce_agent.__file__).parent
UNLOCKED = re.compile(r"\bcached_property\b|@(?:functools\.)?(?:lru_)?cache\b")


def test_nothing_in_the_package_is_made_lazily_without_a_lock() -> None:
    folders = {folder.resolve() for folder in (PACKAGE, *PACKAGE.iterdir()) if folder.is_dir()}  # some are links
    files = {file for folder in folders for file in folder.rglob("*.py")} - {PACKAGE / "concurrency" / "lazy.py"}
    assert len(files) > 120
    assert not [file for file in files if UNLOCKED.search(file.read_text("utf-8"))]


def test_sixteen_threads_share_one_of_each_engine() -> None:
    """All begin at once on engines that nobody has used: one session, one asker, one of everything else."""
    engines = Engines(Settings(vlm="openai:http://127.0.0.1:9/v1#none"))
    barrier = threading.Barrier(16)
    opened: list[Any] = []

    def engine(number: int) -> tuple[int, ...]:
        barrier.wait(120)
        shared: list[Any] = [
            engines.pipeline.specialist._session,
            engines.pipeline.specialist.card,
            engines.asker,
            engines.events,
        ]
        shared += [
            engines.pipeline.vocabulary,
            engines.asker.faces.prompt if engines.asker else None,
            ontology(),
            ontology()._compounds,
        ]
        opened.append(shared)
        return tuple(id(one) for one in shared)

    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(engine, range(16)))
    assert len(opened) == 16
    assert len(found) == 1
