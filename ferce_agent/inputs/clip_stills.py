"""Pictures as clips: one photo, the frames of a GIF, WebP, PNG or AVIF animation, or the photos in a folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import ClipFormatError, ClipNotFoundError, ImageTruncatedError, InputError
from ferce_agent.inputs.clip_open import OpenedClip, StoppedError, clip_errors
from ferce_agent.inputs.clip_parts import ClipInfo, ClipNote, ClipNotes, TimedPicture
from ferce_agent.inputs.containers import check_container
from ferce_agent.inputs.decoding import decode
from ferce_agent.inputs.files import photos_in
from ferce_agent.inputs.kinds import MEDIA_TYPES, kind_of
from ferce_agent.inputs.levels import image_to_bgr
from ferce_agent.inputs.limits import DEFAULT_LIMITS, ClipLimits, ImageLimits
from ferce_agent.inputs.photo import load_picture

FOLDER_RATE: Final = 25.0
"""Pictures a second of a folder where the caller does not say."""
UNSTATED_S: Final = 0.1
"""How long a frame of an animation is shown that says 0, as browsers show it, in seconds."""
MOST_ANIMATED: Final = 256 * 1024**2
"""Bytes of the largest animation that is read; its decoder holds all of it."""
_ANIMATED: Final = {
    "GIF": ("GifImagePlugin", "GifImageFile"),
    "WEBP": ("WebPImagePlugin", "WebPImageFile"),
    "PNG": ("PngImagePlugin", "PngImageFile"),
    "AVIF": ("AvifImagePlugin", "AvifImageFile"),
}
"""Pillow's module and class for each format that can move."""


def picture_kind(head: bytes) -> str | None:
    """Return the format of a picture by its first bytes, one of `MEDIA_TYPES`; None if it is none."""
    kind = kind_of(head)
    return kind.name if kind is not None and kind.name in MEDIA_TYPES else None


def open_stills(opened: OpenedClip, name: str, limits: ClipLimits) -> PhotoReader | AnimationReader:
    """Open a picture, as an animation if it moves.

    Args:
        opened: The file.
        name: Its format, from `picture_kind`.
        limits: What to refuse.

    Raises:
        ClipFormatError: It is damaged.
        ClipTooLargeError: Too many bytes or pixels.
    """
    if name in _ANIMATED:
        image = _animation(opened, name, limits)
        if image is not None:
            return AnimationReader(opened, image, name)
    return PhotoReader(opened)


def _animation(opened: OpenedClip, name: str, limits: ClipLimits) -> Any | None:
    """Return the opened animation; None for a picture that does not move, or that Pillow cannot open."""
    opened.file.seek(0)
    module, cls = _ANIMATED[name]
    try:
        image = getattr(import_module(f"PIL.{module}"), cls)(opened.file)
        moves = bool(getattr(image, "is_animated", False))
    except (MemoryError, StoppedError):
        raise
    except Exception:  # the reader of photos says what is wrong with it
        return None
    if not moves:
        return None
    limits.check_size(*image.size)
    with clip_errors():
        ImageLimits(max_bytes=MOST_ANIMATED).check_bytes(opened.size if name != "GIF" else 0)
    return image


class PhotoReader:
    """A photo: a clip of one frame at time 0."""

    def __init__(self, opened: OpenedClip) -> None:
        """Read and check it, as any photo.

        Raises:
            ClipFormatError: It is damaged, or no picture that can be read.
            ClipTooLargeError: Too many bytes or pixels.
        """
        self.notes = ClipNotes()
        self._opened = opened
        opened.file.seek(0)
        with clip_errors():
            self._pixels, media_type, frames = decode(opened.file.read(DEFAULT_LIMITS.max_bytes + 1), DEFAULT_LIMITS)
        height, width = self._pixels.shape[:2]
        self.info = ClipInfo(opened.kind, media_type, width, height, frames=1, sha256=opened.sha256)
        if frames > 1:
            message = "The file holds several pictures without times; only the first is read."
            self.notes.put(ClipNote("frames_thinned", message))

    def pictures(self) -> Iterator[TimedPicture]:
        """Yield the photo."""
        yield TimedPicture(0.0, lambda: self._pixels)

    def stop(self) -> None:
        """Do nothing: no step takes long."""

    def close(self) -> None:
        """Close the file."""
        self._opened.file.close()


