"""From a vision-language model's words to a checked perception: an ontology term and cleaned sentences, or nothing.

The text is untrusted: it may repeat what is printed in the picture. Only a term of the ontology and a cleaned, shortened
sentence leave this module.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from ferce_agent.ontology.normalise import normalise

ANSWER_TAG: Final = re.compile(r"<answer>(.{0,400}?)</answer>", re.IGNORECASE | re.DOTALL)
THINK_TAG: Final = re.compile(r"<think>(.{0,4000}?)</think>", re.IGNORECASE | re.DOTALL)
MAX_TEXT: Final = 20_000
MAX_SENTENCE: Final = 400


@dataclass(frozen=True, slots=True)
class ExtractedPerception:
    """What could be taken from the answer.

    Attributes:
        term: Ontology id of the named expression; None if the answer names none, or several.
        sentence: The model's reasoning, cleaned and cut to 400 characters; may be empty.
        problem: Why `term` is None; empty otherwise.
    """

    term: str | None
    sentence: str
    problem: str


def clean_text(text: str, limit: int = MAX_SENTENCE) -> str:
    """Return printable single-spaced text without tags and control characters, at most `limit` characters."""
    plain = re.sub(r"<[^<>]{0,200}>", " ", text[:MAX_TEXT])
    printable = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in plain)
    words = " ".join(printable.split())
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def extract_answer(text: str) -> ExtractedPerception:
    """Read an answer of the form ``<think>…</think><answer>label</answer>``.

    Without an answer tag the whole text is searched; a text that names several expressions then names none.
    """
    text = text[:MAX_TEXT]
    answer, thought = ANSWER_TAG.search(text), THINK_TAG.search(text)
    sentence = clean_text(thought.group(1) if thought else text)
    found = normalise(answer.group(1) if answer else text)
    if found.status == "found" and found.term is not None:
        return ExtractedPerception(found.term, sentence, "")
    return ExtractedPerception(None, sentence, f"The answer names no single expression ({found.status}).")
