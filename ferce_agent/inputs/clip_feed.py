"""A clip of pictures that are pushed in while it is read, as by a browser or a robot; the newest one counts.

Like a camera: a reader that is slower than the feed misses pictures, and is never late::

    feed = Feed()
    feed.put(jpeg, 0.0)                # in one thread, again and again; feed.close() ends the clip
    for frame in open_feed(feed): ...  # in another one
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import isfinite
from numbers import Real
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import ClipFormatError, ClipTimesError, FerceError, ImageFormatError
from ferce_agent.inputs.clip import Clip, check_rate
from ferce_agent.inputs.clip_open import StoppedError
from ferce_agent.inputs.clip_parts import ClipInfo, ClipNote, ClipNotes, TimedPicture
from ferce_agent.inputs.decoding import decode
from ferce_agent.inputs.jpeg import check_jpeg
from ferce_agent.inputs.limits import DEFAULT_CLIP_LIMITS, ImageLimits
from ferce_agent.inputs.photo import PIXELS, check_array, load_picture

FEED_LIMITS: Final = ImageLimits(max_bytes=16 * 2**20, max_pixels=DEFAULT_CLIP_LIMITS.max_pixels)
"""How large a pushed picture may be where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """A picture that was pushed in.

    Attributes:
        time: Seconds since the start, by the clock of whoever pushed it.
        picture: A JPEG file, or an array as for `ferce_agent.inputs.photo.load_picture`.
    """

    time: float
    picture: bytes | NDArray[Any]


class Feed:
    """Holds the newest picture until it is read; may be used from several threads."""

    def __init__(self, limits: ImageLimits = FEED_LIMITS) -> None:
        """Begin empty.

        Args:
            limits: How large a picture may be, checked before anything is decoded.
        """
        self.limits = limits
        self._changed = threading.Condition()
        self._waiting: Pushed | None = None
        self._last: float | None = None
        self._skipped = self._late = 0
        self._closed = False

    def put(self, picture: bytes | bytearray | memoryview | NDArray[Any], time_s: float) -> bool:
        """Push a picture; one that still waits to be read is left out for it. Never waits.

        Args:
            picture: A JPEG file, or pixels: RGB, RGBA or grey as for `ferce_agent.inputs.photo.load_picture`; they are
                copied.
            time_s: When it was taken, in seconds since any start, 0 or more. Pictures whose times do not grow are left
                out.

        Returns:
            Whether more are wanted: False once the feed was closed, or the clip that is made of it.

        Raises:
            ClipTimesError: The time is no finite number of 0 or more.
            ImageFormatError: It is neither an array nor a JPEG.
            ImageTruncatedError: The header of the JPEG is broken.
            ImageTooLargeError: It has too many bytes or pixels.
            ImageShapeError: It has too few pixels, or an array the shape of no picture.
        """
        pushed = Pushed(_checked_time(time_s), self._checked(picture))
        with self._changed:
            if self._closed:
                return False
            if self._last is not None and pushed.time <= self._last:
                self._late += 1
                return True
            self._skipped += self._waiting is not None
            self._waiting, self._last = pushed, pushed.time
            self._changed.notify_all()
        return True

    def _checked(self, picture: Any) -> bytes | NDArray[Any]:
        if isinstance(picture, np.ndarray):
            check_array(picture, self.limits)
            return picture.copy()
        if not isinstance(picture, bytes | bytearray | memoryview):
            kind = type(picture).__name__
            raise ImageFormatError(f"A picture cannot be made from {kind}.", hint="Push JPEG files or arrays.")
        self.limits.check_bytes(memoryview(picture).nbytes)
        data = bytes(picture)
        check_jpeg(data, self.limits)
        return data

    @property
    def skipped(self) -> int:
        """Pictures so far that were left out because a newer one came before they were read."""
        return self._skipped

    @property
    def late(self) -> int:
        """Pictures so far that were left out because their time was not after that of one before."""
        return self._late

    @property
    def closed(self) -> bool:
        """Whether it was closed, or the clip that is made of it."""
        return self._closed

    def take(self) -> Pushed | None:
        """Wait for the newest picture and return it; None once the feed was closed and all was taken."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is not None or self._closed)
            taken, self._waiting = self._waiting, None
        return taken

    def close(self) -> None:
        """End the clip; a picture that waits is still read."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def drop(self) -> None:
        """Close it and let go of a picture that waits."""
        with self._changed:
            self._closed, self._waiting = True, None
            self._changed.notify_all()


