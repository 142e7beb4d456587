"""The one way from any kind of sound to samples at 16 kHz, one channel, at their true times."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import NoSoundError, SoundFormatError
from ferce_agent.inputs.clip_open import StoppedError, open_bytes
from ferce_agent.inputs.files import is_stream
from ferce_agent.inputs.limits import DEFAULT_CLIP_LIMITS
from ferce_agent.inputs.sound_file import FileReader
from ferce_agent.inputs.sound_formats import sound_errors
from ferce_agent.inputs.sound_given import GivenReader
from ferce_agent.inputs.sound_level import LevelMeter, SoundLevel
from ferce_agent.inputs.sound_parts import (
    SOUND_LIMITS,
    SOUND_RATE,
    Sound,
    SoundInfo,
    SoundNote,
    SoundReader,
)
from ferce_agent.inputs.sound_steady import Steady
from ferce_agent.inputs.wanted import wanted_part

__all__ = ["SOUND_RATE", "Sound", "SoundInfo", "SoundLike", "SoundNote", "SoundStream", "open_sound", "read_sound"]

SoundLike: TypeAlias = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | IO[bytes]
    | tuple[int, NDArray[Any]]
    | Sound
    | Iterable[Sound]
    | Iterable[tuple[int, NDArray[Any]]]
)
"""Everything a sound can be made from."""
BLOCK: Final = SOUND_RATE // 2
"""Samples of a block of a file; blocks of a caller's are as long as those given."""
_WAIT_S: Final = 1.0
"""How long closing waits for a step in another thread; that thread lets go of the sound after it."""
CLIPPED: Final = 0.001
"""A sound with a larger share of clipped samples is noted; its prosody is distorted."""
QUIET_LUFS: Final = -50.0
"""A sound below this loudness is noted; usual speech lies between -35 and -15."""


