"""Opens the film that a model names, only after the rules allow the use and only from where it may name files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.clip import Clip, open_clip
from ferce_agent.tools.clip_arguments import AnalyzeClipInput


def permitted(asked: AnalyzeClipInput, roots: tuple[Path, ...], engines: Engines) -> Clip:
    """Return the opened film; a refused use opens no file.

    Args:
        asked: What the model asks.
        roots: Folders from which it may name files and folders of pictures.
        engines: Models and settings; what they say about the use holds, too.

    Raises:
        PolicyError: The rules refuse this use.
        InputError: The film cannot be used, or is not in one of the folders.
    """
    engines.permit(asked.use_context)
    return open_clip(asked.clip, start_s=asked.start_s, end_s=asked.end_s, fps=asked.fps, roots=roots)


@contextmanager
def opened(asked: AnalyzeClipInput, roots: tuple[Path, ...], engines: Engines) -> Iterator[Clip]:
    """Yield the film, and close it however the block ends; see `permitted`."""
    with permitted(asked, roots, engines) as clip:
        yield clip


@asynccontextmanager
async def aopened(asked: AnalyzeClipInput, roots: tuple[Path, ...], engines: Engines) -> AsyncIterator[Clip]:
    """Yield the film without blocking the event loop; see `permitted`.

    A cancelled task waits neither for the film to be opened nor for it to be closed; a thread closes it.
    """
    opening = asyncio.ensure_future(asyncio.to_thread(permitted, asked, roots, engines))
    try:
        clip = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close)
        raise
    try:
        yield clip
    finally:
        asyncio.get_running_loop().run_in_executor(None, clip.close)


def _close(opening: asyncio.Future[Clip]) -> None:
    """Close what was opened for nobody; runs in the event loop, so it leaves the waiting to a thread."""
    if not opening.cancelled() and opening.exception() is None:
        opening.get_loop().run_in_executor(None, opening.result().close)
