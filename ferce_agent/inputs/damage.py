"""Signs that a picture's bytes were changed on the way."""

from __future__ import annotations

import re
from typing import Final

from ferce_agent.errors import ImageTruncatedError

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
