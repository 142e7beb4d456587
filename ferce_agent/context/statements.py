"""What the caller tells, taken apart.

Statements with an id, a speaker, and whether they speak of something that really happened.

Texts are split into sentences (``context.1``, …), turns stay whole (``turn.1``, …), fields have their own id
(``told.place``, …). Nothing here is an instruction: sentences that give orders to a program are kept as evidence of
what was said and never acted on.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from typing import Final, Literal

from ferce_agent.concurrency.lazy import once
from ferce_agent.context.language import ENGLISH, language_of
from ferce_agent.errors import SettingsError
from ferce_agent.inputs.situation import Situation
from ferce_agent.report import Evidence
from ferce_agent.vlm.extraction.hygiene import ORDERS, printable, shorten, tidy_text

MAX_SENTENCE: Final = 400
"""Characters of a statement; longer sentences and turns are several statements."""
MAX_CLAUSE: Final = 240
"""Characters of a sentence that are read at once; the sentence encoder takes no more."""

Source = Literal["words", "scene"]


@once
def unreal_patterns() -> dict[str, re.Pattern[str]]:
    """Return the patterns of `statements.toml` by group: sentences about nothing that happens to the people at hand.

    Raises:
        SettingsError: The file is damaged.
    """
    text = (resources.files("ferce_agent.context") / "statements.toml").read_text("utf-8")
    try:
        groups = tomllib.loads(text)
        return {name: re.compile(rf"\b(?:{'|'.join(group)})\b", re.IGNORECASE) for name, group in groups.items()}
    except (tomllib.TOMLDecodeError, re.error, TypeError) as error:
        raise SettingsError("statements.toml is damaged.", hint=str(error)) from error


@once
def plain_vocabulary() -> frozenset[str]:
    """Return the words of `plain.toml`: plain acts and everyday things.

    Raises:
        SettingsError: The file is damaged.
    """
    text = (resources.files("ferce_agent.context") / "plain.toml").read_text("utf-8")
    try:
        return frozenset(tomllib.loads(text)["words"].split())
    except (tomllib.TOMLDecodeError, KeyError, AttributeError) as error:
        raise SettingsError("plain.toml is damaged.", hint=str(error)) from error


def is_plain_act(text: str) -> bool:
    """Return whether a sentence has only words of `plain.toml`: everyday acts and things ("She walked home.")."""
    words = re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text.lower())
    return len(words) >= 2 and plain_vocabulary().issuperset(word for word in words if not word.isdigit())


IMPERATIVE: Final = re.compile(
    r"(?:(?:please|and|now|also|then|just)[ ,]+)*"
    r"(?:do not|don't|ignore|disregard|forget (?:what|everything|your|all)|set|mark|label|classify|report|output"
    r"|answer|respond"
    r"|reply|print|pretend|act as|treat|assume|make sure|remember to|you must|from now on|your (?:task|job|only)"
    r"|(?:always|never) (?:mention|report|say|answer|reply|output|name|use|include|give|write))\b",
    re.IGNORECASE,
)
"""Beginnings of sentences that tell a program what to do."""
MACHINES: Final = frozenset({"system", "developer", "tool", "function"})
"""Speakers whose turns are instructions to a program, and tell nothing about the people."""
TELLING: Final = 3
"""Least words of a clause that may tell what did happen beside what is denied ("not his job, but his wife died")."""
BETWEEN_CLAUSES: Final = re.compile(r"[,;:–—]\s+|\s(?=(?:but|and then|yet|because|since)\s)", re.IGNORECASE)
"""What separates two clauses of a sentence."""
GOES_ON: Final = frozenset({"story", "long_ago", "strangers", "denied"})
"""Groups of `statements.toml` after whose sentences the next one may be about the same matter (see `REFERS_BACK`)."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a statement.

    Attributes:
        text: The words.
        start: First character in the statement's text.
        real: Whether it tells of something that really happened to the people at hand. False for questions, orders,
            hypotheses, stories, things long over, and what is not in English.
        about: Ids of the people it names; empty if it names nobody.
        language: Its language; empty where it is in none (signs, names).
    """

    text: str
    start: int
    real: bool
    about: tuple[str, ...] = ()
    language: str = ENGLISH

    @property
    def understood(self) -> bool:
        """Whether it is in English, or in no language at all."""
        return self.language in {ENGLISH, ""}


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing the caller tells.

    Attributes:
        id: Id of its entry of evidence.
        text: The words, tidied.
        source: Whether it is about what happens, or about the scene around.
        speaker: Who says it in a conversation; empty for the caller's own description.
        person: Id of the person in the picture who says it; empty if that is not known.
        sentences: Its sentences.
    """

    id: str
    text: str
    source: Source
    speaker: str = ""
    person: str = ""
    sentences: tuple[Sentence, ...] = ()

    @property
    def order(self) -> int:
        """How many statements of the same kind come before; 0 for a field."""
        number = self.id.split(".")[1]
        return int(number) - 1 if number.isdigit() else 0

    @property
    def is_aside(self) -> bool:
        """Whether it tells where somebody is, or is what an assistant says, rather than what happens."""
        return self.id in {"told.place", "told.scene"} or self.speaker.lower() in {"assistant", "bot", "ai"}

    @property
    def real(self) -> bool:
        """Whether any sentence tells of something real."""
        return any(sentence.real for sentence in self.sentences)


