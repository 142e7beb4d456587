"""Opens the film that a model names, only after the rules allow the use and only from where it may name files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path

from ferce_agent.concurrency.opening import opened_aside
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


def aopened(asked: AnalyzeClipInput, roots: tuple[Path, ...], engines: Engines) -> AbstractAsyncContextManager[Clip]:
    """Return what yields the film without blocking the event loop; see `permitted` and `opened_aside`."""
    return opened_aside(lambda: permitted(asked, roots, engines))
