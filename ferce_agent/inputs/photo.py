"""Safe image loading: any of the accepted forms becomes one `Picture`, or a typed error.

Nothing is decoded before its size in bytes and in pixels was checked; the format is decided by the content; addresses
are opened only where the caller turns that on. The parts are in `ferce_agent.inputs`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ferce_agent.errors import ImageFormatError, ImageShapeError
from ferce_agent.inputs.decoding import decode, decode_image
from ferce_agent.inputs.files import is_stream, read_file, read_stream
from ferce_agent.inputs.levels import array_to_bgr
from ferce_agent.inputs.limits import DEFAULT_LIMITS, ImageLimits

__all__ = ["DEFAULT_LIMITS", "ImageLimits", "ImageSource", "Picture", "decode_data_url", "load_picture"]

ImageSource: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | NDArray[Any] | Image.Image
)
"""Everything a picture can be made from."""

PIXELS: Final = "application/x-pixels"
"""Media type of pictures that came as numbers."""


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
    source: ImageSource,
    *,
    limits: ImageLimits = DEFAULT_LIMITS,
    roots: tuple[Path, ...] | None = None,
    urls: bool = False,
) -> Picture:
    """Turn a path, bytes, open file, data URL, address, numpy array or PIL image into a `Picture`.

    Formats: JPEG (also MPO, as phones make), PNG, WebP, HEIC, AVIF, BMP, TIFF and GIF, found by their content. Of a
    file with several frames or pages the first is read. Up to 12 bytes of memory a pixel are used while loading, and 3
    after.

    Args:
        source: Text is a data URL, an address or a path (``~`` is the home folder). Open files are read from their
            beginning and left where they were. Arrays are RGB, RGBA or grey: uint8, uint16, bool, or floats in 0..1.
            Nothing of the caller's is changed or closed. For a folder, call this for each file in it.
        limits: What to refuse before decoding.
        roots: None allows any path; otherwise only files under one of these folders, and relative paths are looked up
            in each.
        urls: Whether to fetch ``https://`` addresses; only from the public internet, with bounds on bytes and time.

    Raises:
        ImageNotFoundError: The path names no plain file (a folder, for example), or the address cannot be fetched.
        ImageAccessError: An address that is not opened, a path outside the roots, or a closed file.
        ImageTooLargeError: Too many bytes or pixels.
        ImageFormatError: Not a picture in a supported format; the message says what it is.
        ImageTruncatedError: The data is damaged or ends early.
        ImageShapeError: An array or picture of impossible size, shape or type.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, limits)
    if type(source).__module__.partition(".")[0] == "PIL" or hasattr(source, "getexif"):
        return _from_pil(source, limits)
    return _from_bytes(_bytes_of(source, limits, roots, urls), limits)


def _bytes_of(source: Any, limits: ImageLimits, roots: tuple[Path, ...] | None, urls: bool) -> bytes:
    """Return the encoded picture; see `load_picture`."""
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if isinstance(source, str) and source[:5].lower() == "data:":
        return decode_data_url(source, limits)
    if urls and isinstance(source, str) and "://" in source[:20]:
        from ferce_agent.inputs.addresses import fetch

        return fetch(source.strip(), limits)
    if isinstance(source, str | os.PathLike):
        return read_file(_path_text(source), limits, roots)
    if is_stream(source):
        return read_stream(source, limits)
    raise ImageFormatError(
        f"A picture cannot be made from {type(source).__name__}.",
        hint="Give a path, bytes, an open file, a data URL, a numpy array or a PIL image.",
    )


def _path_text(source: str | os.PathLike[str]) -> str:
    try:
        name = os.fspath(source)
        return os.fsdecode(name)
    except (TypeError, ValueError, UnicodeError) as error:
        raise ImageFormatError("This path cannot be used.", hint="Give a path as text.") from error


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


def _from_bytes(data: bytes, limits: ImageLimits) -> Picture:
    pixels, media_type, frames = decode(data, limits)
    return Picture(pixels, hashlib.sha256(data).hexdigest(), media_type, frames)


def _from_pil(image: Any, limits: ImageLimits) -> Picture:
    pixels, frames = decode_image(image, limits)
    return Picture(pixels, _pixel_digest(pixels), PIXELS, frames)


def _from_array(given: NDArray[Any], limits: ImageLimits) -> Picture:
    array = np.asarray(given)
    check_array(array, limits)
    pixels = array_to_bgr(array)
    return Picture(pixels, _pixel_digest(pixels), PIXELS)


def check_array(array: NDArray[Any], limits: ImageLimits = DEFAULT_LIMITS) -> None:
    """Check that an array has the shape of a picture and not too many pixels; its numbers are not looked at.

    Raises:
        ImageShapeError: Its shape is that of no picture, or it has too few pixels.
        ImageTooLargeError: It has too many.
    """
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ImageShapeError(
            f"An array of shape {array.shape} is no picture.", hint="Use (H, W), (H, W, 3) RGB or (H, W, 4) RGBA."
        )
    if array.shape[0] == 0 or array.shape[1] == 0:
        raise ImageShapeError("The array is empty.", hint="Each side needs at least 8 pixels.")
    limits.check_size(array.shape[1], array.shape[0])


def _pixel_digest(pixels: NDArray[np.uint8]) -> str:
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
