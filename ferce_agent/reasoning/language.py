"""In which language something is told: only English is understood by the rules and examples of causes.

Scripts come first, then common words, then a statistical model (py3langid: many languages and Nigerian Pidgin, naive Bayes over
bytes). A text of signs, figures and names alone is in no language. Runs of foreign words inside an English sentence count, too; in
doubt a text is not understood rather than taken for English.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from ferce_agent.errors import SettingsError
from ferce_agent.lazy import once
from ferce_agent.ontology.store import ontology
from ferce_agent.reasoning.folding import without_hidden

ENGLISH: Final = "en"
UNKNOWN: Final = "und"
"""Some language that could not be named."""
ANGLOPHONE: Final = frozenset({"en", "pcm", "zxx"})
"""Labels of the model that count as English: itself, Nigerian Pidgin, and no language at all."""
READ: Final = 1200
"""Characters that the statistical model reads of a text: more would not change its mind."""
FOREIGN_LETTERS: Final = 3
"""From so many letters of another script on, a text is not only English."""
MOSTLY: Final = 0.6
"""A short text with this share of common English words is English."""
SHORT: Final = 4
"""Words of a short text, for which the model alone says little."""
SURE: Final = 4.0
"""By how much (in nats) another language must be likelier than English in a text without its common words."""
RUN: Final = 2
"""Words of a foreign run inside an English sentence, at least."""

WORD: Final = re.compile(r"(?<!\w)[^\W\d_]+(?:['’][^\W\d_]+)*(?!\w)")
"""A word without figures in it."""
NAMED: Final = 0.3
"""A short text without foreign function words but with this share of common English words is English, too."""
CLEARLY: Final = 15.0
"""By how much (in nats) another language must be likelier than English in a text with some of its common words."""
SCRIPT_LANGUAGES: Final[Mapping[str, str]] = {
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "CJK": "zh",
    "DEVANAGARI": "hi",
    "BENGALI": "bn",
    "TAMIL": "ta",
    "TELUGU": "te",
    "THAI": "th",
    "HEBREW": "he",
    "GREEK": "el",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "ARABIC": "ar",
    "CYRILLIC": "ru",
}
"""First word of a letter's Unicode name -> its likeliest language."""
SHARED: Final = frozenset({"ARABIC", "CYRILLIC", "DEVANAGARI"})
"""Scripts of several languages, among which the model decides."""


@dataclass(frozen=True, slots=True)
class LanguageWords:
    """What `language.toml` holds.

    Attributes:
        english: Common English words, and the words of the ontology's terms and cues.
        marks: Function words by language.
        names: What languages are called.
        loans: Phrases of other languages that are at home in English.
    """

    english: frozenset[str]
    marks: Mapping[str, frozenset[str]]
    names: Mapping[str, str]
    loans: re.Pattern[str]


@once
def language_words() -> LanguageWords:
    """Return the word lists.

    Raises:
        SettingsError: The file is damaged.
    """
    text = (resources.files("ferce_agent.reasoning") / "language.toml").read_text("utf-8")
    try:
        table: dict[str, Any] = tomllib.loads(text)
        known = ontology()
        told = (*(name for term in known.terms.values() for name in term.names), table["english"])
        cues = (cue for appraisal in known.appraisals.values() for cue in appraisal.cues)
        english = frozenset(word for line in (*told, *cues) for word in _words(line))
        marks = {name: frozenset(_words(line)) for name, line in table["marks"].items()}
        loans = re.compile(rf"\b(?:{'|'.join(map(re.escape, table['loans']))})\b", re.IGNORECASE)
        return LanguageWords(english, marks, dict(table["names"]), loans)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError("language.toml is damaged.", hint=str(error)) from error


def _words(text: str) -> list[str]:
    return [match.group().lower().replace("’", "'") for match in WORD.finditer(text)]


@once
def _model() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)


def language_name(code: str) -> str:
    """Return what a language is called in English; empty for one that is not known by name."""
    return language_words().names.get(code, "")


def _script(letter: str) -> str:
    name = unicodedata.name(letter, "").split(" ")[0]
    return "LATIN" if name in {"LATIN", "FULLWIDTH", "MODIFIER", "FEMININE", "MASCULINE", "MICRO"} else name


