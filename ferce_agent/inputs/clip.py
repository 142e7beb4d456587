"""The one way from any kind of clip to frames with their true times.

Parts of it are for this package only; callers use `open_clip` and `open_camera`.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import ClipFormatError, SettingsError
from ferce_agent.inputs.clip_camera import CameraReader, Opener, open_capture
from ferce_agent.inputs.clip_given import GivenReader
from ferce_agent.inputs.clip_open import OpenedClip, StoppedError, clip_errors, open_bytes
from ferce_agent.inputs.clip_parts import ClipInfo, ClipNote, ClipReader, TimedPicture
from ferce_agent.inputs.clip_pixels import fitted
from ferce_agent.inputs.clip_stills import FolderReader, is_folder, open_stills, picture_kind
from ferce_agent.inputs.clip_times import RateWatch, Thinner
from ferce_agent.inputs.files import allowed_path, is_stream, refuse_address
from ferce_agent.inputs.frames import Frame
from ferce_agent.inputs.limits import DEFAULT_CLIP_LIMITS, ClipLimits
from ferce_agent.inputs.wanted import is_number, wanted_part

__all__ = ["Clip", "ClipInfo", "ClipLike", "ClipNote", "open_camera", "open_clip"]

ClipLike: TypeAlias = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | IO[bytes]
    | Iterable[Frame]
    | Iterable[tuple[float, NDArray[Any]]]
)
"""Everything a clip can be made from."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the bytes of a film come from, so that its sound can be opened besides.

    Attributes:
        source: A path, bytes or a data URL; or a stream that can be wound back, once the film is closed.
        roots: Folders under which a path must lie; None for any.
    """

    source: str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]
    roots: tuple[Path, ...] | None

    @property
    def is_shared(self) -> bool:
        """Whether it is a stream, which only one reader can use at a time."""
        return is_stream(self.source)


_WAIT_S: Final = 1.0
"""How long closing waits for a step in another thread; that thread lets go of the clip after it."""
_CLOSE: Final = 1e-6
"""Times that differ by less are the same, in seconds."""


class Clip:
    """Frames with their times, given once and one after the other.

    Iterate over it, in one thread, and close it; `close` may be called from any thread and ends the iteration. Errors
    met while iterating are those of `open_clip`.

    Attributes:
        info: What was known before the first frame.
        frames_read: Frames given so far.
        origin: Where its bytes come from; None for pictures, frames, cameras, and streams that cannot be wound back.
    """

    def __init__(self, reader: ClipReader, window: tuple[float, float | None], fps: float | None, most: int) -> None:
        """Made by `open_clip` and `open_camera`.

        Args:
            reader: Gives the pictures.
            window: Beginning, and end or None, in seconds of the film.
            fps: Most frames a second; None for all.
            most: Most frames.
        """
        self.info = replace(reader.info, frames=_expected(reader.info, window, fps))
        self.frames_read = 0
        self.origin: Origin | None = None
        self._reader = reader
        self._start, self._end = window
        self._thinner = Thinner(fps)
        self._fps = fps
        self._most = most
        self._pictures = reader.pictures()
        self._rates = RateWatch()
        self._guard = threading.Lock()
        self._closed = self._over = self._released = False
        self._thinned = self._resized = 0
        self._last_s: float | None = None
        # A camera must not stay on because somebody forgot to close it.
        self._let_go = weakref.finalize(self, _let_go, reader)

    @property
    def window(self) -> tuple[float, float | None]:
        """Beginning, and end or None, of the part that is wanted, in seconds of the film."""
        return self._start, self._end

    @property
    def notes(self) -> list[ClipNote]:
        """What could not be read as it should be, so far; complete once the iteration has ended."""
        return list(self._reader.notes)

    @property
    def variable_rate(self) -> bool:
        """Whether the distances between the frames of the film read so far differ (before thinning, without gaps)."""
        return self._rates.variable

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        """Return itself: a clip can be read once."""
        return self

    def __next__(self) -> Frame:
        """Return the next frame.

        Raises:
            StopIteration: The clip or its wanted part is over, or it was closed.
            InputError: See `open_clip`.
        """
        with self._guard:
            try:
                frame = None if self._closed or self._over else self._next()
            except StoppedError:
                frame = None
            except BaseException:
                self._over = True
                raise
            finally:
                if self._closed:
                    self._tell_stopped()
                if self._closed or self._over:
                    self._release()
        if frame is None:
            raise StopIteration
        return frame

    def _next(self) -> Frame | None:
        for picture in self._pictures:
            if self._closed:
                return None
            if self._end is not None and picture.time >= self._end - _CLOSE:
                break
            if not self._wanted(picture):
                continue
            if self._is_limit(picture.time):
                break
            pixels = self._sized(picture)
            self.frames_read += 1
            self._last_s = picture.time
            return Frame(pixels, picture.time)
        self._over = True
        return None

    def _wanted(self, picture: TimedPicture) -> bool:
        """Return whether a picture lies in the wanted part and is not thinned out."""
        kept = self._thinner.keep(picture.time)
        if picture.time < self._start - _CLOSE:
            return False
        self._rates.add(picture.time, after_gap=picture.after_gap)
        if not kept:
            self._thinned += 1
            message = f"Of the film's frames only {self._fps:g} a second are read."
            self._reader.notes.put(ClipNote("frames_thinned", message, count=self._thinned))
        return kept

    def _is_limit(self, time: float) -> bool:
        if self.frames_read < self._most and time - self._start <= DEFAULT_CLIP_LIMITS.max_seconds:
            return False
        message = "The clip is longer than is read at a time. Give start_s to go on here."
        self._reader.notes.put(ClipNote("limit_reached", message, time))
        return True

    def _sized(self, picture: TimedPicture) -> NDArray[np.uint8]:
        pixels = picture.pixels()
        size = self.info.height, self.info.width
        if pixels.shape[:2] == size:
            return pixels
        self._resized += 1
        message = f"Frames of another size were scaled to the first one's, {self.info.width}x{self.info.height}."
        self._reader.notes.put(ClipNote("size_changed", message, count=self._resized))
        return fitted(pixels, self.info.width, self.info.height)

    def stop(self) -> None:
        """End the iteration in another thread soon, without waiting for it; whoever iterates closes the clip."""
        self._closed = True
        self._reader.stop()

    def close(self) -> None:
        """Let go of the file or camera. From another thread it ends the iteration there; it may be called twice."""
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
            message = "The clip was closed before its end."
            self._reader.notes.put(ClipNote("stopped_early", message, self._last_s or self._start))

    def _release(self) -> None:
        if not self._released:
            self._released = True
            close = getattr(self._pictures, "close", None)
            if close is not None:
                close()
            self._reader.close()
            self._let_go.detach()


def _let_go(reader: ClipReader) -> None:
    reader.stop()
    reader.close()


def _expected(info: ClipInfo, window: tuple[float, float | None], fps: float | None) -> int | None:
    """Return about how many frames will come from a part of a clip."""
    start, end = window
    if info.frames is None or not info.duration_s or (not start and end is None and fps is None):
        return info.frames
    seconds = max(min(info.duration_s, end or info.duration_s) - start, 0.0)
    rate = info.frames / info.duration_s
    return round(seconds * (rate if fps is None else min(rate, fps)))


def open_clip(
    source: ClipLike,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    fps: float | None = None,
    roots: Sequence[Path] | None = None,
) -> Clip:
    """Open a film, an animation, a photo, a folder of photos or frames of the caller's.

    Films are MP4, MOV, 3GP, WebM, Matroska, AVI, MPEG (also transport streams), FLV, Windows Media, Ogg, IVF, Y4M and
    raw H.264, HEVC and MPEG; pictures are GIF, WebP, PNG and AVIF animations and every kind of photo. They are found by
    their content and read as they are needed, never whole.

    Frames are upright, with square pixels, all of one size. Times are those that the film states, from its first shown
    frame on; whatever had to be left out or repaired is told in `Clip.notes`.

    Args:
        source: Text is a data URL or a path (``~`` is the home folder), to a file or to a folder of photos. Streams are
            read from their beginning; those that can be wound back are left open, where they were. An iterable gives
            `Frame` objects (BGR) or pairs of seconds and an array as for photos (RGB, grey, floats).
        start_s: First time that is wanted, in seconds of the film; frames before it are not given. Times do not shift.
        end_s: Frames at this time or later are not given.
        fps: Most frames a second; fewer are never made up. For a folder: how many of its photos make a second.
        roots: None allows any path; otherwise only files and folders under one of these.

    Raises:
        ClipNotFoundError: The path names neither a file nor a folder of photos.
        ClipAccessError: An address, a path outside the roots, or a stream that cannot be read.
        ClipTooLargeError: Too many pixels, a longer part than is read at a time, or a long stream.
        ClipFormatError: Not a film in a supported format, or damaged so that no picture can be read.
        ClipTimesError: The times of given frames do not grow.
        ImageShapeError: A given array is no picture.
        SettingsError: `start_s`, `end_s` or `fps` is no sensible number.
    """
    start, end = wanted_part(start_s, end_s)
    check_rate(fps)
    folder = _folder(source, roots)
    if folder is not None:
        reader: ClipReader = FolderReader(folder, rate=fps, start_s=start, roots=roots)
        return _clip(reader, (start, end), None)
    given = _given(source)
    if given is not None:
        return _clip(GivenReader(given), (start, end), fps)
    opened = open_bytes(source, DEFAULT_CLIP_LIMITS, roots)
    try:
        clip = _clip(_reader(opened, start, DEFAULT_CLIP_LIMITS), (start, end), fps)
    except StoppedError as error:
        raise ClipFormatError("The clip was closed while it was opened.") from error
    except BaseException:
        opened.file.close()
        raise
    clip.origin = _origin(source, roots)
    return clip


def _origin(source: Any, roots: Sequence[Path] | None) -> Origin | None:
    """Return where a film's bytes come from; None where they cannot be read a second time."""
    try:
        again = not is_stream(source) or bool(source.seekable())
    except Exception:  # a caller's object raises whatever it likes
        again = False
    return Origin(source, None if roots is None else tuple(roots)) if again else None


