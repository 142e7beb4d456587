"""The tags of a TIFF directory, as in TIFF files and in EXIF blocks (TIFF 6.0, section 2).

Pillow reads them too, but warns of each oddity through the process-wide warnings; here what cannot be read is left out.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Final

# Numbers of tags (TIFF 6.0; EXIF 2.3; DNG 1.4).
ORIENTATION: Final = 0x0112
WIDTH: Final = 0x0100
HEIGHT: Final = 0x0101
MAKE: Final = 0x010F
SUB_DIRECTORIES: Final = 0x014A
PLANES: Final = 0x011C
SAMPLE_FORMAT: Final = 0x0153
DNG_VERSION: Final = 0xC612

_FORMS: Final = {1: "B", 2: "s", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}
"""Number types by TIFF's number: byte, text, short, long and the signed ones; others are not read."""
MOST_ENTRIES: Final = 512
"""Entries of a directory that are read."""

Tags = Mapping[int, tuple[int, ...] | bytes]
"""Values by tag number: whole numbers, or bytes for text."""


def read_tags(data: bytes) -> Tags:
    r"""Return the first directory's tags with whole numbers or text; empty if there is none.

    Args:
        data: A TIFF file or EXIF block; the ``Exif\0\0`` in front of a block may be there.
    """
    block = data[6:] if data[:6] == b"Exif\0\0" else data
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    try:
        if order is None:
            return {}
        start = struct.unpack_from(order + "I", block, 4)[0]
        count = struct.unpack_from(order + "H", block, start)[0]
    except struct.error:
        return {}
    found: dict[int, tuple[int, ...] | bytes] = {}
    for index in range(min(count, MOST_ENTRIES)):
        entry = _read_entry(block, order, start + 2 + 12 * index)
        if entry is not None:
            found[entry[0]] = entry[1]
    return found


def _read_entry(block: bytes, order: str, at: int) -> tuple[int, tuple[int, ...] | bytes] | None:
    try:
        tag, kind, count = struct.unpack_from(order + "HHI", block, at)
        form = _FORMS.get(kind)
        if form is None or count > 4096:
            return None
        form = f"{order}{count}{form}"
        place = at + 8 if struct.calcsize(form) <= 4 else struct.unpack_from(order + "I", block, at + 8)[0]
        values = struct.unpack_from(form, block, place)
    except struct.error:
        return None
    return tag, values[0] if kind == 2 and values else values


def number(tags: Tags, tag: int, default: int = 0) -> int:
    """Return the first number of a tag."""
    values = tags.get(tag)
    return values[0] if values and isinstance(values, tuple) else default


def orientation_of(exif: bytes = b"", xmp: bytes | str = b"") -> int:
    """Return how a picture is to be turned, 1 (not at all) to 8, from its EXIF block or else its XMP packet."""
    told = number(read_tags(exif), ORIENTATION)
    if not told and xmp:
        text = xmp if isinstance(xmp, bytes) else xmp.encode("utf-8", "replace")
        match = re.search(rb"tiff:Orientation(?:=\"|>)([1-8])", text)
        told = int(match[1]) if match else 0
    return told if 1 <= told <= 8 else 1
