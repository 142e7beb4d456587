"""What the structure of WebP, HEIC, AVIF, BMP and GIF files says about missing or added bytes.

Their decoders fill in what is missing, or read added bytes as pixels; the sizes that a file states of itself tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ferce_agent.inputs.damage import SEND_AGAIN, TEXT_MODE, damaged, looks_translated

LEAST_ZEROS: Final = 64
"""Zero bytes at the end of compressed pixels from which on they may be a file that was not filled."""
ZEROS: Final = 1 / 8
"""Share of the compressed pixels that these zeros must be."""
_BOXES: Final = frozenset({b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"uuid", b"idat"})
"""Boxes that may be cut off at the end; others that seem to be are bytes of something else."""
_FEW_FEEDS: Final = 4
"""Line feeds after which the same byte in front of each of them is no chance in compressed data (one in 256 each)."""


def check_container(data: bytes, name: str) -> None:
    """Check the sizes that a file states; bytes after its end do not matter.

    Args:
        data: The file.
        name: A format of `ferce_agent.inputs.kinds.MEDIA_TYPES`; those without stated sizes are not looked at.

    Raises:
        ImageTruncatedError: Bytes are missing or were added.
    """
    if name == "GIF":
        _check_gif(data)
    elif name == "BMP":
        _check_end(data, int.from_bytes(data[2:6], "little"), short=False)
    elif name in {"WEBP", "HEIF", "AVIF"}:
        parts = list(_riff_parts(data) if name == "WEBP" else _media_parts(data))
        _check_end(data, 8 + int.from_bytes(data[4:8], "little") if name == "WEBP" else parts[-1][2], short=True)
        for kind, start, end in parts:
            _check_part(kind, data[start:end])


def _check_end(data: bytes, end: int, *, short: bool) -> None:
    """Compare the length with the stated one; `short`: whether a file that is too short is refused here."""
    if short and end > len(data):
        raise damaged("bytes are missing", TEXT_MODE if looks_translated(data) else SEND_AGAIN)
    feeds = data.count(b"\n")
    if end < len(data) and feeds and data.count(b"\r\n") == feeds and (short or len(data) - end <= feeds):
        raise damaged("bytes were added", TEXT_MODE)


def _check_part(kind: bytes, body: bytes) -> None:
    if kind == b"\0\0\0\0":
        raise damaged("a part of it is empty")
    if kind in {b"VP8 ", b"VP8L", b"ANMF", b"mdat"}:
        zeros = len(body) - len(body.rstrip(b"\0"))
        if zeros >= max(LEAST_ZEROS, ZEROS * len(body)):
            raise damaged("its last part is empty")


def _riff_parts(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield (kind, start, end) of the chunks of a WebP (RFC 9649, 2.3)."""
    at, last = 12, min(8 + int.from_bytes(data[4:8], "little"), len(data))
    while at + 8 <= last:
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], at + 8, end
        at = end + end % 2


def _media_parts(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield (kind, start, end) of the outermost boxes (ISO/IEC 14496-12, 4.2).

    The last may end beyond the file's end.
    """
    at = 0
    while at + 8 <= len(data):
        size, head = int.from_bytes(data[at : at + 4], "big"), 8
        kind = data[at + 4 : at + 8]
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0 and kind != b"\0\0\0\0":
            size = len(data) - at  # to the end
        if size < head or (at + size > len(data) and kind not in _BOXES):
            return  # bytes after the end
        yield kind, at + head, at + size
        at += size


def _check_gif(data: bytes) -> None:
    """Go to the end of the first frame, and look at the block behind it (GIF89a, 15 to 27)."""
    feeds = data.count(b"\n")
    if feeds >= _FEW_FEEDS and data.count(b"\r\n") == feeds:
        raise damaged("bytes were added", TEXT_MODE)
    at = 13 + _palette(data[10:11])
    while data[at : at + 1] == b"!":
        at = _after_blocks(data, at + 2)
    if data[at : at + 1] != b",":
        raise damaged("its first picture is missing")
    at = _after_blocks(data, at + 11 + _palette(data[at + 9 : at + 10]))
    if at > len(data):
        raise damaged("its pixels end early")
    if data[at : at + 1] not in {b"", b"!", b",", b";", b"\0"}:
        raise damaged("what follows its pixels is no part of a GIF")


def _palette(flags: bytes) -> int:
    """Return the bytes of the colour table that follows."""
    return 3 * 2 ** ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def _after_blocks(data: bytes, at: int) -> int:
    """Return where a row of data blocks ends; behind the end of the data if it is cut."""
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1