def open_camera(index: int, *, fps: float | None = None, opener: Opener = open_capture) -> Clip:
    """Open a camera; its clip ends when it is closed or the camera is gone.

    The newest picture is given each time: a slow reader misses pictures, which a note counts, and is never late.

    Args:
        index: Number of the camera, 0 for the first.
        fps: Most frames a second; None for all.
        opener: Returns an opened ``cv2.VideoCapture`` for the number; for cameras with other addresses.

    Raises:
        CameraError: There is no such camera, or it gives no picture.
        SettingsError: `index` or `fps` is no sensible number.
    """
    if isinstance(index, bool) or not isinstance(index, int) or index < 0:
        raise SettingsError(f"A camera is a number from 0 on, not {index!r:.40}.", hint="The first camera is 0.")
    check_rate(fps)
    return Clip(CameraReader(index, opener), (0.0, None), fps, DEFAULT_CLIP_LIMITS.max_frames)


def _reader(opened: OpenedClip, start: float, limits: ClipLimits) -> ClipReader:
    name = picture_kind(opened.head)
    if name is not None:
        return open_stills(opened, name, limits)
    from ferce_agent.inputs.clip_video import VideoReader

    return VideoReader(opened, start, limits)


def _clip(reader: ClipReader, window: tuple[float, float | None], fps: float | None) -> Clip:
    start, end = window
    try:
        ends = [time for time in (reader.info.duration_s, end) if time is not None]
        if ends:
            DEFAULT_CLIP_LIMITS.check_seconds(min(ends) - start)
        return Clip(reader, window, fps, DEFAULT_CLIP_LIMITS.max_frames)
    except BaseException:
        reader.close()
        raise


