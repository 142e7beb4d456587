"""Opens the recording that a model names, only after the rules allow the use and only from where it may name files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path

from ferce_agent.concurrency.opening import opened_aside
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.sound import SoundStream, open_sound
from ferce_agent.tools.voice_arguments import AnalyzeVoiceInput


def permitted(asked: AnalyzeVoiceInput, roots: tuple[Path, ...], engines: Engines) -> SoundStream:
    """Return the opened recording; a refused use opens no file.

    Args:
        asked: What the model asks.
        roots: Folders from which it may name files.
        engines: Models and settings; what they say about the use holds, too.

    Raises:
        PolicyError: The rules refuse this use.
        InputError: The recording cannot be used, or is not in one of the folders.
    """
    engines.permit_sound(asked.use_context, transcribe=asked.transcript is None)
    return open_sound(asked.voice, start_s=asked.start_s, end_s=asked.end_s, roots=roots)


@contextmanager
def opened(asked: AnalyzeVoiceInput, roots: tuple[Path, ...], engines: Engines) -> Iterator[SoundStream]:
    """Yield the recording, and close it however the block ends; see `permitted`."""
    with permitted(asked, roots, engines) as sound:
        yield sound


def aopened(
    asked: AnalyzeVoiceInput, roots: tuple[Path, ...], engines: Engines
) -> AbstractAsyncContextManager[SoundStream]:
    """Return what yields the recording without blocking the event loop; see `permitted` and `opened_aside`."""
    return opened_aside(lambda: permitted(asked, roots, engines))
