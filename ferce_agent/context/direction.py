"""How a chatbot might answer now.

It holds guidance, what became of the photo, and the word for what it shows if that may be said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from ferce_agent.context.guidance import advice_table
from ferce_agent.ontology.store import ontology
from ferce_agent.report import Guidance

Manner = Literal["warm", "gentle", "steady", "plain", "any"]
PhotoState = Literal["none", "earlier", "read", "failed"]
"""Whether a photo, clip or voice came with the latest message and what became of it, or came a little earlier."""

Source = Literal["photo", "clip", "voice"]
"""What a reading is of."""

MANNERS: Final[tuple[tuple[str, Manner], ...]] = (
    ("warm", "warm"),
    ("gentle", "gentle"),
    ("reassuring", "steady"),
    ("respectful", "steady"),
    ("matter-of-fact", "plain"),
    ("neutral", "plain"),
)
"""Words of a guidance's tone, and the manner they stand for; the first one that occurs counts."""


class Direction(BaseModel):
    """How to answer now.

    It holds a guidance, whether a photo was just read, and the word for what it shows if that may be said.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    tone: str = "friendly and open"
    pace: Literal["slower", "as_is", "brisk"] = "as_is"
    step: Literal["ask", "act", "listen", "go_on"] = "go_on"
    acknowledge: bool = False
    seems: str | None = None
    suggestion: str = "Answer what was said; ask an open question if the mood matters."
    avoid: tuple[str, ...] = ("naming an emotion",)
    distress: bool = False
    photo: PhotoState = "none"
    source: Source = "photo"
    """What was read: `photo` says when."""

    @classmethod
    def from_reading(cls, reading: Mapping[str, Any], photo: PhotoState = "read") -> Direction:
        """Follow a reading's guidance.

        What the face shows, or the voice sounds like, is mentioned in the turn in which it came only, and not in
        distress: the words may say more.
        """
        guidance = Guidance.model_validate(reading["guidance"])
        named = photo == "read" and guidance.acknowledge and not guidance.distress
        seems = adjective_of(reading) if named else None
        told = guidance.model_dump(exclude={"acknowledge", "evidence"})
        source: Source = reading.get("kind", "photo")
        return cls(**told, acknowledge=seems is not None, seems=seems, photo=photo, source=source)

    def with_care(self) -> Direction:
        """Return the same for words of distress: tone, pace and suggestion of that case, and no word about the face."""
        care = advice_table()["distress"].model_dump(exclude={"acknowledge"})
        photo = "none" if self.photo == "earlier" else self.photo
        return Direction(**care, distress=True, photo=photo, source=self.source)

    @property
    def manner(self) -> Manner:
        """The manner that the tone stands for."""
        if self.distress:
            return "gentle"
        return next((manner for word, manner in MANNERS if word in self.tone.lower()), "any")

    def avoids(self, *words: str) -> bool:
        """Return whether one of the words is among what to avoid."""
        return any(word in entry.lower() for entry in self.avoid for word in words)


def adjective_of(reading: Mapping[str, Any]) -> str | None:
    """Return the word for what the largest face shows, such as "happy".

    None for a neutral face or where none is named.
    """
    people = reading["people"]
    primary = people[0]["primary"] if people else None
    return None if primary in {None, "neutral"} else ontology().terms[primary].adjective
