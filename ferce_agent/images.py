"""Safe image loading: any of the accepted forms becomes one `Picture`, or a typed error.

Nothing is decoded before its size in bytes and in pixels was checked; the format is decided by the content; addresses are never
opened. Decoding is Pillow's, because it refuses damaged files where OpenCV returns half a picture.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import os
import re
import stat
import urllib.parse
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from ferce_agent.errors import (
    ImageAccessError,
    ImageFormatError,
    ImageNotFoundError,
    ImageShapeError,
    ImageTooLargeError,
    ImageTruncatedError,
    InputError,
)

ImageSource: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | NDArray[Any] | Image.Image
"""Everything a picture can be made from."""

FORMATS: Final = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
}
"""Formats by Pillow's name, with their media type."""

SUPPORTED: Final = "Use JPEG, PNG, WebP, BMP, TIFF or GIF."

KNOWN_BEGINNINGS: Final = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML document"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"RIFF", "an audio or video file"),
    (b"\x7fELF", "a program"),
)
"""Beginnings of files that people send by mistake, to name them in the error."""


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What is refused before decoding.

    Attributes:
        max_bytes: Largest encoded size.
        max_pixels: Most pixels, width times height.
        max_side: Longest side in pixels.
        min_side: Shortest side in pixels.
    """

    max_bytes: int = 32 * 1024 * 1024
    max_pixels: int = 64_000_000
    max_side: int = 16_384
    min_side: int = 8

    def check_bytes(self, count: int) -> None:
        """Check an encoded size.

        Raises:
            ImageTooLargeError: It exceeds the limit.
        """
        if count > self.max_bytes:
            raise ImageTooLargeError(
                f"The picture has {count:,} bytes; at most {self.max_bytes:,} are accepted.",
                hint="Save it smaller or with stronger compression.",
            )

    def check_size(self, width: int, height: int) -> None:
        """Check a size in pixels.

        Raises:
            ImageTooLargeError: Too many pixels, or too long a side.
            ImageShapeError: Too short a side.
        """
        if width * height > self.max_pixels or max(width, height) > self.max_side:
            raise ImageTooLargeError(
                f"The picture has {width}x{height} pixels; at most {self.max_pixels:,} are accepted.",
                hint="Scale it down.",
            )
        if min(width, height) < self.min_side:
            raise ImageShapeError(
                f"The picture has {width}x{height} pixels; no face fits in.",
                hint=f"Each side needs at least {self.min_side} pixels.",
            )


DEFAULT_LIMITS: Final = ImageLimits()


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: Shape (H, W, 3), BGR (OpenCV's order), EXIF orientation applied.
        sha256: Digest of the encoded bytes, or of the pixels where there were none.
        media_type: Format found in the data; ``application/x-pixels`` for arrays and PIL images.
        frames: 1, or 2 if the file holds more than one frame (only the first is used).
    """

    pixels: NDArray[np.uint8]
    sha256: str
    media_type: str
    frames: int = 1

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])


