"""What every source of frames tells of itself: `ClipInfo`, its notes, and frames whose pixels are made when wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ferce_agent.report.clip import ClipDegradedCode

ClipKind = Literal["file", "bytes", "pictures", "frames", "camera"]
"""How a clip was given."""
MOST_STRETCHES: Final = 50
"""Stretches of the film that are noted one by one; later ones are added to the last of them."""
NEAR_S: Final = 1.0
"""Stretches of the same kind that lie nearer to each other are noted as one, in seconds."""


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


@dataclass(frozen=True, slots=True)
class ClipNote:
    """Something about a clip that could not be read as it should be.

    Attributes:
        code: Reason code.
        message: What happened and what to do about it.
        from_s: Where the stretch that it concerns begins, in seconds of the film; None for the whole film.
        to_s: Where it ends; None where that is not known.
        count: How many things it concerns, at least 1, where that is known.
    """

    code: ClipDegradedCode
    message: str
    from_s: float | None = None
    to_s: float | None = None
    count: int | None = None


class ClipNotes:
    """The notes of a clip, which grow while it is read; each entry may still be replaced by a fuller one."""

    def __init__(self) -> None:
        """Begin without any."""
        self._notes: list[ClipNote] = []

    def __iter__(self) -> Iterator[ClipNote]:
        """Yield the notes there are now."""
        return iter(tuple(self._notes))

    def has(self, code: ClipDegradedCode) -> bool:
        """Return whether there is a note of this kind."""
        return any(note.code == code for note in self._notes)

    def put(self, note: ClipNote) -> None:
        """Keep a note in place of the earlier one of its kind."""
        self._notes = [*(kept for kept in self._notes if kept.code != note.code), note]

    def stretch(self, note: ClipNote) -> None:
        """Keep a note about a stretch of the film; one that is near the stretch before it becomes part of that."""
        same = [index for index, kept in enumerate(self._notes) if kept.code == note.code]
        last = self._notes[same[-1]] if same else None
        if last is None or (len(same) < MOST_STRETCHES and (note.from_s or 0) > (last.to_s or 0) + NEAR_S):
            self._notes.append(note)
            return
        count = (last.count or 0) + (note.count or 0)
        self._notes[same[-1]] = replace(last, to_s=max(last.to_s or 0, note.to_s or 0), count=count or None)


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
