"""Signs that a picture's bytes were changed on the way, and the checksums of a PNG (Pillow leaves out those of the pixels)."""

from __future__ import annotations

import re
import struct
import zlib
from typing import Final

from ferce_agent.errors import ImageFormatError, ImageTruncatedError

TEXT_MODE: Final = "Send it again in binary mode: the file was changed as if it were text."
SEND_AGAIN: Final = "Send the whole file again."


def damaged(what: str, hint: str = SEND_AGAIN) -> ImageTruncatedError:
    """Return the error for a damaged picture."""
    return ImageTruncatedError(f"The picture is damaged or ends early ({what}).", hint=hint)


def looks_translated(data: bytes) -> bool:
    """Return whether a transfer in text mode has changed the line ends: all of them are CR LF, or none is.

    In compressed bytes one line feed in 256 follows a carriage return, by chance.
    """
    feeds = data.count(b"\n")
    pairs = data.count(b"\r\n")
    return (feeds >= 16 and pairs == feeds) or (feeds >= 4096 and pairs == 0)


_CONVERTED: Final = re.compile(
    rb"\xef\xbf\xbd(?:\xef\xbf\xbd|PNG)|\xc3\xbf\xc3\x98\xc3\xbf|\xc2\x89PNG|\x89PNG(?!\r\n\x1a\n)|\x09PNG\r\n|\x7fX\x7f"
)


def was_converted_to_text(data: bytes) -> bool:
    """Return whether a picture's first bytes were changed by a conversion of line ends or of a character set."""
    return _CONVERTED.match(data) is not None


def check_png(data: bytes) -> None:
    """Check the chunks of a PNG up to its end; bytes after the end do not matter.

    Raises:
        ImageTruncatedError: A chunk is cut or its checksum does not fit.
        ImageFormatError: It is Apple's own variant of PNG.
    """
    at, kind = 8, b""
    while kind != b"IEND" and at < len(data):
        if at + 12 > len(data):
            raise damaged("a part is cut off")
        length, kind = struct.unpack_from(">I4s", data, at)
        body = memoryview(data)[at + 4 : at + 8 + length]
        checksum = data[at + 8 + length : at + 12 + length]
        if kind == b"CgBI":
            raise ImageFormatError("This is Apple's own variant of PNG.", hint="Save it as a plain PNG or JPEG.")
        if not kind.isalpha() or len(checksum) < 4:
            raise damaged("a part is cut off or missing", TEXT_MODE if looks_translated(data) else SEND_AGAIN)
        # Chunks with a small first letter are no part of the picture (PNG specification, 5.4).
        if kind[:1].isupper() and zlib.crc32(body) != int.from_bytes(checksum, "big"):
            raise damaged("a checksum does not fit")
        at += 12 + length
