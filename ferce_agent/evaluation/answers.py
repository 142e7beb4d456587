"""Reading a model's written answer: strictly, as FERBench should, and leniently, as its public scorer does.

Protocol: arXiv 2511.00389 (UniFER). The prompt names the candidate labels and asks for reasoning between ``<think>``
tags and one label between ``<answer>`` tags. The public scorer has three flaws that inflate numbers, which
`read_leniently` keeps on purpose for comparison: it matches substrings ("happy" in "unhappy"); without a tag it takes
the first label in list order found anywhere; items that raise an error leave the denominator. `read_strictly` has none
of them, and every item counts.
"""

from __future__ import annotations

import re
import string
from typing import Final

ANSWER: Final = re.compile(r"<answer>(.*?)</answer>", re.IGNORECASE | re.DOTALL)
MAX_TEXT: Final = 100_000
"""Characters that are read; a longer answer is a failure in itself."""


def read_strictly(text: str, words: tuple[str, ...]) -> int | None:
    """Return the index of the one candidate word that is the whole content of the one answer tag, or None.

    Case, surrounding space and punctuation do not matter. No tag, two tags that differ, several words or a word outside
    the list are parse failures.

    Args:
        text: The model's output.
        words: The candidate labels.
    """
    if len(text) > MAX_TEXT:
        return None
    found = {" ".join(match.lower().split()).strip(string.punctuation + " ") for match in ANSWER.findall(text)}
    if len(found) != 1:
        return None
    answer = found.pop()
    lowered = [word.lower() for word in words]
    return lowered.index(answer) if answer in lowered else None


def read_leniently(text: str, words: tuple[str, ...]) -> int | None:
    """Return what the public scorer would read.

    The first label in list order found as a substring, of the tag if there is one.
    """
    text = text[:MAX_TEXT].lower()
    tagged = ANSWER.search(text)
    searched = tagged.group(1) if tagged else text
    return next((index for index, word in enumerate(words) if word.lower() in searched), None)
