"""Words of distress (self-harm, violence, an emergency) in the languages of `distress_words/`, whatever the face shows.

Every language has an open file of patterns for distress, for look-alikes ("dying of laughter"), for denials, and for
songs and stories that are only quoted. In doubt it is distress: what somebody else is said to want counts, questions
count, and so does what is only imagined, since "If I killed myself nobody would care" is no hypothesis. All of the text
is looked through, by sentence.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ferce_agent.concurrency.lazy import once
from ferce_agent.context.folding import IDEOGRAPHS, Spelling, fold, fold_letters, wordings
from ferce_agent.errors import SettingsError

MAX_PIECE: Final = 600
"""Characters of a sentence that are looked at as one; longer ones are looked at in overlapping pieces."""
OVERLAP: Final = 200
"""By how much the pieces overlap: more than the longest phrase with its denial."""
NEAR: Final = 60
"""So many characters before a phrase may deny it or say where it is quoted from."""
CLOSE: Final = 16
"""So many characters before a phrase may hold the "I" that makes it the speaker's own."""
BOUNDARY: Final = r"[\w\u0900-\u0dff\u0e00-\u0e7f]"
"""Characters of words; vowel signs of Indic scripts are none for `\\w`."""
SENTENCE: Final = re.compile(r"[^.!?…。！？؟۔।;\n]+")
"""Up to a mark that ends a sentence in some script."""
QUOTED: Final = re.compile(
    r"\"[^\"]{1,300}\"|[“„][^”“]{1,300}[”“]|«[^»]{1,300}»|「[^」]{1,300}」|『[^』]{1,300}』|《[^》]{1,300}》"
)
"""Words in quotation marks."""
KANA: Final = re.compile(r"[\u3040-\u30ff]")
"""A letter of Japanese that Chinese does not have."""
SCRIPTS: Final[Mapping[str, re.Pattern[str]]] = {
    "Latin": re.compile(r"[a-z]"),
    "Cyrillic": re.compile(r"[\u0400-\u052f]"),
    "Arabic": re.compile(r"[\u0600-\u06ff]"),
    "Devanagari": re.compile(r"[\u0900-\u097f]"),
    "Bengali": re.compile(r"[\u0980-\u09ff]"),
    "Han": re.compile(rf"[{IDEOGRAPHS}]"),
}
"""A letter of each script for which there are lexicons, in folded text."""

GROUPS: Final = (
    *("distress", "strain", "innocent", "denied_before", "denied_after", "denied_twice", "denied_until"),
    *("works", "cited", "turns", "first"),
)
"""Names of the groups of patterns in a file."""

Patterns = tuple[Annotated[str, Field(min_length=1)], ...]
"""Regular expressions of one group."""