def _folder(source: Any, roots: Sequence[Path] | None) -> Path | None:
    """Return the folder that a path names; None for anything else.

    Raises:
        ClipNotFoundError: It is no path.
        ClipAccessError: It is an address or lies outside the roots.
    """
    if not isinstance(source, str | os.PathLike) or (isinstance(source, str) and source[:5].lower() == "data:"):
        return None
    with clip_errors():
        name = os.fsdecode(os.fspath(source))
        refuse_address(name)
        path = allowed_path(name, roots)
    return path if is_folder(path) else None


def _given(source: Any) -> Iterable[Any] | None:
    """Return a source that is an iterable of frames; None for one that is read as bytes.

    Raises:
        ClipFormatError: It is nothing that a clip can be made from.
    """
    if isinstance(source, str | os.PathLike | bytes | bytearray | memoryview) or is_stream(source):
        return None
    if isinstance(source, Iterable) and not isinstance(source, np.ndarray | dict):
        return source
    hint = "Give a path, bytes, an open file, a folder of photos, or pairs (seconds, array). For a camera: open_camera."
    raise ClipFormatError(f"A clip cannot be made from {type(source).__name__}.", hint=hint)


def check_rate(fps: float | None) -> None:
    """Check how many frames a second are wanted at most; None means all.

    Raises:
        SettingsError: It is no number above 0.
    """
    if fps is not None and not (is_number(fps) and 0 < fps <= 10_000):
        raise SettingsError(f"fps must be frames a second above 0, not {fps!r:.40}.", hint="For example 10.")
