"""In which language something is told: only English is understood by the rules and examples of causes.

Scripts come first, then common words, then a statistical model (py3langid: many languages and Nigerian Pidgin, naive
Bayes over bytes). A text of signs, figures and names alone is in no language. Runs of foreign words inside an English
sentence count, too; in doubt a text is not understood rather than taken for English.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from ferce_agent.concurrency.lazy import once
from ferce_agent.context.english import in_vocabulary, without_accents
from ferce_agent.context.folding import without_hidden
from ferce_agent.errors import SettingsError, SetupError
from ferce_agent.ontology.store import ontology

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
CONTENT: Final = 3
"""Letters of a word that says something on its own, at least."""
COMPOSITE: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*-[A-ZÀ-ÖØ-Þ][^\W\d_]+(?:-[^\W\d_]+)*")
"""A name of several parts, such as Jean-Luc or Saint-Germain-des-Prés."""
QUOTED: Final = re.compile(r"[:\"“”«»„]")
"""Where other people's words may begin: what stands behind is read on its own."""

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
        loans: Phrases of other languages that are used in English sentences, such as "déjà vu".
        foreign: Words of other languages that the encoder's vocabulary holds.
        people: Names that the vocabulary lacks, in small letters without accents.
        links: Function words that names and dishes hold, too: a run with no other one may be such a name.
    """

    english: frozenset[str]
    marks: Mapping[str, frozenset[str]]
    names: Mapping[str, str]
    loans: re.Pattern[str]
    foreign: frozenset[str]
    people: frozenset[str]
    links: frozenset[str]


@once
def language_words() -> LanguageWords:
    """Return the word lists.

    Raises:
        SettingsError: The file is damaged.
    """
    text = (resources.files("ferce_agent.context") / "language.toml").read_text("utf-8")
    try:
        table: dict[str, Any] = tomllib.loads(text)
        known = ontology()
        told = (*(name for term in known.terms.values() for name in term.names), table["english"])
        cues = (cue for appraisal in known.appraisals.values() for cue in appraisal.cues)
        english = frozenset(word for line in (*told, *cues) for word in _words(line))
        marks = {name: frozenset(_words(line)) for name, line in table["marks"].items()}
        loans = re.compile(rf"\b(?:{'|'.join(map(re.escape, table['loans']))})\b", re.IGNORECASE)
        lists = (frozenset(_words(table[name])) for name in ("foreign", "names_of_people", "links"))
        return LanguageWords(english, marks, dict(table["names"]), loans, *lists)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError("language.toml is damaged.", hint=str(error)) from error


def _words(text: str) -> list[str]:
    return [match.group().lower().replace("’", "'") for match in WORD.finditer(text)]


@once
def _model() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    try:
        return LanguageIdentifier.from_model_file(MODEL_FILE)
    except OSError as error:  # it unpacks the model into a temporary file
        raise SetupError(
            "The model that tells languages apart needs a place for a temporary file.",
            hint="Is the disk full? The variable TMPDIR names another folder.",
        ) from error


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
    """Return the language of a text.

    ``en``, another code, ``und``, or empty where it holds no language (signs, figures, names).
    """
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
    common = _share_of_english(text, words)
    ranked: list[tuple[str, float]] = _model().rank(text)
    best, score = ranked[0]
    marked, marks = _marked(words)
    ahead = score - max(score for name, score in ranked if name in {"en", "pcm"})
    if len(words) <= SHORT and _is_strange(text, marks):
        return marked or (best if best in known.names and ahead >= SURE else UNKNOWN)
    if best in ANGLOPHONE or common >= MOSTLY:
        short = len(words) <= SHORT and common < MOSTLY
        return marked if marked and short else _foreign_run(text) or ENGLISH
    if _only_names(text, words) and marks < RUN:
        return ""
    if marked:
        return best if best in known.names else marked
    return _unmarked(text, words, common, best, ahead)


def _unmarked(text: str, words: Sequence[str], common: float, best: str, ahead: float) -> str:
    """Return the language of a text without function words of another one, by the model's best guess and its lead."""
    named = best in language_words().names
    if common >= NAMED and ahead < CLEARLY:
        return ENGLISH
    if len(words) <= SHORT and (ahead < SURE or (not named and text.isascii() and ahead < CLEARLY)):
        return ""
    return best if named else UNKNOWN


def _is_english(word: str) -> bool:
    english = language_words().english
    return word in english or (word.endswith("s") and word.removesuffix("s").removesuffix("'") in english)


def _share_of_english(text: str, words: Sequence[str]) -> float:
    """Return the share of common English words; in a longer text with some of them, all words of the vocabulary count.

    Names of several parts are left out of a longer text.
    """
    common = sum(_is_english(word) for word in words)
    if not common or len(words) <= SHORT:
        return common / len(words)
    left = [match.group() for match in WORD.finditer(_without_names(text))]
    known = sum(_is_known(word) for word in left) / len(left) if left else 0.0
    return max(common / len(words), known)


