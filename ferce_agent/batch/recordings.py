"""Clips and voices of a chunk: from where they are to rows and reports, one after the other and never held whole."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from ferce_agent.batch.items import Item, PartOfFile, WholeFile
from ferce_agent.batch.kinds import NOT_FOUND
from ferce_agent.batch.outcomes import ReadItem, failed, report_line
from ferce_agent.batch.places import read_bytes
from ferce_agent.batch.recording_columns import clip_row, clip_tables, failed_voice_row, voice_rows
from ferce_agent.errors import EngineError, FerceError
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.limits import DEFAULT_CLIP_LIMITS, ImageLimits
from ferce_agent.policy.use import UseLike
from ferce_agent.report.clip_events import ClipEvent
from ferce_agent.views.clip_tables import Writer, parquet_file

LIMITS: Final = ImageLimits(max_bytes=DEFAULT_CLIP_LIMITS.max_held)
"""Bound of what is in a cell of a table, and so is held."""


@dataclass(frozen=True, slots=True)
class ClipWork:
    """Reads clips.

    Attributes:
        engines: Models and settings.
        use: What the reports are used for.
        stamp: The time that whole reports say they were made at (ISO 8601); empty if none are wanted.
        frames: Whether what each face shows in each frame is wanted.
    """

    engines: Engines
    use: UseLike | None
    stamp: str = ""
    frames: bool = False

    def __call__(self, items: Sequence[Item]) -> Iterator[ReadItem]:
        """Yield what became of each clip, in order; nothing is raised for one of them."""
        for item in items:
            try:
                yield self._read(item)
            except FerceError as error:
                yield failed(item, error)
            except Exception as error:  # one clip costs no other
                yield failed(item, unforeseen(error))

    def _read(self, item: Item) -> ReadItem:
        from ferce_agent.api import (
            analyze_clip,  # its import takes half a second, and batches of photos need none of it
        )

        packed = io.BytesIO()
        with opened(item) as source, ExitStack() as stack:
            hear = _readings(stack.enter_context(parquet_file(packed, item.source))) if self.frames else None
            report = analyze_clip(source, use_context=self.use, engines=self.engines, on_event=hear)
        line = report_line(item.source, report, self.stamp)
        frames = {"frames": packed.getvalue()} if self.frames and report.tracks else {}
        return ReadItem((clip_row(report, item.source),), line, more=clip_tables(report, item.source), packed=frames)


def _readings(write: Writer) -> Callable[[ClipEvent], None]:
    """Return a listener that writes the readings among the events."""

    def hear(event: ClipEvent) -> None:
        if event.event == "reading":
            write(event)

    return hear


@dataclass(frozen=True, slots=True)
class VoiceWork:
    """Listens to voices.

    Attributes:
        engines: Models and settings.
        use: What the reports are used for.
        stamp: The time that whole reports say they were made at (ISO 8601); empty if none are wanted.
    """

    engines: Engines
    use: UseLike | None
    stamp: str = ""

    def __call__(self, items: Sequence[Item]) -> Iterator[ReadItem]:
        """Yield what became of each voice, in order; nothing is raised for one of them."""
        for item in items:
            try:
                yield self._read(item)
            except FerceError as error:
                yield self._failed(item, error)
            except Exception as error:  # one voice costs no other
                yield self._failed(item, unforeseen(error))

    def _read(self, item: Item) -> ReadItem:
        from ferce_agent.api import analyze_voice  # as above

        with opened(item) as source:
            report = analyze_voice(source, use=self.use, engines=self.engines)
        return ReadItem(voice_rows(report, item.source), report_line(item.source, report, self.stamp))

    def _failed(self, item: Item, error: FerceError) -> ReadItem:
        (row,) = failed(item, error).rows
        return ReadItem((failed_voice_row(row),), failed=True)


def unforeseen(error: Exception) -> FerceError:
    """Return an error of this package for one that is a bug; its own words could repeat what is in a file."""
    return EngineError(f"Reading this failed ({type(error).__name__}).", hint="This is a bug; please report it.")


@contextmanager
def opened(item: Item) -> Iterator[Path | bytes | IO[bytes]]:
    """Give an item so that it can be read piece by piece.

    Raises:
        ClipNotFoundError: The archive that a clip lies in cannot be opened.
        SoundNotFoundError: The archive that a voice lies in cannot be opened.
        DataError: The cell holds no bytes.
        ImageTooLargeError: The cell holds more bytes than can be held.
    """
    place = item.place
    if isinstance(place, WholeFile):
        yield Path(place.path)
    elif isinstance(place, PartOfFile):
        with _archive(item, place) as file, io.BufferedReader(PartReader(file, place.offset, place.size)) as part:
            yield part
    else:
        yield read_bytes(place, LIMITS)


def _archive(item: Item, place: PartOfFile) -> IO[bytes]:
    try:
        return Path(place.path).open("rb")
    except OSError as error:
        raise NOT_FOUND[item.kind](f"'{Path(place.path).name}' cannot be read: {error.strerror}.") from error


class PartReader(io.RawIOBase):
    """A run of bytes in an open file, as a file of its own."""

    def __init__(self, file: IO[bytes], offset: int, size: int) -> None:
        """Take a file, which stays open, the first byte, and the number of bytes."""
        self._file, self._offset, self._size, self._at = file, offset, size, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move, as with any file.

        Raises:
            OSError: Before the beginning.
        """
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if at < 0:
            raise OSError(22, "before the beginning")
        self._at = at
        return at

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # what BufferedReader gives
        """Read into a buffer, and return how many bytes."""
        wanted = max(min(len(buffer), self._size - self._at), 0)
        self._file.seek(self._offset + self._at)
        data = self._file.read(wanted)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