class SoundStream:
    """Blocks of samples, 16 kHz and one channel, without gaps, given once and one after the other.

    Iterate over it, in one thread, and close it; `close` may be called from any thread and ends the iteration. Errors
    met while iterating are those of `open_sound`. Memory does not grow with the length, but for 16 bytes for each tenth
    of a second, from which loudness is measured.

    Attributes:
        info: What was known before the first block.
    """

    def __init__(self, reader: SoundReader, window: tuple[float, float | None], block: int) -> None:
        """Made by `open_sound`.

        Args:
            reader: Gives the pieces.
            window: Beginning, and end or None, in seconds.
            block: Samples of a block; 1 for whatever there is.
        """
        self.info = reader.info
        self._reader = reader
        self._start, self._end = window
        self._block = block
        self._meter = LevelMeter()
        self._steady = Steady(reader.notes, self._meter, whole=reader.info.kind in {"file", "bytes"})
        self._next_s: float | None = None
        self._blocks = self._made()
        self._guard = threading.Lock()
        self._closed = self._over = self._released = False

    @property
    def notes(self) -> list[SoundNote]:
        """What could not be read as it should be, so far; complete once the iteration has ended."""
        return list(self._reader.notes)

    @property
    def level(self) -> SoundLevel:
        """Loudness, peak and the shares of clipping and silence of what was given so far."""
        return self._meter.level()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def __iter__(self) -> Iterator[Sound]:
        """Return itself: a sound can be read once."""
        return self

    def __next__(self) -> Sound:
        """Return the next block; each begins where the one before ended.

        Raises:
            StopIteration: The sound or its wanted part is over, or it was closed.
            InputError: See `open_sound`.
        """
        with self._guard:
            try:
                block = None if self._closed or self._over else next(self._blocks, None)
                self._over = self._over or (block is None and not self._closed)
            except StoppedError:
                block = None
            except BaseException:
                self._over = True
                raise
            finally:
                if self._closed or self._over:
                    self._tell_stopped()
                    self._release()
        if block is None:
            raise StopIteration
        return block

    def _made(self) -> Iterator[Sound]:
        """Yield the blocks of the wanted part, and note at the end what there is to note."""
        kept: list[NDArray[np.float32]] = []
        held = 0
        for samples in self._cut():
            kept.append(samples)
            held += len(samples)
            while held >= self._block and held:
                whole = np.concatenate(kept)
                count = held if self._block == 1 else self._block
                yield self._given(whole[:count])
                kept, held = [whole[count:]], held - count
        if held:
            yield self._given(np.concatenate(kept))
        self._tell_level()

    def _given(self, samples: NDArray[np.float32]) -> Sound:
        begin = self._next_s or 0.0
        self._next_s = begin + len(samples) / SOUND_RATE
        self._meter.add(samples)
        return Sound(samples, SOUND_RATE, begin)

    def _cut(self) -> Iterator[NDArray[np.float32]]:
        """Yield the samples of the wanted part."""
        at = 0
        for samples in self._all():
            first = self._steady.first_s or 0.0
            begin = max(round((self._start - first) * SOUND_RATE) - at, 0)
            end = len(samples) if self._end is None else round((self._end - first) * SOUND_RATE) - at
            if self._next_s is None and begin < min(end, len(samples)):
                self._next_s = first + (at + begin) / SOUND_RATE
            at += len(samples)
            wanted = samples[begin : max(end, 0)]
            if len(wanted):
                yield wanted
            if end < len(samples) or self._is_limit(first + at / SOUND_RATE):
                return
        self._reader.ended((self._steady.first_s or 0.0) + at / SOUND_RATE)

    def _all(self) -> Iterator[NDArray[np.float32]]:
        for piece in self._reader.pieces():
            if self._closed:
                raise StoppedError
            yield from self._steady.add(piece)
        yield from self._steady.finish()

    def _is_limit(self, time: float) -> bool:
        if time - self._start <= SOUND_LIMITS.max_seconds:
            return False
        message = "The sound is longer than is read at a time. Give start_s to go on here."
        self._reader.notes.put(SoundNote("limit_reached", message, time))
        return True

    def _tell_level(self) -> None:
        level = self.level
        if level.clipped_share > CLIPPED:
            message = f"{level.clipped_share:.1%} of the samples are clipped: it was recorded too loud."
            self._reader.notes.put(SoundNote("sound_clipped", message))
        if level.seconds and level.silent_share == 1.0:
            self._reader.notes.put(SoundNote("sound_silent", "There is nothing but silence in it."))
        elif level.loudness_lufs is not None and level.loudness_lufs < QUIET_LUFS:
            message = f"It is very quiet ({level.loudness_lufs:.0f} LUFS); what is measured on it is less certain."
            self._reader.notes.put(SoundNote("sound_quiet", message))

    def stop(self) -> None:
        """End the iteration in another thread soon, without waiting for it; whoever iterates closes the sound."""
        self._closed = True
        self._reader.stop()

    def close(self) -> None:
        """Let go of the file. From another thread it ends the iteration there; it may be called twice."""
        self.stop()
        # Without waiting for long: a caller's own iterator may be anywhere, and its thread releases on return.
        if self._guard.acquire(timeout=_WAIT_S):
            try:
                self._tell_stopped()
                self._release()
            finally:
                self._guard.release()

    def _tell_stopped(self) -> None:
        if not self._over:
            self._over = True
            message = "The sound was closed before its end."
            self._reader.notes.put(SoundNote("stopped_early", message, self._next_s or self._start))

    def _release(self) -> None:
        if not self._released:
            self._released = True
            self._blocks.close()  # type: ignore[attr-defined]  # a generator
            self._reader.close()


