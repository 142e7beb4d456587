"""Folding of words, so that spelling does not matter where words are looked for.

Case, accents, marks, look-alike letters, repeats.

The same folding is applied to the words of a lexicon and to what is told. Vowel signs of Indic scripts stay; accents of
the Latin, Greek, Cyrillic, Hebrew and Arabic scripts go.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

SAME: Final = str.maketrans(
    {
        "ٱ": "ا",
        **dict.fromkeys("يى", "ی"),
        **dict.fromkeys("ةہۃە", "ه"),
        "ك": "ک",
        "ھ": "ه",
        "ں": "ن",
        "ı": "i",
        "ँ": "ं",
        "ঁ": "ং",
        "ø": "o",
        "æ": "ae",
        "œ": "oe",
        "ł": "l",
        "đ": "d",
        **dict.fromkeys("’‘ʼ`ʹ′", "'"),
    }
)
"""Letters that stand for the same, after NFKC and casefolding, without their accents."""
ACCENTS: Final = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0640\u093c\u09bc]"
)
"""Combining accents, Hebrew and Arabic vowel points, the Arabic stretching mark, the Indic nukta."""
LOOKALIKES: Final = str.maketrans("аеорсухіјѕԁһкмтвνορατικ", "aeopcyxijsdhkmtbvopatik")
"""Cyrillic and Greek letters that look like Latin ones."""
LATIN: Final = re.compile("[a-z]")
"""A Latin letter."""
STRANGE: Final = re.compile("[\u0370-\u03ff\u0400-\u04ff\u0500-\u052f]")
"""A Greek or Cyrillic letter, which is replaced by its Latin look-alike only in a word that has Latin letters, too."""
DISGUISE: Final = str.maketrans("013457@$!|", "oieastasii")
"""Figures and signs written for letters ("su1c1de"), inside a word with letters on both sides."""
DISGUISED: Final = re.compile(r"(?<=[a-z])[013457@$!|](?=[a-z])")
"""Such a figure or sign."""
WORD: Final = re.compile(r"\S+")
"""Anything between spaces."""
APOSTROPHE: Final = re.compile(r"(?<=\w)'(?=\w)")
"""An apostrophe inside a word."""
SPACED: Final = re.compile(r"(?<![^\W\d_])(?:[a-z][ .*_-]{1,2}){3,40}[a-z](?![^\W\d_])")
"""A word written letter by letter: "k i l l"."""
IDEOGRAPHS: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Ranges of the letters of Chinese and Japanese, for use inside brackets of a regular expression."""
BETWEEN_IDEOGRAPHS: Final = re.compile(rf"(?<=[{IDEOGRAPHS}])[ \t]+(?=[{IDEOGRAPHS}])")
"""Spaces between two of them, which mean nothing there."""
REPEATED: Final = re.compile(r"([^\W\d_])\1{2,}")
"""A letter three times in a row or more."""


def without_hidden(text: str) -> str:
    """Return a text without control characters, zero-width characters and lone surrogates; breaks and tabs stay."""
    return "".join(
        char for char in text if char in "\n\r\t" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
    )


def fold_letters(text: str) -> str:
    """Return a text in NFKC and lower case, without accents and without apostrophes inside words.

    The patterns of a lexicon are compared with it.
    """
    plain = unicodedata.normalize("NFKC", text.replace("´", "'")).casefold()  # NFKC would make a space of it
    bare = ACCENTS.sub("", unicodedata.normalize("NFD", plain))
    return APOSTROPHE.sub("", unicodedata.normalize("NFKC", bare).translate(SAME))


def fold(text: str) -> str:
    """Return a text as words are compared.

    Letters folded, hidden characters and disguises undone, no gaps between ideographs.
    """
    return BETWEEN_IDEOGRAPHS.sub("", WORD.sub(_latin, fold_letters(without_hidden(text))))


def _latin(match: re.Match[str]) -> str:
    """Undo look-alike letters and figures in a word that has Latin letters, too."""
    word = match.group()
    if LATIN.search(word) is None:
        return word
    if STRANGE.search(word):
        word = word.translate(LOOKALIKES)
    return DISGUISED.sub(lambda sign: sign.group().translate(DISGUISE), word)


def wordings(folded: str) -> list[str]:
    """Return a folded text, and as it may have been meant: repeated letters once or twice, letters with gaps joined."""
    found = [folded]
    if REPEATED.search(folded):
        found += [REPEATED.sub(r"\1", folded), REPEATED.sub(r"\1\1", folded)]
    if SPACED.search(folded):
        found.append(SPACED.sub(lambda match: re.sub("[^a-z]", "", match.group()), folded))
    return list(dict.fromkeys(found))


class Spelling:
    """Corrects words that are one slip away from a known long word: a letter too few, too many, wrong or swapped."""

    def __init__(self, words: Iterable[str], kept: Iterable[str] = ()) -> None:
        """Index folded words of at least five letters.

        Words in `kept` are no slips, such as another language's "suicidal".
        """
        self._known: Mapping[str, str] = {word: word for word in words}
        self._kept = frozenset(kept)
        near: dict[str, str] = {}
        for word in self._known:
            for form in _shorter(word):
                near.setdefault(form, word)
        self._near = near

    def corrected(self, text: str) -> str:
        """Return a folded text with such words corrected."""
        return re.sub(r"[^\W\d_]{5,24}", self._correct, text) if self._known else text

    def _correct(self, match: re.Match[str]) -> str:
        word = match.group()
        if word in self._known or word in self._kept:
            return word
        meant = self._near.get(word) or next(
            (known for form in _shorter(word) if (known := self._known.get(form) or self._near.get(form))), None
        )
        return meant if meant is not None and abs(len(meant) - len(word)) <= 1 and meant[0] == word[0] else word


def _shorter(word: str) -> list[str]:
    """Return the word with each single letter left out."""
    return [word[:at] + word[at + 1 :] for at in range(len(word))]
