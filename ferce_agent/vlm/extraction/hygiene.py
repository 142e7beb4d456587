"""Cleaning of sentences that a model wrote: they may repeat what is printed in the picture, or try to give orders."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_TEXT: Final = 20_000
"""Characters of an answer that are read."""
MAX_SENTENCE: Final = 400
"""Longest cleaned text."""

ORDERS: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:instruction|rule|prompt|above|previous|everything|guideline)"
    r"|\bsystem\s*(?:prompt|message|override)\b|\bdeveloper mode\b|\bjailbreak|\byou are now\b|\bas an ai\b"
    r"|\bnew instructions?\b"
    r"|\b(?:report|output|answer|respond|reply|say|print|write)\s+(?:only|exactly|with|that|the following)\b"
    r"|\b(?:assistant|system|user)\s*:|<\|[^|]{0,40}\|>|\[/?INST\]"
    r"|https?:|www\.|\bjavascript:|\bdata:[a-z]+/|\b(?:rm -rf|curl|wget|sudo|eval|exec)\b",
    re.IGNORECASE,
)
"""Sentences like these are orders, addresses or code; they say nothing about a face."""
JUDGEMENTS: Final = re.compile(
    r"\b(?:lying|liar|deceptive|deceitful|criminal|guilty|diagnos\w*|autis\w*|schizo\w*|bipolar|psychopath\w*"
    r"|mentally ill|"
    r"gay|lesbian|muslim|jewish|christian|hindu|caucasian|asian|african|hispanic|latino|latina|arab|"
    r"\d{1,3}[- ]years?[- ]old|(?:his|her|their) (?:race|ethnicity|religion|age|gender))\b",
    re.IGNORECASE,
)
"""Sentences about deception, diagnosis, identity, race, religion or age are left out of a report."""
REWORDED: Final = (
    (re.compile(r"\b(?:he|she)\b", re.IGNORECASE), "the person"),
    (re.compile(r"\b(?:his|hers?)\b", re.IGNORECASE), "their"),
    (re.compile(r"\bhim\b", re.IGNORECASE), "them"),
    (re.compile(r"\b(?:woman|man|girl|boy|lady|guy|gentleman|(?:fe)?male)\b", re.IGNORECASE), "person"),
    (re.compile(r"\b(?:women|men|girls|boys|ladies|guys|gentlemen)\b", re.IGNORECASE), "people"),
    (re.compile(r"\bfeels\b", re.IGNORECASE), "appears"),
    (re.compile(r"\bfeeling\b", re.IGNORECASE), "showing"),
    (re.compile(r"\bfeel\b", re.IGNORECASE), "appear"),
)
"""A face shows something; what somebody feels is not in a picture, and gender is not reported."""


def printable(text: str) -> str:
    """Return single-spaced text without markup and control characters."""
    plain = re.sub(r"<[^<>]{0,200}>", " ", text[:MAX_TEXT])
    kept = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in plain)
    return " ".join(kept.split())


def shorten(text: str, limit: int) -> str:
    """Cut a text to `limit` characters, with an ellipsis where something is missing."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def tidy_text(text: str, limit: int = MAX_SENTENCE) -> str:
    """Return the caller's own words printable, single-spaced and cut to `limit` characters."""
    return shorten(printable(text), limit)


def clean_text(text: str, limit: int = MAX_SENTENCE) -> str:
    """Return what may be quoted of a model's words: printable, without repetition, orders and judgements; may be empty.

    A sentence that gives an order, names an address or judges a person is left out as a whole.
    """
    kept: list[str] = []
    for sentence in re.split(r"(?<=[.!?;])\s+", printable(text)):
        said = _unstutter(sentence)
        if said and said not in kept and not ORDERS.search(said) and not JUDGEMENTS.search(said):
            kept.append(said)
    words = " ".join(kept)
    for pattern, instead in REWORDED:
        words = pattern.sub(instead, words)
    return shorten(words.replace("<", "").replace(">", ""), limit)


STUTTER: Final = re.compile(r"(.{2,20}?)\1{2,}|(.)\2{4,}")
"""The same letters three times in a row ("ha ha ha", "AU4AU4AU4"), or one letter five times."""


def _unstutter(sentence: str) -> str:
    """Say a run of equal words or letters once ("the the the mouth"): small models fall into loops."""
    kept: list[str] = []
    for word in STUTTER.sub(r"\1\2", sentence).split():
        if kept[-1:] != [word] and (len(kept) < 4 or kept[-2:] != [*kept[-4:-2]] or word != kept[-2]):
            kept.append(word)
    return " ".join(kept)