def _without_names(text: str) -> str:
    """Return a text without names of several parts: Jean-Luc, Santa Maria del Fiore, Prix de l'Arc de Triomphe."""
    links = "|".join(sorted(language_words().links))
    part = r"(?:[ld]['’])?[A-ZÀ-ÖØ-Þ][^\W\d_]+"
    return re.sub(rf"\b{part}(?: (?:(?:{links}) ){{1,2}}{part})+", " ", COMPOSITE.sub(" ", text))


def _is_known(word: str) -> bool:
    """Return whether a word is English, or a name that the vocabulary holds."""
    plain = word.lower().replace("’", "'")
    known = language_words()
    if _is_english(plain) or (word[0].isupper() and without_accents(plain).removesuffix("'s") in known.people):
        return True
    return (
        without_accents(plain) not in known.foreign
        and not any(plain in own for own in known.marks.values())
        and in_vocabulary(word)
    )


def _is_strange(text: str, marks: int) -> bool:
    """Return whether no more than a few words of a short text are English ones, so that it cannot be taken for English.

    Several words with capital letters and nothing else are names ("Krzysztof Penderecki").
    """
    every = [match.group() for match in WORD.finditer(text)]
    words = [word for word in every if len(word) >= CONTENT] or every
    strange = [word for word in words if not _is_known(word)]
    told = sum(_is_english(word.lower()) for word in every)
    if not strange or (_are_names(text, every) and marks < RUN):
        return False
    if len(strange) == len(words):
        few = told == sum(len(word) == 1 for word in every)
        return few or (len(strange) >= RUN and told < len(strange))
    if len(strange) * 2 > len(words):
        return True
    # Half of the words: "Papa weg" beside a name, "gute vida" beside words that are another language's.
    named = all(word[0].isupper() for word in words if word not in strange) and any(word.islower() for word in strange)
    foreign = any(word.lower() in language_words().foreign for word in strange)
    return (named or foreign) and told == 0 and len(strange) * 2 == len(words)


def _are_names(text: str, words: Sequence[str]) -> bool:
    named = all(word[0].isupper() and not word.isupper() for word in words)
    return named and len(words) >= RUN and not text.rstrip().endswith((".", "!"))


def _marked(words: Sequence[str]) -> tuple[str, int]:
    """Return the language whose function words a text holds most of, and how many.

    Words that English has do not count.
    """
    own = {word for word in words if len(word) > 1 and not _is_english(word)}
    counts = {name: len(own & marks) for name, marks in language_words().marks.items()}
    best = max(counts, key=lambda name: counts[name])
    return (best, counts[best]) if counts[best] else ("", 0)


def _only_names(text: str, words: Sequence[str]) -> bool:
    """Return whether a short text holds nothing but words with a capital letter."""
    return len(words) <= SHORT and all(match.group()[0].isupper() for match in WORD.finditer(text))


def _foreign_run(text: str) -> str:
    """Return the language of words in the midst of an English text that are another language's; empty for none.

    Words count if at least two stand side by side that are not English and not capitalised, one of them a function word
    of a language, or if two function words of one language are anywhere; and if the model takes them for another
    language, too. Names and dishes in an English sentence ("spaghetti alla puttanesca") are no such words: function
    words that link the parts of a name count only where somebody's words are told, behind a colon or quotation mark.
    """
    for number, part in enumerate(QUOTED.split(_without_names(text))):
        for run in _runs(part):
            if found := _language_of_run(run, linked=number > 0):
                return found
    return ""


def _runs(text: str) -> list[list[str]]:
    """Return the runs of words that are not English, and all of them as one where they hold two function words."""
    runs: list[list[str]] = [[]]
    words = [match.group() for match in WORD.finditer(text)]
    english = [_is_english(word.lower().replace("’", "'")) for word in words]
    for place, word in enumerate(words):
        # "war" and "die" between two foreign words are foreign, too.
        amid = 0 < place < len(words) - 1 and not english[place - 1] and not english[place + 1]
        if english[place] and not (amid and any(word in own for own in language_words().marks.values())):
            runs.append([])
        else:
            runs[-1].append(word)
    strange = [word for run in runs for word in run]
    if _marked(_unlinked(strange))[1] >= RUN:
        runs.append(strange)
    return runs


def _unlinked(run: Sequence[str]) -> list[str]:
    return [word.lower() for word in run if word.lower() not in language_words().links]


def _language_of_run(run: Sequence[str], *, linked: bool) -> str:
    marked, marks = _marked([word.lower() for word in run] if linked else _unlinked(run))
    lower = sum(word[0].islower() for word in run)
    strange = linked and not "".join(run).isascii()
    if (lower >= RUN and (marked or strange)) or marks >= RUN:
        found = str(_model().classify(" ".join(run))[0])
        if found not in ANGLOPHONE:
            return found if found in language_words().names else marked or UNKNOWN
    return ""