PERSON_AGAIN: Final = re.compile(r"(?:he|she|they|his|her|their)\b", re.IGNORECASE)
"""A sentence that begins so is also about whom the one before names."""


def _who_goes_on(said: Sequence[Statement]) -> list[Statement]:
    """Let sentences that begin with a pronoun be about the people of the sentence before, too."""
    found: list[Statement] = []
    before: tuple[str, ...] = ()
    for one in said:
        parts: list[Sentence] = []
        for part in one.sentences:
            about = part.about
            if before and PERSON_AGAIN.match(part.text):
                about = tuple(dict.fromkeys((*before, *about)))
            before = about
            parts.append(replace(part, about=about))
        found.append(replace(one, sentences=tuple(parts)))
    return found


def statements(situation: Situation) -> list[Statement]:
    """Return everything the caller tells, in order: text, event, place, scene, turns.

    The text gives one statement a sentence, each field one, each turn one or, if it is long, several.
    """
    found: list[Statement] = []
    carried = True
    for number, text in enumerate(split(situation.text or ""), 1):
        parts, carried = _parts(text, situation, carried)
        found.append(Statement(f"context.{number}", text, "words", sentences=parts))
    found = _who_goes_on(found)
    fields = (("event", situation.event), ("place", situation.place), ("scene", situation.scene))
    for name, words in fields:
        if words and (text := tidy_text(without_code(words), MAX_SENTENCE)):
            found.append(Statement(f"told.{name}", text, "scene", sentences=_parts(text, situation)[0]))
    for number, turn in enumerate(situation.turns, 1):
        person = speaker_in_picture(turn.speaker, situation)
        for piece, text in enumerate(pieces_of(printable(without_code(turn.text)), MAX_SENTENCE), 1):
            parts = _parts(text, situation)[0]
            if turn.speaker.strip().lower() in MACHINES:
                parts = tuple(replace(part, real=False) for part in parts)
            name = f"turn.{number}" if piece == 1 else f"turn.{number}.{piece}"
            found.append(Statement(name, text, "words", turn.speaker, person, parts))
    return _in_languages(found)


def _in_languages(said: Sequence[Statement]) -> list[Statement]:
    """Note the language of every sentence; those that are not understood tell of nothing real.

    A sentence of signs or names among others of one language that is not English counts as that language, too.
    """
    known: dict[str, str] = {}
    found: list[Statement] = []
    for one in said:
        own = [known.setdefault(part.text, language_of(part.text)) for part in one.sentences]
        others = {code for code in own if code}
        shared = others.pop() if len(others) == 1 else ""
        parts = [replace(part, language=code or shared) for part, code in zip(one.sentences, own, strict=True)]
        found.append(replace(one, sentences=tuple(replace(p, real=p.real and p.understood) for p in parts)))
    return found


