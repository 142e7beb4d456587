"""The offline chatbot's answers: composed by rule from a report's guidance and the user's words, hedged, no therapy.

Nothing here knows anything about the world: questions are met with saying so. The same words in the same place of a
conversation get the same answer.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from ferce_agent.concurrency.lazy import once
from ferce_agent.context.causes import stated_appraisals
from ferce_agent.context.conflicts import event_side
from ferce_agent.context.direction import Direction, Manner, PhotoState, Source
from ferce_agent.context.distress import languages_of_distress
from ferce_agent.context.statements import statements
from ferce_agent.errors import SettingsError
from ferce_agent.inputs.situation import MAX_TEXT, Situation

Case = Literal[
    "acknowledge",
    "acknowledge_clip",
    "acknowledge_voice",
    "photo",
    "clip",
    "voice",
    "failed",
    "failed_voice",
    "look",
    "look_clip",
    "look_voice",
    "unseen",
    "question",
    "greeting",
    "thanks",
    "farewell",
    "statement",
    "sorry",
    "setback",
    "good_news",
    "ask",
    "act",
    "listen",
    "go_on",
    "slower",
    "distress",
    "offer",
    "people",
    "not_understood",
]
Phrases: TypeAlias = dict[Case, dict[Manner, Annotated[tuple[str, ...], Field(min_length=3)]]]
"""Wordings by case and manner."""

LOOKS: Final = re.compile(
    r"\b(photo|picture|clip|video|face|voice|expression|mood|(do|did) i (look|seem|sound|appear)"
    r"|(can|do|did) you (see|hear))\b",
    re.I,
)
QUESTION: Final = re.compile(
    r"\?|^(what|who|where|when|why|how|which|can|could|is|are|do|does|did|will|would|should)\b", re.I
)
GREETING: Final = re.compile(r"^(hi|hello|hey|good (morning|afternoon|evening|day))\b", re.I)
THANKS: Final = re.compile(r"^(many )?(thanks|thank you|thx|cheers)\b", re.I)
FAREWELL: Final = re.compile(r"^(bye|goodbye|good night|see you)\b", re.I)


@once
def phrases() -> Phrases:
    """Read the wordings of this package.

    Raises:
        SettingsError: A case is missing, or has too few wordings.
    """
    text = (resources.files("ferce_agent.chat") / "replies.toml").read_text("utf-8")
    try:
        found = TypeAdapter(Phrases).validate_python(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise SettingsError("replies.toml is damaged.", hint=str(error)) from error
    if lacking := {name for name in Case.__args__ if "any" not in found.get(name, {})}:  # type: ignore[attr-defined]
        raise SettingsError(f"replies.toml lacks wordings for {', '.join(sorted(lacking))}.")
    return found


@once
def help_sentences() -> Mapping[str, str]:
    """Return one sentence of help per language other than English, for words of distress in that language.

    Raises:
        SettingsError: The file is damaged.
    """
    text = (resources.files("ferce_agent.chat") / "help.toml").read_text("utf-8")
    try:
        return TypeAdapter(dict[str, str]).validate_python(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise SettingsError("help.toml is damaged.", hint=str(error)) from error


def told_case(words: str) -> Case | None:
    """Return what kind of news the user's words hold: a loss, a setback, good news; None for neither or for both.

    Only cue words of the ontology count, and only sentences about something real.
    """
    found = stated_appraisals(statements(Situation(text=words[:MAX_TEXT] or None)))
    if any(one.appraisal.id == "loss" for one in found):
        return "sorry"
    side = event_side(found)
    return None if side == 0 else "good_news" if side > 0 else "setback"


def understood(words: str) -> bool:
    """Return whether all of the user's words are English, or in no language at all (names, signs)."""
    told = statements(Situation(text=words[:MAX_TEXT] or None))
    return all(sentence.understood for one in told for sentence in one.sentences)


