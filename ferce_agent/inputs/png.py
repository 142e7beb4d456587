"""PNG files: what of them holds the picture, whole and with checksums that fit.

Pillow leaves out the checksums of the pixels, takes missing rows for black, and refuses a whole picture for an oddity
in its metadata. So the metadata is taken out before Pillow reads the file, and the pixels are counted.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ferce_agent.errors import ImageFormatError
from ferce_agent.inputs.damage import SEND_AGAIN, TEXT_MODE, damaged, looks_translated
from ferce_agent.inputs.limits import ImageLimits
from ferce_agent.inputs.tags import orientation_of

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PICTURE: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Channels by colour type (PNG specification, 11.2.1)."""
_PASSES: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column, first row, step right and step down of the passes of an interlaced picture (PNG specification, 8.2)."""
_STEP: Final = 2**20
_LONGEST_TEXT: Final = 2**18
_XMP: Final = b"XML:com.adobe.xmp\0"


@dataclass(frozen=True, slots=True)
class PngParts:
    """What a PNG holds.

    Attributes:
        data: A PNG of the picture alone, without metadata.
        orientation: EXIF orientation, 1 to 8.
        frames: 2 if there are more frames than the first, else 1.
    """

    data: bytes
    orientation: int
    frames: int


def read_png(data: bytes, limits: ImageLimits) -> PngParts:
    """Check a PNG and return its picture without the rest; bytes after the end do not matter.

    Raises:
        ImageTooLargeError: It has too many pixels.
        ImageShapeError: It has too few pixels.
        ImageTruncatedError: A chunk is cut, a checksum does not fit, or pixels or the palette are missing.
        ImageFormatError: It is Apple's own variant of PNG.
    """
    parts: list[bytes] = [_SIGNATURE]
    pixels: list[memoryview] = []
    seen: set[bytes] = set()
    header, exif, xmp, frames = b"", b"", b"", 0
    for kind, body, whole, sound in _chunks(data):
        if kind in _PICTURE and kind != b"IEND":
            if not sound:
                raise damaged("a checksum does not fit")
            parts.append(data[whole])
            if kind == b"IDAT":
                # Without a control chunk in front the first picture is no part of the animation.
                frames += 1 if frames and not seen & {b"fcTL", b"IDAT"} else 0
                pixels.append(body)
            elif kind == b"IHDR" and len(body) == 13 and not seen:
                limits.check_size(*struct.unpack_from(">II", body))
                header = bytes(body)
        elif sound and kind == b"eXIf":
            exif = exif or bytes(body)
        elif sound and kind == b"iTXt" and bytes(body[: len(_XMP)]) == _XMP:
            xmp = xmp or _text(bytes(body))
        elif sound and kind == b"acTL" and len(body) >= 8 and b"IDAT" not in seen:
            frames = int.from_bytes(body[:4], "big")
        seen.add(kind)
    if not header:
        raise damaged("its header is missing")
    if header[9] == 3 and b"PLTE" not in seen:
        raise damaged("its palette is missing")
    _check_pixels(header, pixels)
    return PngParts(b"".join([*parts, b"\0\0\0\0IEND\xaeB`\x82"]), orientation_of(exif, xmp), 2 if frames > 1 else 1)


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, slice, bool]]:
    """Yield (kind, body, place of the whole chunk, whether its checksum fits)."""
    at, kind = 8, b""
    while kind != b"IEND" and at < len(data):
        if at + 12 > len(data):
            raise damaged("a part is cut off")
        length, kind = struct.unpack_from(">I4s", data, at)
        body = memoryview(data)[at + 8 : at + 8 + length]
        checksum = data[at + 8 + length : at + 12 + length]
        if kind == b"CgBI":
            raise ImageFormatError("This is Apple's own variant of PNG.", hint="Save it as a plain PNG or JPEG.")
        if not kind.isalpha() or len(checksum) < 4:
            raise damaged("a part is cut off or missing", TEXT_MODE if looks_translated(data) else SEND_AGAIN)
        sound = zlib.crc32(body, zlib.crc32(kind)) == int.from_bytes(checksum, "big")
        # Chunks with a small first letter are no part of the picture (PNG specification, 5.4).
        if kind[:1].isupper() and not sound:
            raise damaged("a checksum does not fit")
        yield kind, body, slice(at, at + 12 + length), sound
        at += 12 + length


def _text(body: bytes) -> bytes:
    """Return the text of an international text chunk, its first part only if it is long; empty if it cannot be read."""
    packed = body[len(_XMP) : len(_XMP) + 1] == b"\1"
    text = body[len(_XMP) + 2 :].split(b"\0", 2)[-1]
    try:
        return zlib.decompressobj().decompress(text, _LONGEST_TEXT) if packed else text[:_LONGEST_TEXT]
    except zlib.error:  # metadata that cannot be read does not matter
        return b""


def _check_pixels(header: bytes, pixels: list[memoryview]) -> None:
    """Raise if there are fewer bytes of pixels than the header asks for; no more than these are unpacked."""
    wanted = _bytes_of_pixels(header)
    # Without the two bytes in front zlib does not check its own sum: that of each chunk fits already.
    stream, skip = zlib.decompressobj(-zlib.MAX_WBITS), 2
    for part in pixels:
        rest: bytes | memoryview = part[skip:]
        skip = max(skip - len(part), 0)
        while wanted > 0 and not stream.eof:
            try:
                got = len(stream.decompress(rest, min(wanted, _STEP)))
            except zlib.error as error:
                raise damaged("its pixels cannot be unpacked") from error
            wanted -= got
            rest = stream.unconsumed_tail
            if not got and not rest:
                break
    if wanted > 0:
        raise damaged("pixels are missing")


def _bytes_of_pixels(header: bytes) -> int:
    """Return how many bytes the unpacked pixels have, with one in front of each row."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if colour not in _CHANNELS:
        raise damaged("its header is broken")
    bits = depth * _CHANNELS[colour]
    total = 0
    for left, top, right, down in _PASSES if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // right), -(-(height - top) // down)
        total += rows * (1 + (columns * bits + 7) // 8) if columns > 0 and rows > 0 else 0
    return total
