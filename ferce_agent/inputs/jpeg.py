"""JPEG files: their header segments, and pixels of which nothing is missing.

A decoder that meets missing or changed bytes goes on with what follows, and the rest of the picture is shifted; libjpeg
only warns, and Pillow does not hand the warnings on. `simplejpeg` (libjpeg-turbo) can be told to stop at the first one.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import ImageFormatError
from ferce_agent.inputs.damage import SEND_AGAIN, TEXT_MODE, damaged, looks_translated
from ferce_agent.inputs.levels import image_to_bgr, upright
from ferce_agent.inputs.limits import ImageLimits
from ferce_agent.inputs.tags import orientation_of

_HARMLESS: Final = (
    "Invalid SOS parameters",  # many phones leave these bytes of a baseline file at zero
    "Unknown Adobe color transform",
    "Warning: unknown JFIF revision",
    "Corrupt JPEG data: bad ICC marker",
    "Inconsistent progression sequence",
)
"""Beginnings of libjpeg's warnings that say nothing about missing pixels."""
_UNSUPPORTED: Final = ("Unsupported JPEG process", "Unsupported JPEG data precision", "Unsupported color", "Sorry")
_END: Final = b"\xff\xd9"
_SCAN: Final = re.compile(rb"\xff\xda\0[\x08\x0a\x0c\x0e][\x01-\x04]")
MOST_SCANS: Final = 200
"""A progressive file has about ten scans; each costs as much as decoding the whole picture."""
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a frame header, which holds the size."""


def check_jpeg(data: bytes, limits: ImageLimits) -> None:
    """Check without decoding that this begins as a JPEG, and how large it says it is.

    Raises:
        ImageFormatError: It is something else.
        ImageTooLargeError: It has too many pixels.
        ImageShapeError: It has too few pixels.
        ImageTruncatedError: Its header is broken.
    """
    if data[:3] != b"\xff\xd8\xff":
        raise ImageFormatError("This is not a JPEG.", hint="Encode each picture as a JPEG.")
    sizes = [body for marker, body in segments(data) if marker in _FRAMES and len(body) >= 6]
    if not sizes:
        raise damaged("its header is broken", TEXT_MODE if looks_translated(data) else SEND_AGAIN)
    for body in sizes:
        limits.check_size(int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big"))


def read_jpeg(data: bytes, limits: ImageLimits) -> NDArray[np.uint8]:
    """Return the upright BGR pixels (H, W, 3) of a JPEG; what follows the end of the picture does not matter.

    Raises:
        ImageTooLargeError: It has too many pixels.
        ImageShapeError: It has too few pixels.
        ImageTruncatedError: Bytes are missing or changed.
        ImageFormatError: It is a kind of JPEG that is not read.
    """
    colours, exif, xmp = 0, b"", b""
    for marker, body in segments(data):
        if marker in _FRAMES and len(body) >= 6:
            limits.check_size(int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big"))
            colours = body[5]
        elif marker == 0xE1 and body[:6] == b"Exif\0\0":
            exif = exif or body
        elif marker == 0xE1 and body[:28] == b"http://ns.adobe.com/xap/1.0/":
            xmp = xmp or body
    if not colours:
        raise damaged("its header is broken", TEXT_MODE if looks_translated(data) else SEND_AGAIN)
    if len(_SCAN.findall(data)) > MOST_SCANS:
        raise ImageFormatError("This JPEG has far too many scans.", hint="Save it again as a plain JPEG.")
    if colours in (1, 3):
        pixels = _decode(data, "BGR")
    else:
        _decode(data, "CMYK")  # for its complaints; the conversion to three colours is Pillow's
        pixels = _decode_with_pillow(data)
    return upright(pixels, orientation_of(exif, xmp))


def segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (marker, body) of the header segments up to the first scan; ends early where the header is broken."""
    return ((marker, body) for marker, _, body in _located(data))


def _located(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield (marker, position of the body, body); see `segments`."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in (0xD9, 0xDA) or marker < 0xC0:
            return
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, at + 4, data[at + 4 : at + 2 + length]
        at += 2 + length


def _decode(data: bytes, colours: str) -> NDArray[np.uint8]:
    """Decode to ``BGR``, or to ``CMYK`` at an eighth of the size, which is enough to find damage."""
    complaint = _complaint_or_pixels(data, colours, strict=True)
    if not isinstance(complaint, str):
        return complaint
    if complaint.startswith("Premature end of JPEG file") and not data.endswith(_END):
        return _decode(data + _END, colours)  # it may lack the end marker only
    if complaint.startswith(_UNSUPPORTED):
        raise ImageFormatError(f"This kind of JPEG is not read ({complaint}).", hint="Save it as a plain JPEG.")
    if not complaint.startswith(_HARMLESS):
        raise damaged(complaint, TEXT_MODE if looks_translated(data) else SEND_AGAIN)
    pixels = _complaint_or_pixels(data, colours, strict=False)
    return _decode_with_pillow(data) if isinstance(pixels, str) else pixels


def _complaint_or_pixels(data: bytes, colours: str, *, strict: bool) -> NDArray[np.uint8] | str:
    import simplejpeg

    try:
        factor = 8 if colours == "CMYK" else 1
        return np.asarray(simplejpeg.decode_jpeg(data, colours, min_factor=factor, strict=strict), np.uint8)
    except (ValueError, RuntimeError) as error:
        return str(error)


def _decode_with_pillow(data: bytes) -> NDArray[np.uint8]:
    """Decode without looking for damage; metadata is taken out, for Pillow would warn of oddities in it."""
    from PIL.JpegImagePlugin import JpegImageFile

    parts, end = [b"\xff\xd8"], 2
    for marker, start, body in _located(data):
        end = start + len(body)
        if marker != 0xE1:
            parts.append(data[start - 4 : end])
    image: Any = JpegImageFile(io.BytesIO(b"".join(parts) + data[end:]))
    with image:
        image.load()
        return image_to_bgr(image)