class LexiconFile(BaseModel):
    """One language's file.

    Patterns are regular expressions on folded text (see `folding`): a space stands for any gap, {NAME} for an entry of
    `parts`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """The language in English."""
    script: str
    """Script of its words: a key of `SCRIPTS`."""
    spaced: bool = True
    """Whether words are parted by spaces; if not, patterns match inside words."""
    same: tuple[Annotated[str, Field(min_length=2, max_length=2)], ...] = ()
    """Pairs of characters of which the first is read as the second, such as a traditional and a simplified one."""
    parts: dict[str, str] = {}
    """Building blocks of patterns."""
    spelling: tuple[str, ...] = ()
    """Long words that are also found with one slip of typing."""
    distress: Patterns
    """What counts as distress."""
    strain: Patterns = ()
    """What counts as distress in sentences about something real only: great sorrow without danger."""
    innocent: Patterns = ()
    """Figures of speech without distress ("dying of laughter"), taken out before the other patterns are tried."""
    denied_before: Patterns = ()
    """What denies a phrase behind it."""
    denied_after: Patterns = ()
    """What denies a phrase before it."""
    denied_twice: Patterns = ()
    """What stands before a phrase and affirms it by a second denial, or denies it for now only.

    For example "not a day that I do not".
    """
    denied_until: Patterns = ()
    """What stands behind a phrase that is denied for now only: "not yet"."""
    works: Patterns = ()
    """Words for songs, films, books, history."""
    cited: Patterns = ()
    """What introduces words out of such a work, behind its word: "says", "is called"."""
    turns: Patterns = ()
    """Words after a work's that are about the speaker again: "and so am I"."""
    first: Patterns = ()
    """Words by which a phrase is the speaker's own."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language's patterns, compiled.

    Attributes:
        code: Name of its file.
        script: Its script.
        same: Character table.
        spelling: Corrects slips.
        patterns: Compiled groups of the file, by name; empty groups are left out.
    """

    code: str
    script: str
    same: Mapping[int, str]
    spelling: Spelling
    patterns: Mapping[str, re.Pattern[str]]

    @classmethod
    def of(cls, code: str, file: LexiconFile, kept: Iterable[str] = ()) -> Lexicon:
        """Compile a file; folded words in `kept`, those of other languages, are not taken for slips.

        Raises:
            re.error: A pattern is wrong.
            KeyError: A part is missing.
        """
        same = str.maketrans({pair[0]: pair[1] for pair in file.same})
        groups: dict[str, re.Pattern[str]] = {}
        for group in GROUPS:
            written: Sequence[str] = getattr(file, group)
            if written:
                gap = " +" if group.startswith("denied") else "[ ,]+"  # a comma ends what a denial reaches
                joined = "|".join(_ready(text, file.parts, gap).translate(same) for text in written)
                groups[group] = _bounded(joined, group, spaced=file.spaced)
        words = [fold(word).translate(same) for word in file.spelling]
        return cls(code, file.script, same, Spelling(words, kept), groups)

    def found(self, text: str, *groups: str) -> bool:
        """Return whether folded text holds a phrase of one of the groups that is not denied, quoted or a look-alike."""
        if not SCRIPTS[self.script].search(text) or (
            self.script == "Han" and _japanese(text) is not (self.code == "ja")
        ):
            return False
        plain = self.spelling.corrected(text.translate(self.same))
        if "innocent" in self.patterns:
            plain = self.patterns["innocent"].sub(lambda match: "#" * len(match.group()), plain)
        return any(
            not self._excused(plain, match.start(), match.end())
            for group in groups
            if group in self.patterns
            for match in self.patterns[group].finditer(plain)
        )

    def _matches(self, group: str, text: str) -> bool:
        return group in self.patterns and self.patterns[group].search(text) is not None

    def _excused(self, text: str, start: int, end: int) -> bool:
        """Return whether a phrase is denied, quoted from a work, or told of somebody in a story or in history."""
        before = text[max(start - NEAR, 0) : start]
        if self._denied(before, text[end : end + NEAR]):
            return True
        if not any(works.search(text) for works in works_by_script()[self.script]):
            return False
        quoted = any(match.start() < start and end < match.end() for match in QUOTED.finditer(text))
        own = self._matches("first", text[max(start - CLOSE, 0) : end])
        return quoted or self._cited(before) or not own

    def _denied(self, before: str, after: str) -> bool:
        """Return whether a phrase is denied once, and for good: "not yet" and a denial of a denial are no denials."""
        if self._matches("denied_twice", before) or self._matches("denied_until", after):
            return False
        return self._matches("denied_before", before) or self._matches("denied_after", after)

    def _cited(self, before: str) -> bool:
        """Return whether a work is named before a phrase and then cited, without a turn to the speaker in between."""
        work = self.patterns["works"].search(before) if "works" in self.patterns else None
        cited = self.patterns["cited"].search(before, work.end()) if work and "cited" in self.patterns else None
        return cited is not None and not self._matches("turns", before[cited.end() :])