def scripts_of(text: str) -> dict[str, int]:
    """Return how many letters of each script a text holds, by the first word of their Unicode names."""
    counts: dict[str, int] = {}
    for letter in text:
        if letter.isalpha():
            script = _script(letter)
            counts[script] = counts.get(script, 0) + 1
    return counts


def language_of(text: str) -> str:
    """Return the language of a text: ``en``, another code, ``und``, or empty where it holds no language (signs, figures, names)."""
    plain = unicodedata.normalize("NFKC", without_hidden(text))[:READ]
    counts = scripts_of(plain)
    other = {name: count for name, count in counts.items() if name != "LATIN"}
    if other and (sum(other.values()) >= FOREIGN_LETTERS or "LATIN" not in counts):
        return _by_script(plain, other)
    plain = language_words().loans.sub(" ", plain)
    words = _words(plain)
    return _latin(plain, words) if words else ""


def _by_script(text: str, counts: Mapping[str, int]) -> str:
    if counts.get("HIRAGANA", 0) + counts.get("KATAKANA", 0):
        return "ja"
    script = max(counts, key=lambda name: counts[name])
    if script not in SHARED:
        return SCRIPT_LANGUAGES.get(script, UNKNOWN)
    letters = "".join(char if not char.isascii() else " " for char in text)
    found = str(_model().classify(letters)[0])
    return found if found not in ANGLOPHONE else SCRIPT_LANGUAGES[script]


def _latin(text: str, words: Sequence[str]) -> str:
    """Return the language of a text in Latin letters."""
    known = language_words()
    common = sum(_is_english(word) for word in words) / len(words)
    ranked: list[tuple[str, float]] = _model().rank(text)
    best, score = ranked[0]
    marked, marks = _marked(words)
    ahead = score - max(score for name, score in ranked if name in {"en", "pcm"})
    if best in ANGLOPHONE or common >= MOSTLY:
        short = len(words) <= SHORT and common < MOSTLY
        return marked if marked and short else _foreign_run(text) or ENGLISH
    if _only_names(text, words) and marks < RUN:
        return ""
    if marked:
        return best if best in known.names else marked
    if common >= NAMED and ahead < CLEARLY:
        return ENGLISH
    if len(words) <= SHORT and (ahead < SURE or (best not in known.names and text.isascii() and ahead < CLEARLY)):
        return ""
    return best if best in known.names else UNKNOWN


def _is_english(word: str) -> bool:
    english = language_words().english
    return word in english or (word.endswith("s") and word.removesuffix("s").removesuffix("'") in english)


def _marked(words: Sequence[str]) -> tuple[str, int]:
    """Return the language whose function words a text holds most of, and how many; words that English has do not count."""
    own = {word for word in words if len(word) > 1 and not _is_english(word)}
    counts = {name: len(own & marks) for name, marks in language_words().marks.items()}
    best = max(counts, key=lambda name: counts[name])
    return (best, counts[best]) if counts[best] else ("", 0)


def _only_names(text: str, words: Sequence[str]) -> bool:
    """Return whether a short text holds nothing but words with a capital letter."""
    return len(words) <= SHORT and all(match.group()[0].isupper() for match in WORD.finditer(text))


def _foreign_run(text: str) -> str:
    """Return the language of words in the midst of an English text that are another language's; empty for none.

    Words count if at least two stand side by side that are not English and not capitalised, one of them a function word of a
    language or with a letter that English has not, or if two function words of one language are anywhere; and if the model takes
    them for another language, too.
    """
    runs: list[list[str]] = [[]]
    for match in WORD.finditer(text):
        word = match.group()
        if _is_english(word.lower().replace("’", "'")):
            runs.append([])
        else:
            runs[-1].append(word)
    strange = [word for run in runs for word in run]
    if _marked([word.lower() for word in strange])[1] >= RUN:
        runs.append(strange)
    for run in runs:
        marked, marks = _marked([word.lower() for word in run])
        lower = sum(word[0].islower() for word in run)
        if (lower >= RUN and (marked or not "".join(run).isascii())) or marks >= RUN:
            found = str(_model().classify(" ".join(run))[0])
            if found not in ANGLOPHONE:
                return found if found in language_words().names else marked or UNKNOWN
    return ""