class AnimationReader:
    """An animation that Pillow reads: each frame is shown for as long as it says; what it leaves of others is kept."""

    def __init__(self, opened: OpenedClip, image: Any, name: str) -> None:
        """Take an opened animation of a format of `MEDIA_TYPES`."""
        self.notes = ClipNotes()
        self._opened = opened
        self._image = image
        self._name = name
        # A GIF would have to be read for it.
        self._count = count = None if name == "GIF" else int(getattr(image, "n_frames", 0)) or None
        width, height = image.size
        self.info = ClipInfo(opened.kind, MEDIA_TYPES[name], width, height, frames=count, sha256=opened.sha256)

    def pictures(self) -> Iterator[TimedPicture]:
        """Yield the frames at the sums of the durations before them."""
        time, index, unstated = 0.0, 0, 0
        while (pixels := self._frame(index, time)) is not None and not self._opened.file.stopped:
            yield TimedPicture(time, partial(_same, pixels))
            stated = float(self._image.info.get("duration") or 0) / 1000
            if stated <= 0:
                unstated += 1
                message = f"Some frames do not say how long they are shown; {UNSTATED_S:g} s is assumed."
                self.notes.put(ClipNote("times_repaired", message, count=unstated))
            time += stated if stated > 0 else UNSTATED_S
            index += 1
        if self._opened.file.stopped:  # which looks like the end
            raise StoppedError
        self._tell_missing(index, time)

    def _frame(self, index: int, time: float) -> NDArray[np.uint8] | None:
        """Return a frame; None behind the last one, or if it is damaged."""
        try:
            self._image.seek(index)
            self._image.load()
            return image_to_bgr(self._image)
        except EOFError:
            return None
        except (MemoryError, StoppedError):
            raise
        except Exception as error:  # decoders raise whatever they happen to meet
            if index == 0:
                raise ClipFormatError(
                    "The animation is damaged or ends early.", hint="Send the whole file again."
                ) from error
            message = "The animation is damaged from here on; the rest is left out."
            self.notes.put(ClipNote("clip_truncated", message, time))
            return None

    def _tell_missing(self, read: int, time: float) -> None:
        if self.notes.has("clip_truncated"):
            return
        ends = not self._ends_as_gif() if self._count is None else self._is_broken()
        if ends or (self._count is not None and read < self._count):
            missing = None if self._count is None else self._count - read or None
            message = "The animation ends early: its file is cut off or damaged."
            self.notes.put(ClipNote("clip_truncated", message, time, None, missing))

    def _is_broken(self) -> bool:
        """Return whether the parts of a WebP or AVIF do not make a whole file."""
        self._opened.file.seek(0)
        try:
            check_container(self._opened.file.read(), self._name)
        except ImageTruncatedError:
            return True
        return False

    def _ends_as_gif(self) -> bool:
        """Return whether the trailer byte of a GIF is there, with any empty bytes behind it."""
        self._opened.file.seek(max(self._opened.size - 64, 0))
        return self._opened.file.read(64).rstrip(b"\0").endswith(b";")

    def stop(self) -> None:
        """Make a step that another thread is in end soon."""
        self._opened.file.stop()

    def close(self) -> None:
        """Close the animation and its file."""
        self._image.close()
        self._opened.file.close()


def _same(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pixels


class FolderReader:
    """The photos in a folder in the natural order of their names, at even distances."""

    def __init__(self, folder: Path, *, rate: float | None, start_s: float, roots: Sequence[Path] | None) -> None:
        """List the photos and read the first that can be read.

        Args:
            folder: The folder.
            rate: Pictures a second; None for 25, which is noted.
            start_s: Where to begin, in seconds.
            roots: As for photos; a link in the folder that leads out of them is left out as damaged.

        Raises:
            ClipNotFoundError: It cannot be read, or holds no photo.
            ClipFormatError: None of the photos can be read.
        """
        self.notes = ClipNotes()
        self._roots = tuple(roots) if roots is not None else None
        with clip_errors():
            self._paths = sorted(photos_in(folder), key=lambda path: natural(path.name))
        self._rate = rate or FOLDER_RATE
        self._start = start_s
        self._stopped = False
        if rate is None:
            message = f"Pictures in a folder have no times; {FOLDER_RATE:g} a second are assumed. Give fps to say it."
            self.notes.put(ClipNote("times_missing", message))
        first = next((pixels for path in self._paths if (pixels := self._load(path)) is not None), None)
        if first is None:
            raise ClipFormatError("None of the pictures in the folder can be read.", hint="Check one of them alone.")
        height, width = first.shape[:2]
        count = len(self._paths)
        self.info = ClipInfo("pictures", "application/x-pixels", width, height, count / self._rate, self._rate, count)

    def _load(self, path: Path) -> NDArray[np.uint8] | None:
        try:
            return load_picture(path, roots=self._roots).pixels
        except InputError:
            return None

    def pictures(self) -> Iterator[TimedPicture]:
        """Yield the photos that can be read; the others leave a gap."""
        gap = False
        for index in range(max(int(self._start * self._rate) - 1, 0), len(self._paths)):
            if self._stopped:
                raise StoppedError
            time = index / self._rate
            pixels = self._load(self._paths[index])
            if pixels is None:
                gap = True
                if time >= self._start:
                    self._tell_damaged(self._paths[index], time)
                continue
            yield TimedPicture(time, partial(_same, pixels), gap)
            gap = False

    def _tell_damaged(self, path: Path, time: float) -> None:
        message = f"Pictures in the folder that cannot be read are left out, the first of them '{path.name[:80]}'."
        self.notes.stretch(ClipNote("clip_damaged", message, time, time + 1 / self._rate, 1))

    def stop(self) -> None:
        """End before the next picture."""
        self._stopped = True

    def close(self) -> None:
        """Do nothing: no file is held open."""


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return a key by which names sort as people count: ``img2`` before ``img10``; case does not matter."""
    parts = re.findall(r"\d+|\D+", name.lower())
    return [(0, int(part), "") if part.isdecimal() and part.isascii() else (1, 0, part) for part in parts]


def is_folder(path: Path) -> bool:
    """Return whether a path names a folder.

    Raises:
        ClipNotFoundError: It cannot be looked at.
    """
    try:
        return path.is_dir()
    except (OSError, ValueError) as error:
        raise ClipNotFoundError("This path cannot be read.", hint="Check the path and its permissions.") from error