def open_sound(
    source: SoundLike, *, start_s: float | None = None, end_s: float | None = None, roots: Sequence[Path] | None = None
) -> SoundStream:
    """Open a sound, the sound track of a film, or samples of the caller's.

    Sounds are WAV, FLAC, MP3, M4A, AAC, Ogg (Vorbis, Opus), AMR, AIFF, AU, CAF, Windows Media and the tracks of the
    films that `open_clip` reads. They are found by their content and read as they are needed, never whole. Channels are
    averaged, and the rate becomes 16 kHz. Times are those of the sound, from its first sample on; the track of a film
    has the film's times. Whatever had to be left out or repaired is told in `SoundStream.notes`.

    Args:
        source: Text is a data URL or a path (``~`` is the home folder). Streams are read from their beginning; those
            that can be wound back are left open, where they were. A pair is a rate and an array, shape (N,) or
            (N, channels), int16, int32 or floats from -1 to 1. An iterable gives blocks: `Sound` objects or such pairs,
            as from a microphone.
        start_s: First time that is wanted, in seconds. Times do not shift.
        end_s: Samples at this time or later are not given.
        roots: None allows any path; otherwise only files under one of these.

    Raises:
        SoundNotFoundError: The path names no file.
        SoundAccessError: An address, a path outside the roots, or a stream that cannot be read.
        SoundTooLargeError: Too many channels, a longer part than is read at a time, or a long stream.
        SoundFormatError: Not a sound in a supported format, or damaged so that nothing of it can be read.
        SoundShapeError: A given array or rate is none of a sound.
        NoSoundError: A film without a sound track, or no block.
        SettingsError: `start_s` or `end_s` is no sensible number.
    """
    window = wanted_part(start_s, end_s)
    reader, block = _reader(source, window[0], roots)
    try:
        ends = [time for time in (reader.info.duration_s, window[1]) if time is not None]
        if ends:
            SOUND_LIMITS.check_seconds(min(ends) - window[0])
        return SoundStream(reader, window, block)
    except BaseException:
        reader.close()
        raise


def read_sound(
    source: SoundLike, *, start_s: float | None = None, end_s: float | None = None, roots: Sequence[Path] | None = None
) -> Sound:
    """Read a sound whole, an hour at most; see `open_sound`.

    Raises:
        SoundTooLargeError: The part asked for is longer than an hour.
        NoSoundError: The part asked for lies behind the end.
        InputError: See `open_sound`.
    """
    kept: list[Sound] = []
    seconds = 0.0
    with open_sound(source, start_s=start_s, end_s=end_s, roots=roots) as stream:
        for block in stream:
            seconds += block.duration_s
            SOUND_LIMITS.check_kept(seconds)
            kept.append(block)
    if not kept:
        raise NoSoundError("There is no sound in the part asked for.", hint="Check start_s against its length.")
    return Sound(np.concatenate([block.samples for block in kept]), SOUND_RATE, kept[0].first_s)


def _reader(source: Any, start: float, roots: Sequence[Path] | None) -> tuple[SoundReader, int]:
    """Return what reads a source, and how many samples its blocks should have."""
    if isinstance(source, Sound) or _is_pair(source):
        return GivenReader([source], "samples", SOUND_LIMITS), BLOCK
    if not isinstance(source, str | os.PathLike | bytes | bytearray | memoryview) and not is_stream(source):
        if isinstance(source, Iterable) and not isinstance(source, np.ndarray | dict):
            return GivenReader(source, "blocks", SOUND_LIMITS), 1
        hint = "Give a path, bytes, an open file, (rate, array), or blocks of sound."
        raise SoundFormatError(f"A sound cannot be made from {type(source).__name__}.", hint=hint)
    with sound_errors():
        opened = open_bytes(source, DEFAULT_CLIP_LIMITS, roots)
    try:
        return FileReader(opened, start, SOUND_LIMITS), BLOCK
    except StoppedError as error:
        raise SoundFormatError("The sound was closed while it was opened.") from error
    except BaseException:
        opened.file.close()
        raise


def _is_pair(source: Any) -> bool:
    return isinstance(source, tuple) and len(source) == 2 and isinstance(source[1], np.ndarray)
