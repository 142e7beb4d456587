from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ferce_agent.errors import ClipFormatError, EngineError, UnavailableError
from ferce_agent.graphs.engines import Engines
from ferce_agent.service.recording_process import PATIENCE_S, Recording, RecordingProcess
from tests.service.recording_examples import (
    Bug,
    Counted,
    Deadly,
    Endless,
    Silent,
    make_nothing,
    make_with_quick_signs,
)

LIMIT_S = 120.0
"""Nothing here takes more than a second or two; a machine may be much slower."""


@asynccontextmanager
async def process(
    make: Callable[[], Engines] = Engines, patience_s: float = PATIENCE_S
) -> AsyncIterator[RecordingProcess]:
    one = RecordingProcess(make, patience_s=patience_s)
    try:
        async with asyncio.timeout(LIMIT_S):
            yield one
    finally:
        await one.close()


async def told(one: RecordingProcess, recording: Recording) -> list[Any]:
    async with aclosing(one.told(recording)) as parts:
        return [part async for part in parts]


async def test_what_is_told_comes_in_order_and_errors_as_they_are(tmp_path: Path) -> None:
    async with process() as one:
        assert one.pid is None
        assert await told(one, Counted(3)) == [0, 1, 2]
        first = one.pid
        with pytest.raises(ClipFormatError, match="No film"):
            await told(one, Counted(0, fails=True))
        with pytest.raises(EngineError) as caught:
            await told(one, Bug())
        assert "what a client sent" not in str(caught.value)
        assert await told(one, Counted(500)) == list(range(500))
        os.kill(first or 0, signal.SIGTERM)  # what a supervisor sends to all processes
        assert await told(one, Counted(1)) == [0]
        assert one.pid == first
    assert one.pid is None


async def test_what_nobody_wants_any_more_is_stopped_and_the_next_one_is_read(tmp_path: Path) -> None:
    async with process() as one:
        async with aclosing(one.told(Endless(tmp_path / "closed"))) as parts:
            assert await anext(parts) == 0
            first = one.pid
        assert (tmp_path / "closed").exists()
        assert await told(one, Counted(2)) == [0, 1]
        begun = asyncio.Event()

        async def waiting() -> None:
            async for _ in one.told(Endless(tmp_path / "cancelled")):
                begun.set()

        task = asyncio.create_task(waiting())
        await begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await told(one, Counted(2)) == [0, 1]
        assert (tmp_path / "cancelled").exists()
        early = asyncio.create_task(told(one, Endless(tmp_path / "early")))
        await asyncio.sleep(0)
        early.cancel()
        await asyncio.gather(early, return_exceptions=True)
        assert await told(one, Counted(2)) == [0, 1]
        assert one.pid == first


@pytest.mark.slow
async def test_a_death_costs_a_recording_only_what_was_told_of_it(tmp_path: Path) -> None:
    async with process() as one:
        assert await told(one, Deadly(0, tmp_path / "once")) == ["read"]
        with pytest.raises(UnavailableError):
            await told(one, Deadly(2, tmp_path / "told", always=True))
        with pytest.raises(UnavailableError):
            await told(one, Deadly(0, tmp_path / "always", always=True))
        assert await told(one, Counted(1)) == [0]
        os.kill(one.pid or 0, signal.SIGKILL)
        assert await told(one, Counted(1)) == [0]


@pytest.mark.slow
async def test_a_process_that_gives_no_sign_is_ended() -> None:
    async with process(make_with_quick_signs, patience_s=1.0) as one:
        assert await told(one, Silent(3.0, signs=True)) == ["read"]
        with pytest.raises(UnavailableError):
            await told(one, Silent(LIMIT_S, signs=False))
    async with process(make_nothing) as one:
        with pytest.raises(UnavailableError):
            await told(one, Counted(1))
