"""Text that is safe to print: nothing in it steers a terminal or turns the direction of writing."""

from __future__ import annotations

import unicodedata


def clean(text: str) -> str:
    """Return `text` without characters that steer a terminal or reverse the reading direction.

    Line breaks and tabs become spaces. Dropped are the Unicode categories Cc (control), Cf (format, which holds the
    bidirectional overrides) except the joiners that scripts and emoji need, and Cs (surrogates).
    """
    joined = " ".join(text.split())
    return "".join(c for c in joined if c in "\u200c\u200d" or unicodedata.category(c) not in {"Cc", "Cf", "Cs"})
