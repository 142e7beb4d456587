"""Why an answer has its tone, as one line for people: from the direction and the reading that the graph went by.

The words are hedged as the reading is, and what the face shows is told as shown, never as felt. A page in another
language makes the line from `ToneLine.because_code` and `ToneLine.because_values`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from ferce_agent.context.direction import Direction, Manner, PhotoState
from ferce_agent.context.guidance import Advice, advice_table
from ferce_agent.graphs.chat_rules import Telling
from ferce_agent.graphs.chat_state import Remembered
from ferce_agent.ontology.store import ontology
from ferce_agent.report.wording import confidence_word, term_label

BecauseCode = Literal[
    "photo_shows",
    "clip_shows",
    "photo_showed",
    "clip_showed",
    "clip_mostly",
    "clip_changed",
    "photo_unclear",
    "clip_unclear",
    "photo_unread",
    "clip_unread",
    "photo_failed",
    "voice_sounds",
    "voice_sounded",
    "voice_unlike",
    "voice_unclear",
    "voice_unread",
    "voice_failed",
    "voice_conflict",
    "conflict",
    "language",
    "distress",
    "distress_before",
    "rule",
    "rule_movements",
    "none",
]
"""Why the tone is what it is."""

WORDS: Final[Mapping[BecauseCode, str]] = {
    "photo_shows": "because the photo shows {expression} ({sure})",
    "clip_shows": "because the end of the clip shows {expression} ({sure})",
    "photo_showed": "because the latest photo shows {expression} ({sure})",
    "clip_showed": "because the end of the latest clip shows {expression} ({sure})",
    "clip_mostly": "because the clip mostly shows {expression} ({sure})",
    "clip_changed": "because the clip shows {before}, and {expression} at its end ({sure})",
    "photo_unclear": "because the photo shows no clear expression",
    "clip_unclear": "because the end of the clip shows no clear expression",
    "photo_unread": "because no expression was read in the photo",
    "clip_unread": "because no expression was read in the clip",
    "photo_failed": "because the photo could not be read",
    "voice_sounds": "because the voice sounds like “{expression}” ({sure})",
    "voice_sounded": "because the latest voice message sounds like “{expression}” ({sure})",
    "voice_unlike": "because the voice is unlike those of the voice model's training, and changes nothing",
    "voice_unclear": "because no expression is clear from the voice",
    "voice_unread": "because nothing was inferred from the voice",
    "voice_failed": "because the voice message could not be listened to",
    "voice_conflict": "because voice and words do not go together",
    "conflict": "because what the photo shows and what was told do not go together",
    "language": "because something was told in a language that is not understood here",
    "distress": "because your words speak of distress or danger",
    "distress_before": "because what was told with the latest photo speaks of distress or danger",
    "rule": "because by rule nothing about faces and voices is told here",
    "rule_movements": "because by rule no expression is read here, only movements",
    "none": "because neither a face nor a voice was read lately",
}
"""The clause for each code, in English."""
BY_WORDS: Final[Mapping[str, BecauseCode]] = {"conflict": "conflict", "not_understood": "language"}
"""Entries of the guidance table that rest on what was told, not on the face alone."""


class ToneLine(BaseModel):
    """The tone of an answer and why it is so."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    tone: str
    """The tone taken, in words of the guidance table, e.g. ``warm and light``."""
    manner: Manner
    """The manner it stands for."""
    pace: Literal["slower", "as_is", "brisk"]
    """How fast the answer goes on."""
    because: str
    """Why, as a clause: ``because the photo shows happiness (likely)``."""
    because_code: BecauseCode
    """The same as a code."""
    because_values: dict[str, str | float]
    """What the clause names: ``expression`` and ``before`` (ontology ids), ``confidence`` (0 to 1)."""
    line: str
    """The whole line: ``Warm and light, because the photo shows happiness (likely).``"""
    photo: PhotoState
    """Whether a photo, clip or voice was read for this answer or earlier."""


def tone_of(direction: Direction, reading: Remembered | None, allowed: Telling, *, danger: bool = False) -> ToneLine:
    """Return why the tone is what it is.

    Args:
        direction: What the answer goes by.
        reading: The reading that the direction follows; None where there is none, or it may not be told.
        allowed: What the rules let the model be told.
        danger: Whether the words of the latest message speak of distress or danger.
    """
    code: BecauseCode = "distress" if danger else code_for(direction, reading, allowed)
    values = values_for(code, reading)
    because = clause(code, values)
    tone = direction.tone
    return ToneLine(
        tone=tone,
        manner=direction.manner,
        pace=direction.pace,
        because=because,
        because_code=code,
        because_values=values,
        line=f"{tone[:1].upper()}{tone[1:]}, {because}.",
        photo=direction.photo,
    )