def load_picture(
    source: ImageSource, *, limits: ImageLimits = DEFAULT_LIMITS, roots: tuple[Path, ...] | None = None
) -> Picture:
    """Turn a path, bytes, data URL, numpy array or PIL image into a `Picture`.

    Args:
        source: Text is a data URL or a path. Arrays are RGB, RGBA or grey: uint8, uint16, bool, or floats in 0..1.
        limits: What to refuse before decoding.
        roots: None allows any path; otherwise only files under one of these folders, and relative paths are looked up there.

    Raises:
        ImageNotFoundError: The path names no plain file.
        ImageAccessError: An address, or a path outside the roots.
        ImageTooLargeError: Too many bytes or pixels.
        ImageFormatError: Not a picture in a supported format.
        ImageTruncatedError: The data is damaged or ends early.
        ImageShapeError: An array or picture of impossible size, shape or type.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, limits)
    if isinstance(source, bytes | bytearray | memoryview):
        return _from_bytes(bytes(source), limits)
    if isinstance(source, str) and source[:5].lower() == "data:":
        return _from_bytes(decode_data_url(source, limits), limits)
    if isinstance(source, str | os.PathLike):
        return _from_bytes(_read_file(os.fspath(source), limits, roots), limits)
    if type(source).__module__.partition(".")[0] == "PIL" or hasattr(source, "getexif"):
        return _from_pil(source, limits)
    raise ImageFormatError(
        f"A picture cannot be made from {type(source).__name__}.",
        hint="Give a path, bytes, a data URL, a numpy array or a PIL image.",
    )


def decode_data_url(url: str, limits: ImageLimits = DEFAULT_LIMITS) -> bytes:
    """Return the bytes of a data URL (base64 or percent-encoded).

    Raises:
        ImageTooLargeError: It is longer than a picture of the largest size.
        ImageFormatError: It is not a well-formed data URL.
    """
    limits.check_bytes(len(url) * 3 // 4 - 200)
    head, comma, payload = url.partition(",")
    if not comma:
        raise ImageFormatError("The data URL has no comma.", hint="Write data:image/jpeg;base64,…")
    if not head.lower().rstrip().endswith(";base64"):
        return urllib.parse.unquote_to_bytes(payload)
    try:
        return base64.b64decode("".join(payload.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageFormatError("The data URL is not valid base64.", hint="Encode the whole file once.") from error


def _read_file(name: str, limits: ImageLimits, roots: tuple[Path, ...] | None) -> bytes:
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+:", name):
        raise ImageAccessError(
            f"Addresses ({name.split(':', 1)[0]}:) are never opened.",
            hint="Fetch the picture first and give its bytes, a data URL or a path.",
        )
    path = _allowed(name, roots)
    try:
        # Not blocking: a named pipe must not hang the caller.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0))
    except (OSError, ValueError) as error:
        raise _not_found(path) from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise _not_found(path)
        limits.check_bytes(status.st_size)
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(limits.max_bytes + 1)
    finally:
        os.close(handle)


def _not_found(path: Path) -> ImageNotFoundError:
    name = path.name[:80] or str(path)[:80]
    return ImageNotFoundError(f"'{name}' is not a file that can be read.", hint="Check the path and its permissions.")


def _allowed(name: str, roots: tuple[Path, ...] | None) -> Path:
    """Return the path to read; resolved and inside one of the roots, if there are roots."""
    if "\0" in name or not name.strip() or len(name) > 4096:
        hint = "For base64 write data:image/jpeg;base64,… in front." if len(name) > 4096 else "Give the path of a file."
        raise ImageNotFoundError("This is not a path.", hint=hint)
    if roots is None:
        return Path(name)
    try:
        folders = [root.resolve(strict=True) for root in roots]
        for folder in folders:
            path = (folder / name).resolve()
            if path.is_relative_to(folder):
                return path
    except (OSError, RuntimeError, ValueError) as error:
        raise ImageAccessError("This path cannot be resolved.", hint="Give a data URL instead.") from error
    hint = "Give a data URL, or a file in an allowed folder." if roots else "Give a data URL."
    raise ImageAccessError("This path is outside the allowed folders.", hint=hint)


def _from_bytes(data: bytes, limits: ImageLimits) -> Picture:
    if not data:
        raise ImageFormatError("The picture is empty (0 bytes).", hint=SUPPORTED)
    limits.check_bytes(len(data))
    with warnings.catch_warnings():
        # Pillow warns of large pictures and odd metadata; the limits above decide here.
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(data), formats=tuple(FORMATS))
        except (UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise _unreadable(data, error) from error
        except Exception as error:  # damaged headers raise whatever Pillow's parsers happen to meet
            raise _damaged(error) from error
        with image:
            media_type = FORMATS[image.format or ""]
            pixels = _decode(image, limits)
            frames = 2 if _has_more_frames(image) else 1
    return Picture(pixels, hashlib.sha256(data).hexdigest(), media_type, frames)


def _unreadable(data: bytes, error: Exception) -> InputError:
    if isinstance(error, Image.DecompressionBombError):
        return ImageTooLargeError("The picture declares far too many pixels.", hint="Scale it down.")
    start = data[:256].lstrip().lower()
    for beginning, name in KNOWN_BEGINNINGS:
        if start.startswith(beginning.lower()):
            return ImageFormatError(f"This is {name}, not a picture.", hint=SUPPORTED)
    if start.startswith((b"\xff\xd8", b"\x89png", b"gif8", b"ii*", b"mm\0*", b"bm")):
        return _damaged(error)
    return ImageFormatError("This is not a picture in a supported format.", hint=SUPPORTED)


def _damaged(error: Exception) -> ImageTruncatedError:
    return ImageTruncatedError(
        f"The picture is damaged or ends early ({type(error).__name__}).", hint="Send the whole file again."
    )


def _has_more_frames(image: Image.Image) -> bool:
    """Look for a second frame without counting them all."""
    if not getattr(image, "is_animated", False):
        return False
    return getattr(image, "format", "") in {"GIF", "TIFF", "WEBP", "PNG"}


def _decode(image: Image.Image, limits: ImageLimits) -> NDArray[np.uint8]:
    """Check the size, decode the first frame, apply the EXIF orientation, return BGR."""
    limits.check_size(*image.size)
    try:
        image.load()
    except MemoryError:
        raise
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error and more on damage
        raise _damaged(error) from error
    try:
        upright = ImageOps.exif_transpose(image) or image
    except Exception:  # damaged EXIF is no reason to refuse a good picture; it is then taken as it is
        upright = image
    try:
        return _to_bgr(upright)
    except MemoryError:
        raise
    except InputError:
        raise
    except Exception as error:  # a mode that this Pillow cannot convert
        raise ImageFormatError(f"Pictures of mode {image.mode} cannot be read.", hint="Save it as RGB.") from error


def _to_bgr(image: Image.Image) -> NDArray[np.uint8]:
    """Convert any Pillow mode; transparency is laid over white."""
    if image.mode.startswith(("I", "F")):
        return _array_to_bgr(np.asarray(image))
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        return _array_to_bgr(np.asarray(image.convert("RGBA")))
    if image.mode == "L":
        return np.asarray(cv2.cvtColor(np.asarray(image), cv2.COLOR_GRAY2BGR), np.uint8)
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    return np.asarray(cv2.cvtColor(np.asarray(rgb), cv2.COLOR_RGB2BGR), np.uint8)


def _from_pil(image: Any, limits: ImageLimits) -> Picture:
    try:
        size = image.size
    except Exception as error:  # an object that only looks like a PIL image
        raise ImageFormatError("This PIL image cannot be read.", hint="Give a loaded image.") from error
    limits.check_size(*size)
    pixels = _decode(image, limits)
    return Picture(pixels, _pixel_digest(pixels), "application/x-pixels", 2 if _has_more_frames(image) else 1)


def _from_array(array: NDArray[Any], limits: ImageLimits) -> Picture:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ImageShapeError(
            f"An array of shape {array.shape} is no picture.", hint="Use (H, W), (H, W, 3) RGB or (H, W, 4) RGBA."
        )
    if array.shape[0] == 0 or array.shape[1] == 0:
        raise ImageShapeError("The array is empty.", hint="Each side needs at least 8 pixels.")
    limits.check_size(array.shape[1], array.shape[0])
    pixels = _array_to_bgr(array)
    return Picture(pixels, _pixel_digest(pixels), "application/x-pixels")


def _pixel_digest(pixels: NDArray[np.uint8]) -> str:
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def _array_to_bgr(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Convert RGB, RGBA or grey numbers to 8-bit BGR; transparency is laid over white."""
    levels = _to_eight_bits(array)
    if levels.ndim == 2 or levels.shape[2] == 1:
        return np.asarray(cv2.cvtColor(levels.reshape(levels.shape[:2]), cv2.COLOR_GRAY2BGR), np.uint8)
    if levels.shape[2] == 4:
        alpha = levels[:, :, 3:].astype(np.float32) / 255
        levels = np.rint(levels[:, :, :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(levels), cv2.COLOR_RGB2BGR), np.uint8)


def _to_eight_bits(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale numbers to 0..255: bool and floats up to 1 from 0..1, integers above 255 from 0..65535, others as they are."""
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype == np.bool_:
        return np.ascontiguousarray(array, np.uint8) * np.uint8(255)
    if array.dtype.kind not in "uif":
        raise ImageShapeError(f"An array of {array.dtype} is no picture.", hint="Use uint8, uint16 or floats in 0..1.")
    values = array.astype(np.float64)
    if not np.isfinite(values).all():
        raise ImageShapeError("The array holds NaN or infinity.", hint="Replace them before the call.")
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 65535:
        raise ImageShapeError(f"The array's numbers run from {low:g} to {high:g}.", hint="Use 0..255 or 0..1.")
    if array.dtype.kind == "f" and high <= 1:
        values *= 255
    elif high > 255:
        values /= 257
    return np.ascontiguousarray(np.rint(values).astype(np.uint8))
