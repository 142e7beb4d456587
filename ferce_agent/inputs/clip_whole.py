"""Whether a film's file is shorter than it says of itself, from the sizes that its structure states."""

from __future__ import annotations

from io import BytesIO, RawIOBase
from typing import Final

_MOST_BOXES: Final = 10_000
"""Outermost boxes that are looked at; fragmented films have one for each second or so."""
_PACKETS: Final = {188: 0, 192: 4, 204: 0}
"""Lengths of transport stream packets and where their sync byte is (ISO/IEC 13818-1; BDAV; with parity)."""


def is_cut_off(file: RawIOBase | BytesIO, size: int) -> bool:
    """Return whether bytes are missing at the end; False where the format does not tell. The position is left anywhere.

    Args:
        file: The film.
        size: Its bytes.
    """
    file.seek(0)
    head = file.read(1024)
    if head[:4] == b"RIFF":
        return 8 + int.from_bytes(head[4:8], "little") > size
    if head[:4] == b"\x1aE\xdf\xa3":
        return _segment_end(head) > size
    if head[:3] == b"FLV":
        return not _ends_with_tag(file, size)
    if head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}:
        return _boxes_end(file, size) > size
    for length, at in _PACKETS.items():
        if all(head[at + length * index : at + length * index + 1] == b"\x47" for index in range(4)):
            return size % length != 0
    return False


def _boxes_end(file: RawIOBase | BytesIO, size: int) -> int:
    """Return where the last outermost box says that it ends (ISO/IEC 14496-12, 4.2)."""
    at = 0
    for _ in range(_MOST_BOXES):
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if len(head) < 8 or length < 8 or not head[4:8].isalnum():  # to the end, or added bytes
            break
        at += length
        if at >= size:
            break
    return at


def _segment_end(head: bytes) -> int:
    """Return where a Matroska film says that it ends (RFC 8794, 4 to 6); 0 where it does not say."""
    size, at = _number(head, 4)
    if size is None:
        return 0
    at += size
    if head[at : at + 4] != b"\x18\x53\x80\x67":
        return 0
    size, at = _number(head, at + 4)
    return 0 if size is None else at + size


def _number(data: bytes, at: int) -> tuple[int | None, int]:
    """Return a number of variable length and where it ends; None for "unknown" or if it is cut."""
    first = data[at] if at < len(data) else 0
    length = 9 - first.bit_length()
    if not first or at + length > len(data):
        return None, at
    value = int.from_bytes(data[at : at + length], "big") - (1 << (7 * length))
    return (None if value == (1 << (7 * length)) - 1 else value), at + length


def _ends_with_tag(file: RawIOBase | BytesIO, size: int) -> bool:
    """Return whether a Flash film ends behind a tag, whose length is then repeated (FLV 10.1, E.3)."""
    file.seek(max(size - 4, 0))
    length = int.from_bytes(file.read(4), "big")
    if not 11 <= length <= size - 13:
        return False
    file.seek(size - 4 - length)
    return int.from_bytes(file.read(4)[1:], "big") == length - 11