def tone_from(event: Mapping[str, Any]) -> ToneLine:
    """Return the same from the event ``direction`` of the chat graph's stream mode ``custom``."""
    allowed = Telling(faces=bool(event["faces"]), inferred=bool(event["inferred"]))
    direction = Direction.model_validate(event["direction"])
    return tone_of(direction, event["reading"], allowed, danger=bool(event["danger"]))


def code_for(direction: Direction, reading: Remembered | None, allowed: Telling) -> BecauseCode:
    """Return what the tone rests on where the words tell of no danger: the rules, then the reading."""
    if direction.distress:
        return "distress_before"
    if not allowed.faces:
        return "rule"
    if reading is None:
        failed: BecauseCode = "voice_failed" if direction.source == "voice" else "photo_failed"
        return failed if direction.photo == "failed" else "none"
    if not reading["people"]:
        return _unread(reading, allowed)
    ways = {"clip": _by_clip, "voice": _by_voice}
    return ways.get(str(reading.get("kind")), _by_photo)(direction, reading)


def _unread(reading: Remembered, allowed: Telling) -> BecauseCode:
    if not allowed.inferred:
        return "rule_movements"
    codes: dict[str, BecauseCode] = {"clip": "clip_unread", "voice": "voice_unread"}
    return codes.get(str(reading.get("kind")), "photo_unread")


def _by_photo(direction: Direction, reading: Remembered) -> BecauseCode:
    if (entry := entry_of(direction)) in BY_WORDS:
        return BY_WORDS[entry]
    if reading["people"][0]["primary"] is None:
        return "photo_unclear"
    return "photo_shows" if direction.photo == "read" else "photo_showed"


def _by_clip(direction: Direction, reading: Remembered) -> BecauseCode:
    codes: dict[str, BecauseCode] = {"lasted": "clip_mostly", "changed": "clip_changed", "unclear": "clip_unclear"}
    case = str(reading.get("case"))
    if case in codes:
        return codes[case]
    if reading["people"][0]["id"] != "person-1" or case == "unread":
        return "clip_unread"  # somebody else could be read, but not the one whose guidance it is
    return "clip_shows" if direction.photo == "read" else "clip_showed"


def _by_voice(direction: Direction, reading: Remembered) -> BecauseCode:
    if (entry := entry_of(direction)) in BY_WORDS:
        return "voice_conflict" if entry == "conflict" else BY_WORDS[entry]
    case = str(reading.get("case"))
    if case == "sounds":
        return "voice_sounds" if direction.photo == "read" else "voice_sounded"
    return "voice_unlike" if case == "unlike" else "voice_unclear"


def entry_of(direction: Direction) -> str:
    """Return the entry of the guidance table whose tone a direction takes, of those that rest on words; else empty."""
    table: Mapping[str, Advice] = advice_table()
    return next((name for name in BY_WORDS if table[name].tone == direction.tone), "")


def values_for(code: BecauseCode, reading: Remembered | None) -> dict[str, str | float]:
    """Return what the clause of a code names."""
    if reading is None or "{sure}" not in WORDS[code]:
        return {}
    person = reading["people"][0]
    shown = str(person["primary"] or person.get("most"))
    values: dict[str, str | float] = {"expression": shown, "confidence": float(person["confidence"])}
    return {**values, "before": str(person["before"])} if code == "clip_changed" else values


def clause(code: BecauseCode, values: Mapping[str, str | float]) -> str:
    """Return the English clause of a code."""
    say = term_label if code.startswith("voice") else named
    words = {name: say(str(values[name])) for name in ("expression", "before") if name in values}
    return WORDS[code].format(**words, sure=confidence_word(float(values.get("confidence", 0.0))))


def named(expression: str) -> str:
    """Return an expression as what a photo shows: ``happiness``, ``a neutral expression``."""
    entry = ontology().terms[expression]
    if expression == "neutral":
        return "a neutral expression"
    # Compound terms are adjectives themselves.
    return f"a face that appears {entry.label}" if entry.adjective == entry.label else entry.label