SENTENCE: Final = re.compile(r"\S.*?(?:[.!?…]{1,20}(?=[\s\"'”’)]|$)|[。！？।۔؟]|$)", re.DOTALL)
"""Up to a mark with a space behind it ("1.0" and "o'clock.txt" stay whole), or one of a script without such spaces."""
REFERS_BACK: Final = re.compile(r"(?:it|he|she|they|that|this|there|then|and|since then)\b", re.IGNORECASE)
"""A sentence that begins so goes on with the one before."""


def _parts(text: str, situation: Situation, carried: bool = True) -> tuple[tuple[Sentence, ...], bool]:
    """Return the sentences of a text, and whether the next may stand alone: a story or an old matter goes on."""
    found: list[Sentence] = []
    for match in SENTENCE.finditer(text):
        words = match.group().strip()
        if not words:
            continue
        start = match.start() + len(match.group()) - len(match.group().lstrip())
        goes_on = not carried and bool(REFERS_BACK.match(words))
        group = unreal_group(words)
        carried = group not in GOES_ON and not goes_on
        real = not group and not goes_on and not words.endswith("?")
        for clause, offset in _clauses(words):
            for piece, place in by_person(clause, situation):
                found.append(Sentence(piece, start + offset + place, real, named_in(piece, situation)))
    return tuple(found), carried


def _clauses(text: str) -> list[tuple[str, int]]:
    """Return a sentence whole, or a long one in pieces, each with its place."""
    found: list[tuple[str, int]] = []
    end = 0
    for piece in pieces_of(text, MAX_CLAUSE):
        start = text.index(piece, end)
        end = start + len(piece)
        found.append((piece, start))
    return found


def pieces_of(text: str, limit: int) -> list[str]:
    """Return a single-spaced text in pieces of at most `limit` characters, cut after a sentence, a clause or a word."""
    found: list[str] = []
    while len(text) > limit:
        cut = next((match.end() for match in (mark.search(text[:limit]) for mark in CUTS) if match), limit)
        found.append(text[:cut].strip())
        text = text[cut:].strip()
    return [piece for piece in (*found, text) if piece]


CUTS: Final = tuple(re.compile(rf"^.*{mark}", re.DOTALL) for mark in (r"[.!?…]\s", r"[,;:]\s", r"\s"))
"""Up to the last place for a cut, the best kind first."""


def by_person(text: str, situation: Situation) -> list[tuple[str, int]]:
    """Split a sentence that names several people into its clauses ("Ann won, Ben lost"), each with its place."""
    if len(named_in(text, situation)) < 2:
        return [(text, 0)]
    clauses = [match.span() for match in CLAUSE.finditer(text) if match.group().strip()]
    if any(len(named_in(text[first:last], situation)) > 1 for first, last in clauses):
        return [(text, 0)]
    pieces: list[tuple[int, int]] = []
    for first, last in clauses:
        if pieces and not (named_in(text[first:last], situation) and named_in(text[slice(*pieces[-1])], situation)):
            pieces[-1] = (pieces[-1][0], last)  # a clause that names nobody goes on with the one before
        else:
            pieces.append((first, last))
    return [(text[first:last].strip(), last - len(text[first:last].lstrip())) for first, last in pieces]


CLAUSE: Final = re.compile(r"(?:(?![,;]| and | but | while | whereas ).)+", re.IGNORECASE)


def named_in(text: str, situation: Situation) -> tuple[str, ...]:
    """Return the people whose name or role a text holds."""
    found = []
    for known in situation.people:
        name = re.sub(r"^(?:the|my|her|his|their|our)\s+", "", known.name.strip(), flags=re.IGNORECASE)
        if name and re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE):
            found.append(known.person)
    return tuple(dict.fromkeys(found))


