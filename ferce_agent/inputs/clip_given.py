"""Frames that a caller makes: pairs of a time and an array, or `Frame`s, checked as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from functools import partial
from itertools import chain
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import ClipFormatError, ClipTimesError, ImageShapeError
from ferce_agent.inputs.clip_open import StoppedError
from ferce_agent.inputs.clip_parts import ClipInfo, ClipNotes, TimedPicture
from ferce_agent.inputs.frames import Frame
from ferce_agent.inputs.limits import DEFAULT_LIMITS
from ferce_agent.inputs.photo import PIXELS, load_picture

_HINT = "Give pairs (seconds, array) or Frame objects, with times that grow."


class GivenReader:
    """Frames of a caller's iterator; one is taken at a time, and the first already on opening."""

    def __init__(self, given: Iterable[Any]) -> None:
        """Take the iterator's first frame.

        Raises:
            ClipFormatError: There is none, or it is neither a pair nor a `Frame`.
            ClipTimesError: Its time is no finite number of 0 or more.
            ImageShapeError: Its array is no picture.
            ImageTooLargeError: It has too many pixels.
        """
        self.notes = ClipNotes()
        self._stopped = False
        self._last: float | None = None
        self._number = 0
        entries = iter(given)
        try:
            first = next(entries)
        except StopIteration:
            raise ClipFormatError("There are no frames.", hint=_HINT) from None
        height, width = self._checked(first)[1].shape[:2]
        self._last, self._number = None, 0
        self._entries = chain([first], entries)
        count = len(given) if isinstance(given, Sized) else None
        self.info = ClipInfo("frames", PIXELS, width, height, frames=count)

    def pictures(self) -> Iterator[TimedPicture]:
        """Yield the frames.

        Raises:
            ClipFormatError: An entry is neither a pair nor a `Frame`.
            ClipTimesError: A time is not finite, or not later than the one before.
            ImageShapeError: An array is no picture.
            ImageTooLargeError: An array has too many pixels.
        """
        for entry in self._entries:
            if self._stopped:
                raise StoppedError
            time, pixels = self._checked(entry)
            yield TimedPicture(time, partial(_same, pixels))

    def _checked(self, entry: Any) -> tuple[float, NDArray[np.uint8]]:
        time, pixels = _parts(entry)
        number, self._number = self._number, self._number + 1
        if isinstance(time, bool | np.bool_) or not isinstance(time, Real) or not isfinite(time):
            raise ClipTimesError(f"The time of frame {number} is not a finite number.", hint=_HINT)
        if time < 0 or (self._last is not None and time <= self._last):
            before = "0" if self._last is None else f"{self._last:g}"
            raise ClipTimesError(
                f"The time of frame {number} ({float(time):g} s) does not follow {before} s.", hint=_HINT
            )
        self._last = float(time)
        if isinstance(entry, Frame):
            return self._last, _checked_frame(entry)
        return self._last, load_picture(pixels).pixels

    def stop(self) -> None:
        """End before the next frame."""
        self._stopped = True

    def close(self) -> None:
        """Do nothing: the iterator is the caller's."""


def _parts(entry: Any) -> tuple[Any, Any]:
    if isinstance(entry, Frame):
        return entry.time, entry.pixels
    if isinstance(entry, tuple | list) and len(entry) == 2 and isinstance(entry[1], np.ndarray):
        return entry[0], entry[1]
    raise ClipFormatError(f"Frames cannot be made from {type(entry).__name__}.", hint=_HINT)


def _checked_frame(frame: Frame) -> NDArray[np.uint8]:
    """Return the pixels of a `Frame`, which are taken as they are: BGR, 8 bits."""
    pixels = frame.pixels
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ImageShapeError("The pixels of a Frame must be uint8 of shape (H, W, 3).", hint="Or give (time, array).")
    DEFAULT_LIMITS.check_size(pixels.shape[1], pixels.shape[0])
    return pixels


def _same(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pixels