class FeedReader:
    """Reads the pictures of a feed, and decodes them in the thread of whoever reads."""

    def __init__(self, feed: Feed) -> None:
        """Wait for the first picture that can be decoded: all others are scaled to its size.

        Raises:
            ClipFormatError: The feed was closed before there was one.
        """
        self.notes = ClipNotes()
        self._feed = feed
        self._stopped = False
        self._unread = 0
        first = self._next()
        if first is None:
            why = "Its pictures could not be decoded." if self._unread else "It was closed before its first picture."
            raise ClipFormatError(f"The feed gives nothing to read. {why}", hint="Push JPEG files or arrays.")
        self._first: tuple[float, NDArray[np.uint8]] | None = first
        height, width = first[1].shape[:2]
        self.info = ClipInfo("camera", PIXELS, width, height)

    def pictures(self) -> Iterator[TimedPicture]:
        """Yield the newest picture each time, waiting for it; ends when the feed is closed."""
        following, self._first = self._first, None
        while following is not None:
            time, pixels = following
            yield TimedPicture(time, partial(_same, pixels))
            following = self._next()
            self._tell_left_out()
        self._tell_left_out()

    def _next(self) -> tuple[float, NDArray[np.uint8]] | None:
        """Return time and pixels of the next picture that can be decoded; None at the end."""
        while (pushed := self._feed.take()) is not None:
            try:
                return pushed.time, _decoded(pushed.picture, self._feed.limits)
            except FerceError as error:
                self._unread += 1
                message = f"Pictures that could not be decoded were left out; the last one: {error.message}"
                self.notes.put(ClipNote("clip_damaged", message[:2000], pushed.time, count=self._unread))
        if self._stopped:
            raise StoppedError
        return None

    def _tell_left_out(self) -> None:
        skipped, late = self._feed.skipped, self._feed.late
        if skipped:
            message = "More pictures came than could be read; the newest was taken each time."
            self.notes.put(ClipNote("frames_thinned", message, count=skipped))
        if late:
            message = "Pictures whose time was not after that of the one before were left out."
            self.notes.put(ClipNote("times_repaired", message, count=late))

    def stop(self) -> None:
        """End the waiting; the feed takes no more."""
        self._stopped = True
        self._feed.drop()

    def close(self) -> None:
        """Let go of everything."""
        self.stop()
        self._first = None


def open_feed(feed: Feed, *, fps: float | None = None) -> Clip:
    """Open a feed; waits for its first picture. The clip ends when the feed is closed, and closing it closes the feed.

    Args:
        feed: Where the pictures are pushed in.
        fps: Most frames a second; None for all.

    Raises:
        ClipFormatError: It is no feed, or it was closed before a first picture that can be decoded.
        SettingsError: `fps` is no sensible number.
    """
    if not isinstance(feed, Feed):
        raise ClipFormatError(f"A {type(feed).__name__} is no feed.", hint="Feed()")
    check_rate(fps)
    return Clip(FeedReader(feed), (0.0, None), fps, DEFAULT_CLIP_LIMITS.max_frames)


def _checked_time(time: object) -> float:
    if isinstance(time, bool | np.bool_) or not isinstance(time, Real) or not isfinite(time) or time < 0:
        raise ClipTimesError(
            f"The time of a picture must be seconds of 0 or more, not {time!r:.40}.", hint="For example 12.5."
        )
    return float(time)


def _decoded(picture: bytes | NDArray[Any], limits: ImageLimits) -> NDArray[np.uint8]:
    return decode(picture, limits)[0] if isinstance(picture, bytes) else load_picture(picture, limits=limits).pixels


def _same(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pixels