CODE: Final = re.compile(
    r"<!--.*?(?:-->|$)|<(script|style)\b.*?(?:</\1>|$)|\b[\w.]{1,80}\s{0,4}=\s{0,4}[\w\"']{1,80};",
    re.IGNORECASE | re.DOTALL,
)


def without_code(text: str) -> str:
    """Leave out comments, scripts and assignments that somebody put into the words."""
    return CODE.sub(" ", text)


def speaker_in_picture(speaker: str, situation: Situation) -> str:
    """Return the person who speaks: named by the caller, or the largest face for ``user``; empty if unknown."""
    name = speaker.strip().lower()
    for known in situation.people:
        if known.name.lower() == name or known.person == name:
            return known.person
    named = {known.person for known in situation.people}
    return "person-1" if name in {"user", "me", "i"} and "person-1" not in named else ""


def split(text: str) -> list[str]:
    """Return the sentences of a text, tidied; one longer than 400 characters in several pieces."""
    parts = re.split(r"(?<=[.!?…])\s+|(?<=[。！？।۔؟])|[\r\n]+", without_code(text))
    return [piece for part in parts for piece in pieces_of(printable(part), MAX_SENTENCE)]


def unreal_group(text: str) -> str:
    """Return why a sentence tells of nothing that happens here: ``order``, or a group of `statements.toml`.

    Empty if it does.
    """
    if ORDERS.search(text) or IMPERATIVE.match(text):
        return "order"
    group = next((name for name, pattern in unreal_patterns().items() if pattern.search(text)), "")
    return "" if group == "harmless" and _tells_besides(text) else group


def _tells_besides(text: str) -> bool:
    """Return whether a sentence that denies something bad has another clause that denies nothing, and no plain act."""
    clauses = [clause.strip() for clause in BETWEEN_CLAUSES.split(text)]
    return len(clauses) > 1 and any(
        len(clause.split()) >= TELLING and not unreal_group(clause) and not is_plain_act(clause) for clause in clauses
    )


def told_evidence(said: Iterable[Statement], situation: Situation, crisis: Iterable[str] = ()) -> list[Evidence]:
    """Return the entries of evidence of all statements, of who is who, of relations and of the stated posture.

    Args:
        said: The statements.
        situation: What they are taken from.
        crisis: Ids that must have an entry, whatever was left of the words.
    """
    entries = [_entry(one.id, f"{one.speaker}: {one.text}" if one.speaker else one.text) for one in said]
    for number, known in enumerate(situation.people, 1):
        entries.append(_entry(f"told.person.{number}", f"{known.person}: {tidy_text(known.name)}"))
    for number, relation in enumerate(situation.relations, 1):
        pair = " and ".join(relation.people)
        entries.append(_entry(f"told.relation.{number}", f"{pair}: {tidy_text(relation.relation)}"))
    if situation.posture:
        entries.append(_entry("told.posture", tidy_text(situation.posture)))
    there = {entry.id for entry in entries}
    return [*entries, *(_entry(name, UNREADABLE) for name in crisis if name not in there)]


UNREADABLE: Final = "Words that hold code or markup."
"""Evidence of a field of which nothing readable is left."""


def _entry(name: str, text: str) -> Evidence:
    return Evidence(id=name, kind="context", text=shorten(text, 600) or "-", value=None, person=None)


PROMPT_WORDS: Final = 1000
"""Characters of what is told that a vision-language model gets to see."""


def plain_words(situation: Situation) -> str:
    """Return the situation as one paragraph of at most 1,000 characters, for prompts; empty if nothing is told."""
    return shorten(all_words(situation), PROMPT_WORDS)


def all_words(situation: Situation) -> str:
    """Return the situation as one paragraph, the latest six turns of a conversation with it."""
    parts = [situation.text, situation.event, situation.place, situation.scene]
    parts += [f"{turn.speaker}: {turn.text}" for turn in situation.turns[-6:]]
    return printable(" ".join(part for part in parts if part))
