"""Which single words are English.

The word lists, the ontology, the event examples and the sentence encoder's whole words.

The encoder's vocabulary is taken from English text; it also holds names, which belong to no language here, and some
words of other languages, which `language.toml` lists as foreign. Inflected, compound, stretched and misspelt forms of
its words count, too.
"""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from importlib import resources
from typing import Final

from ferce_agent.concurrency.lazy import once
from ferce_agent.context.events import example_sentences
from ferce_agent.errors import SettingsError
from ferce_agent.specialist.sentence_encoder import TOKENIZER_NAME

WHOLE: Final = re.compile(r"[a-z]{3,}")
"""A whole word of the encoder's vocabulary; its pieces of words begin with ##."""
LETTERS: Final = re.compile(r"[^\W\d_]+")
"""A run of letters of any script."""
PART: Final = 4
"""Letters of each part of a compound, at least: shorter ones are found in words of any language."""
TYPO: Final = 5
"""Letters of a word that may be misspelt otherwise than by a letter once instead of twice, at least."""
ENDINGS: Final = (
    "'s",
    "s",
    "es",
    "ed",
    "d",
    "ing",
    "er",
    "ers",
    "ly",
    "y",
    "ness",
    "ment",
    "ful",
    "less",
    "able",
    "ish",
)
"""Endings that are taken off a word before it is looked up."""
BEGINNINGS: Final = ("un", "re", "dis", "mis", "over", "out")
"""Prefixes that are taken off a word before it is looked up."""
STEM: Final = 6
"""First letters that a word with an English ending shares with one of the vocabulary, at least."""
ENGLISH_ENDING: Final = re.compile(r"(?:ed|ing|cy|ness|ly|ful|less|hood|ship|ous|able|ible|[st]ion|tic|ish)$")
"""Endings for which the first letters (`STEM`) of a known word are enough."""
PAST: Final = re.compile(r"[a-z]{2,}(?:bb|ck|gg|ll|mp|nn|nk|pp|rk|rr|ss|st|tt|zz|lt|ft|pt)ed")
"""How the past of an English verb is spelt, and hardly anything else: "snubbed"."""
VOWELS: Final = "aeiou"


@once
def vocabulary() -> frozenset[str]:
    """Return the encoder's whole words, those of the event examples and the common ones of `language.toml`, lowercase.

    Without the encoder's file the others have to do: fewer short texts are then taken for English, and the report says
    elsewhere that sentences could not be compared.
    """
    file = resources.files("ferce_agent.weights") / TOKENIZER_NAME
    try:
        pieces = json.loads(file.read_text("utf-8"))["model"]["vocab"]
    except (OSError, ValueError, KeyError, TypeError):
        return common_words()
    return frozenset(word for word in pieces if WHOLE.fullmatch(word)) | common_words()


@once
def common_words() -> frozenset[str]:
    """Return the words of the event examples and of the list in `language.toml`.

    Raises:
        SettingsError: A file is damaged.
    """
    text = (resources.files("ferce_agent.context") / "language.toml").read_text("utf-8")
    try:
        listed = str(tomllib.loads(text)["english"])
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise SettingsError("language.toml is damaged.", hint=str(error)) from error
    told = (line for lines in example_sentences().values() for line in lines)
    words = (word.lower() for line in (listed, *told) for word in LETTERS.findall(line))
    return frozenset(word for word in words if WHOLE.fullmatch(word))


@once
def stems() -> frozenset[str]:
    """Return the first letters of the vocabulary's longer words."""
    return frozenset(word[:STEM] for word in vocabulary() if len(word) > STEM)


def in_vocabulary(word: str) -> bool:
    """Return whether a word, or what it is a form or a misspelling of, is in the vocabulary.

    An accent is passed over in a name only: "Zoë", but not "ganó".
    """
    plain = word.lower().replace("’", "'")
    if word[:1].isupper():
        plain = without_accents(plain)
        if plain in vocabulary():
            return plain == word.lower() or (_may_be_a_name(word) and plain not in common_words())
    if not word.isascii():
        return False
    if ENGLISH_ENDING.search(plain) and len(plain) > STEM and plain[:STEM] in stems():
        return True
    if PAST.fullmatch(plain):
        return True
    return plain in vocabulary() or any(form in vocabulary() for form in _forms(plain)) or _is_compound(plain)


def without_accents(word: str) -> str:
    """Return a word with plain letters."""
    return "".join(char for char in unicodedata.normalize("NFD", word) if not unicodedata.combining(char))


def _may_be_a_name(word: str) -> bool:
    return word[1:].islower() or len(word) == 1


def _forms(word: str) -> Iterator[str]:
    """Yield what a word may be a form of."""
    for ending in ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= PART:
            yield from (stem, f"{stem}e", re.sub(r"i$", "y", stem), re.sub(r"(.)\1$", r"\1", stem))
    if word.endswith("in"):
        yield f"{word}g"
    if word.endswith("ies"):
        yield f"{word[:-3]}y"
    for beginning in BEGINNINGS:
        if word.startswith(beginning) and len(word) - len(beginning) >= PART:
            yield word.removeprefix(beginning)
    yield re.sub(r"(.)\1{2,}", r"\1", word)
    yield re.sub(r"(.)\1{2,}", r"\1\1", word)
    if len(word) >= PART:
        yield from _misspelt(word)


def _misspelt(word: str) -> Iterator[str]:
    """Yield words one slip away: letters swapped, doubled, left out, or a wrong vowel, never at the ends.

    Other ends are where words of other languages differ from English ones of the same root ("accidente").
    """
    for place in range(1, len(word) - 1):
        before, letter, behind = word[:place], word[place], word[place + 1 :]
        yield before + letter + letter + behind
        if len(word) < TYPO:
            continue
        yield before + behind[0] + letter + behind[1:]
        if letter == word[place - 1]:
            yield before + behind
        if letter in VOWELS:
            yield from (before + vowel + behind for vowel in VOWELS if len(word) > TYPO + 1)
        if len(word) > TYPO:
            yield from (f"{before}{vowel}{letter}{behind}" for vowel in VOWELS)


def _is_compound(word: str) -> bool:
    known = vocabulary()
    return any(word[:cut] in known and word[cut:] in known for cut in range(PART, len(word) - PART + 1))
