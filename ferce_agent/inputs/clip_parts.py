"""What every source of frames tells of itself: `ClipInfo`, its notes, and frames whose pixels are made when wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ferce_agent.inputs.notes import Note, Notes
from ferce_agent.report.clip import ClipDegradedCode

ClipKind = Literal["file", "bytes", "pictures", "frames", "camera"]
"""How a clip was given."""


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What is known of a clip before it is read.

    Attributes:
        kind: How it was given.
        media_type: Format found in the data, e.g. ``video/mp4``; ``application/x-pixels`` for arrays and cameras.
        width: Width in pixels as shown: turned upright, pixels square. All frames have this size.
        height: Height in pixels as shown.
        duration_s: How long it says it is, in seconds; None where it does not say.
        frame_rate: Frames a second as it says; None where it does not say, or for a single picture.
        frames: About how many frames will come; None where that is not known.
        sha256: Digest of the encoded file; None where there is none, or the file is too large to be read twice.
        audio: Whether there is a sound track; it is not read.
    """

    kind: ClipKind
    media_type: str
    width: int
    height: int
    duration_s: float | None = None
    frame_rate: float | None = None
    frames: int | None = None
    sha256: str | None = None
    audio: bool = False


ClipNote: TypeAlias = Note[ClipDegradedCode]
"""Something about a film that could not be read as it should be."""
ClipNotes: TypeAlias = Notes[ClipDegradedCode]
"""The notes of a film, which grow while it is read."""


@dataclass(frozen=True, slots=True)
class TimedPicture:
    """A picture with its time, converted only if it is wanted.

    Attributes:
        time: Seconds of the film.
        pixels: Returns BGR pixels (H, W, 3), uint8, upright.
        after_gap: Whether frames before it are missing, so that the distance to the one before says nothing.
    """

    time: float
    pixels: Callable[[], NDArray[np.uint8]]
    after_gap: bool = False


class ClipReader(Protocol):
    """One kind of source: says what it is, gives its pictures once, and can be stopped."""

    @property
    def info(self) -> ClipInfo:
        """What is known of it."""

    @property
    def notes(self) -> ClipNotes:
        """What could not be read so far."""

    def pictures(self) -> Iterator[TimedPicture]:
        """Yield the pictures in the order of their times; some from before the wanted beginning may come first."""

    def stop(self) -> None:
        """Make a step that another thread is in end soon."""

    def close(self) -> None:
        """Let go of everything; never called during a step."""
