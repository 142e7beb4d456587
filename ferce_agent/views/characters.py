"""Characters that a stream cannot show, in ASCII look-alikes; characters that must not reach a terminal, spelt out.

`register` makes the replacement an error handler of Python's codecs, so that a stream whose encoding knows no bars,
ticks or curly quotes (Windows code pages, plain ASCII) shows something like them, and no text whatever can fail to be
written.
"""

from __future__ import annotations

import codecs
import unicodedata
from io import TextIOWrapper
from typing import Final

HANDLER: Final = "ferce_agent.lookalike"
"""Name of the codec error handler."""
PLAIN: Final = "ferce_plain"
"""ASCII as a codec of its own."""

LOOKALIKES: Final = {
    **dict.fromkeys("█▉▊▋▓▒▀▄■", "#"),
    **dict.fromkeys("▌▍▎▏▐░", "="),
    **dict.fromkeys("·∙", "."),
    **dict.fromkeys("•●◦◆", "*"),
    **dict.fromkeys("─━═╌┄╴╸╶╺–—−‐‑‒―", "-"),
    **dict.fromkeys("│┃║╎", "|"),
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("‘’‚‛′", "'"),
    **dict.fromkeys("→⇒▸▶›", ">"),
    **dict.fromkeys("←⇐◂◀‹", "<"),
    "↑": "^",
    "↓": "v",
    "✓": "+",
    "✔": "+",
    "✗": "x",
    "✘": "x",
    "×": "x",
    "○": "o",
    "°": " deg",
    "…": "...",
    "≥": ">=",
    "≤": "<=",
    "≈": "~",
    "±": "+/-",
    "ß": "ss",
    "æ": "ae",
    "Æ": "AE",
    "ø": "o",
    "Ø": "O",
    "œ": "oe",
    "Œ": "OE",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "€": "EUR",
}
"""What stands for a character that cannot be encoded."""

BOX_DRAWING: Final = range(0x2500, 0x2580)
"""Corners and crossings of tables and frames."""


def lookalike(character: str) -> str:
    """Return one character in ASCII: as something like it, without its accents, or else as its escape sequence."""
    if character in LOOKALIKES:
        return LOOKALIKES[character]
    if ord(character) in BOX_DRAWING:
        return "+"
    if 0xDC80 <= ord(character) <= 0xDCFF:  # a byte of a file name that is no UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    plain = "".join(c for c in unicodedata.normalize("NFKD", character) if c.isascii())
    return plain or character.encode("ascii", "backslashreplace").decode("ascii")


def register() -> str:
    """Make `lookalike` an error handler of all codecs and return its name, for `open` and `reconfigure`."""
    codecs.register_error(HANDLER, _handle)
    return HANDLER


def adapt(stream: TextIOWrapper) -> None:
    """Let a stream write look-alikes of what its encoding lacks, instead of failing."""
    stream.reconfigure(errors=register())
    if codecs.lookup(stream.encoding).name == "ascii":
        codecs.unregister(_find_plain)
        codecs.register(_find_plain)
        stream.reconfigure(encoding=PLAIN, errors=HANDLER)


def _find_plain(name: str) -> codecs.CodecInfo | None:
    """Return ASCII under another name.

    Click takes streams in "ascii" for misconfigured, and would write UTF-8 to them.
    """
    if name != PLAIN:
        return None
    same = codecs.lookup("ascii")
    return codecs.CodecInfo(
        same.encode,
        same.decode,
        same.streamreader,
        same.streamwriter,
        same.incrementalencoder,
        same.incrementaldecoder,
        PLAIN,
    )


def _handle(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(lookalike, error.object[error.start : error.end])), error.end


def fitted(text: str, encoding: str) -> str:
    """Return `text` with look-alikes for what `encoding` cannot show; an unknown encoding counts as ASCII."""
    handler = register()
    try:
        return text.encode(encoding, handler).decode(encoding)
    except LookupError:
        return text.encode("ascii", handler).decode("ascii")


def spelt(text: str) -> str:
    """Return a name or message on one line, harmless in a terminal: what steers it is written as an escape sequence.

    These are the Unicode categories Cc (control), Cf (format, except the joiners of scripts and emoji) and Cs
    (surrogates, which stand for bytes of file names that are no UTF-8). Two different names never become one.
    """
    return "".join(_spelt(character) for character in text)


def _spelt(character: str) -> str:
    if character in "\u200c\u200d" or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return character
    if 0xDC80 <= ord(character) <= 0xDCFF:
        return lookalike(character)
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