def _japanese(text: str) -> bool:
    return len(KANA.findall(text)) * 8 >= len(SCRIPTS["Han"].findall(text))


def _ready(written: str, parts: Mapping[str, str], gap: str) -> str:
    """Fill in the parts, fold, and let a space stand for a gap."""
    for _ in range(3):  # parts may be built from parts
        written = re.sub(r"\{([A-Z]+)\}", lambda match: parts[match.group(1)], written)
    return re.sub(r" (?![?*+{])", gap, fold_letters(written))


def _bounded(joined: str, group: str, *, spaced: bool) -> re.Pattern[str]:
    """Compile patterns as whole words; those beside a phrase are bound to it."""
    first, last = (rf"(?<!{BOUNDARY})", rf"(?!{BOUNDARY})") if spaced else ("", "")
    head, tail = (
        (r"^ *", "")
        if group in {"denied_after", "denied_until"}
        else ("", r" *$" if group in {"denied_before", "denied_twice"} else "")
    )
    return re.compile(f"{head}{first}(?:{joined}){last}{tail}")


@once
def lexicons() -> tuple[Lexicon, ...]:
    """Return the lexicons of all languages.

    Raises:
        SettingsError: A file is damaged; the message names it.
    """
    folder = resources.files("ferce_agent.context") / "distress_words"
    files: dict[str, LexiconFile] = {}
    found = []
    name = ""
    try:
        for file in sorted(folder.iterdir(), key=lambda one: one.name):
            if file.name.endswith(".toml"):
                name = file.name
                files[name[:-5]] = LexiconFile.model_validate(tomllib.loads(file.read_text("utf-8")))
        kept = {fold(word) for one in files.values() for word in one.spelling}
        for code, one in files.items():
            name = f"{code}.toml"
            found.append(Lexicon.of(code, one, kept))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError, re.error, KeyError) as error:
        raise SettingsError(f"distress_words/{name} is damaged.", hint=str(error)) from error
    return tuple(found)


@once
def works_by_script() -> Mapping[str, tuple[re.Pattern[str], ...]]:
    """Return the words for songs, films and books of all languages, by script.

    A phrase that one language's lexicon finds may be quoted from a work that is named in another language.
    """
    return {
        script: tuple(one.patterns["works"] for one in lexicons() if one.script == script and "works" in one.patterns)
        for script in SCRIPTS
    }


def languages() -> tuple[str, ...]:
    """Return the codes of the languages with a lexicon."""
    return tuple(lexicon.code for lexicon in lexicons())


def pieces_of(text: str) -> Iterator[str]:
    """Yield the sentences of a folded text, in any script, long ones in overlapping pieces.

    Line breaks may end a sentence or not, so pieces of both kinds are given.
    """
    for whole in dict.fromkeys((text, " ".join(text.split()))):
        for match in SENTENCE.finditer(whole):
            sentence = " ".join(match.group().split())
            for start in range(0, max(len(sentence) - OVERLAP, 1), MAX_PIECE - OVERLAP):
                yield sentence[start : start + MAX_PIECE]


def languages_of_distress(text: str, *, strain: bool = False) -> tuple[str, ...]:
    """Return the languages in whose words a text speaks of distress; empty if it does not.

    Args:
        text: Any length; all of it is looked through.
        strain: Whether words of great sorrow without danger count, too.
    """
    groups = ("distress", "strain") if strain else ("distress",)
    pieces = dict.fromkeys(piece for wording in wordings(fold(text)) for piece in pieces_of(wording))
    return tuple(one.code for one in lexicons() if any(one.found(piece, *groups) for piece in pieces))


def speaks_of_distress(texts: str | Iterable[str], *, strain: bool = False) -> bool:
    """Return whether a text, or any of several, speaks of distress in any language known here."""
    each = (texts,) if isinstance(texts, str) else texts
    return any(languages_of_distress(text, strain=strain) for text in each)
