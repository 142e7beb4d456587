from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from ferce_agent.service.reader_processes import FAILED_STARTS, MOST_DEATHS, ReaderProcesses
from tests.service.reading_examples import make_echo, make_nothing

LIMIT_S = 120.0
"""Nothing here takes more than a second or two; a machine may be much slower."""


def lost(job: str) -> str:
    return f"lost {job}"


@asynccontextmanager
async def readers(
    make: Callable[[], Callable[[Sequence[str]], list[str]]], workers: int = 1, patience_s: float = LIMIT_S
) -> AsyncIterator[ReaderProcesses[str, str]]:
    pool = ReaderProcesses(make, lost, workers=workers, most_together=4, patience_s=patience_s)
    await pool.start()
    try:
        async with asyncio.timeout(LIMIT_S):
            yield pool
    finally:
        await pool.close()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def test_answers_come_in_order_and_what_was_given_before_the_end_is_read(tmp_path: Path) -> None:
    async def run() -> None:
        async with readers(partial(make_echo, tmp_path)) as pool:
            asked = asyncio.create_task(pool.read(["last"]))
            assert await pool.read(["one", "two"]) == ["one (2)", "two (2)"]
            assert pool.state == "ready"
            await asyncio.sleep(0)
        assert await asked == ["last (1)"]
        assert await pool.read(["late"]) == ["lost late"]

    asyncio.run(run())


def test_a_killed_reader_loses_no_job_and_a_job_that_kills_costs_no_other(tmp_path: Path) -> None:
    async def run() -> None:
        async with readers(partial(make_echo, tmp_path)) as pool:
            assert await pool.read(["one", "kill-once a", "two"]) == ["one (1)", "kill-once a (1)", "two (1)"]
            assert pool.deaths == 1
            assert await pool.read(["three", "kill"]) == ["three (1)", "lost kill"]
            assert pool.deaths == 1 + MOST_DEATHS
            await pool.read(["warm"])
            [idle] = pool.processes
            os.kill(idle, signal.SIGKILL)
            await until(lambda: pool.deaths == 2 + MOST_DEATHS)
            assert await pool.read(["four"]) == ["four (1)"]

    asyncio.run(run())


def test_a_reader_that_hangs_is_ended(tmp_path: Path) -> None:
    async def run() -> None:
        async with readers(partial(make_echo, tmp_path), patience_s=0.05) as pool:
            assert await pool.read(["sleep"]) == ["lost sleep"]

    asyncio.run(run())


def test_readers_that_cannot_start_are_said_to_have_failed() -> None:
    async def run() -> None:
        async with readers(make_nothing) as pool:
            assert await pool.read(["one"]) == ["lost one"]
            assert pool.state == "failed"
            assert pool.deaths == 0

    assert FAILED_STARTS > 1
    asyncio.run(run())


def test_signals_for_all_processes_are_left_to_the_one_in_front(tmp_path: Path) -> None:
    async def run() -> None:
        async with readers(partial(make_echo, tmp_path)) as pool:
            await pool.read(["one"])
            [reader] = pool.processes
            os.kill(reader, signal.SIGTERM)
            os.kill(reader, signal.SIGINT)
            assert await pool.read(["two"]) == ["two (1)"]
            assert pool.processes == (reader,)

    asyncio.run(run())