@dataclass(frozen=True, slots=True)
class GuidedReply:
    """One answer.

    Attributes:
        words: What the user wrote or said; empty where only a photo came.
        direction: How to answer.
        summary: What the photo shows, or why it could not be read.
        turn: How many messages the user sent before.
    """

    words: str
    direction: Direction
    summary: str = ""
    turn: int = 0

    def text(self) -> str:
        """Return the answer."""
        spoken = languages_of_distress(self.words)
        if spoken or (self.direction.distress and self.direction.photo != "earlier"):
            own = [help_sentences()[code] for code in spoken if code in help_sentences() and "en" not in spoken]
            return " ".join([self._join("distress", "offer", "people"), *own[:2]])
        if self.direction.distress:
            # Said in full once; after that the offer stays, and with a farewell the people to turn to.
            return self._join(self._reaction(), "people" if FAREWELL.search(self.words.strip()) else "offer")
        return self._join(self._opening(), self._reaction(), *self._closing())

    def _opening(self) -> Case | None:
        """What to say about the photo, the clip or the voice."""
        direction = self.direction
        if direction.photo in {"none", "earlier"} or self._asks_about_photo():
            return None
        if direction.photo == "failed":
            return _OF["failed"][direction.source]
        named = direction.acknowledge and direction.seems and not direction.avoids("naming an emotion", "mentioning")
        # Naming a happy face beside words that may tell of a death would be heartless.
        if not named or not understood(self.words):
            return direction.source
        return _OF["acknowledge"][direction.source]

    def _reaction(self) -> Case | None:
        """What to say to the words."""
        words = self.words.strip()
        if not words:
            return None
        if not understood(words):
            return "not_understood"
        if self._asks_about_photo():
            case = _ABOUT_PHOTO[self.direction.photo]
            return _OF[case][self.direction.source] if case in _OF else case
        for pattern, case in _REACTIONS:
            if pattern.search(words):
                return case
        news = told_case(words)
        if news == "good_news" and self.direction.manner in {"gentle", "steady"}:
            news = None  # a sad or tense face at good news: do not congratulate
        return news or (None if self.direction.pace == "brisk" else "statement")

    def _asks_about_photo(self) -> bool:
        return bool(QUESTION.search(self.words.strip()) and LOOKS.search(self.words))

    def _closing(self) -> tuple[Case | None, ...]:
        """How to go on."""
        direction = self.direction
        if FAREWELL.search(self.words.strip()) or direction.photo == "failed" or not understood(self.words):
            return ()
        step: Case = direction.step
        if told_case(self.words) == "sorry":
            return "slower", "listen"
        if step == "ask" and direction.avoids("question"):
            step = "listen"
        return ("slower" if direction.pace == "slower" else None, step)

    def _join(self, *cases: Case | None) -> str:
        return " ".join(self._pick(case) for case in cases if case is not None)

    def _pick(self, case: Case) -> str:
        """Return one wording: the manner's own if there are some, by a hash of the words."""
        kinds = phrases()[case]
        wordings = kinds.get(self.direction.manner, kinds["any"])
        digest = hashlib.sha256(f"{case}\n{self.turn}\n{self.words}".encode()).digest()
        chosen = wordings[digest[0] % len(wordings)]
        return chosen.replace("{seems}", self.direction.seems or "").replace("{summary}", self.summary)


_ABOUT_PHOTO: Final[dict[PhotoState, Case]] = {"none": "unseen", "earlier": "look", "read": "look", "failed": "failed"}
_OF: Final[dict[Case, dict[Source, Case]]] = {
    "acknowledge": {"photo": "acknowledge", "clip": "acknowledge_clip", "voice": "acknowledge_voice"},
    "look": {"photo": "look", "clip": "look_clip", "voice": "look_voice"},
    "failed": {"photo": "failed", "clip": "failed", "voice": "failed_voice"},
}
"""Cases that have wordings of their own for what was read."""
_REACTIONS: Final[tuple[tuple[re.Pattern[str], Case], ...]] = (
    (THANKS, "thanks"),
    (FAREWELL, "farewell"),
    (QUESTION, "question"),
    (GREETING, "greeting"),
)
