"""Whether a film's file is shorter than it says of itself, from the sizes that its structure states."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO, RawIOBase
from typing import Final

_MOST_BOXES: Final = 10_000
"""Outermost boxes that are looked at; fragmented films have one for each second or so."""
_PACKETS: Final = {188: 0, 192: 4, 204: 0}
"""Lengths of transport stream packets and where their sync byte is (ISO/IEC 13818-1; BDAV; with parity)."""

_WINDOWS_MEDIA: Final = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_FILE_PROPERTIES: Final = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
"""Names of the header of a Windows Media film and of its file properties (ASF 1.2, 10)."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the structure of a film's file says.

    Attributes:
        cut_off: Whether bytes are missing at the end.
        fragmented: Whether it is an MP4 in fragments, each with a table of its own.
        disordered: Whether bytes are in it that are no part of it, in a format where that may hide a loss.
    """

    cut_off: bool = False
    fragmented: bool = False
    disordered: bool = False


def look_at(file: RawIOBase | BytesIO, size: int) -> Layout:
    """Return what the structure of a film says; nothing where its format does not tell. The position is left anywhere.

    Args:
        file: The film.
        size: Its bytes.
    """
    file.seek(0)
    head = file.read(1024) or b""
    if head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}:
        return _boxes(file, size)
    if head[:4] == _WINDOWS_MEDIA[:4]:
        stated = _stated_size(head)
        return Layout(size < stated, disordered=0 < stated < size)
    if head[:4] == b"RIFF":
        return Layout(8 + int.from_bytes(head[4:8], "little") > size)
    if head[:4] == b"\x1aE\xdf\xa3":
        return Layout(_segment_end(head) > size)
    return Layout((head[:3] == b"FLV" and not _ends_with_tag(file, size)) or _ends_in_packet(file, head, size))


def _ends_in_packet(file: RawIOBase | BytesIO, head: bytes, size: int) -> bool:
    """Return whether a transport stream ends inside a packet, or with something that is none."""
    for length, at in _PACKETS.items():
        if all(head[at + length * index : at + length * index + 1] == b"\x47" for index in range(4)):
            file.seek(max(size - length + at, 0))
            return size % length != 0 or file.read(1) != b"\x47"
    return False


def _boxes(file: RawIOBase | BytesIO, size: int) -> Layout:
    """Go along the outermost boxes of an MP4 (ISO/IEC 14496-12, 4.2)."""
    at, fragmented = 0, False
    for _ in range(_MOST_BOXES):
        file.seek(at)
        head = file.read(16) or b""
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length == 0 and head[4:8] == b"mdat":  # up to the end
            break
        if len(head) < 8 or length < 8 or not head[4:8].isalnum():
            return Layout(len(head) < 8, fragmented, disordered=fragmented)
        fragmented = fragmented or head[4:8] == b"moof"
        at += length
        if at >= size:
            break
    return Layout(at > size, fragmented)


def _stated_size(head: bytes) -> int:
    """Return the bytes that a Windows Media film says it has (ASF 1.2, 3.2); 0 where it does not say."""
    at = head.find(_FILE_PROPERTIES)
    if at < 0 or len(head) < at + 92 or head[at + 88] & 1:  # a broadcast
        return 0
    return int.from_bytes(head[at + 40 : at + 48], "little")


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
