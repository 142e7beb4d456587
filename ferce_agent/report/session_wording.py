"""Words for the measures of a session: what is followed, in which unit, and what more and less of it mean."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from ferce_agent.report.session import Measure


@dataclass(frozen=True, slots=True)
class MeasureWords:
    """How a measure is called.

    Attributes:
        name: For a heading: ``How pleasant the face looks``.
        unit: In words; empty where the number has none.
        more: What a higher number means, after "this week": ``the face looked more pleasant``.
        less: The same of a lower one.
        decimals: So many are told.
    """

    name: str
    unit: str
    more: str
    less: str
    decimals: int = 2


MEASURE_WORDS: Final[dict[Measure, MeasureWords]] = {
    "valence": MeasureWords(
        "How pleasant the face looks",
        "from -1, unpleasant, to 1, pleasant",
        "the face looked more pleasant",
        "the face looked less pleasant",
    ),
    "arousal": MeasureWords(
        "How activated the face looks",
        "from -1, calm, to 1, activated",
        "the face looked more activated",
        "the face looked calmer",
    ),
    "expressivity": MeasureWords(
        "How much the face moves", "change of intensity a second", "the face moved more", "the face moved less"
    ),
    "smile_share": MeasureWords(
        "How often there is a smile", "share of the time", "there were more smiles", "there were fewer smiles"
    ),
    "eyes_open": MeasureWords(
        "How wide the eyes are open", "1 is as usual", "the eyes were wider open", "the eyes were less open"
    ),
    "blinks_per_minute": MeasureWords("Blinks", "a minute", "there were more blinks", "there were fewer blinks", 1),
    "pitch_st": MeasureWords(
        "Pitch of the voice", "semitones above 55 Hz", "the voice was higher", "the voice was lower", 1
    ),
    "pitch_spread_st": MeasureWords(
        "Melody of the voice", "semitones", "the voice was more melodic", "the voice was more monotone", 1
    ),
    "level_db": MeasureWords("Loudness of the voice", "dB", "the voice was louder", "the voice was quieter", 1),
    "syllables_per_s": MeasureWords(
        "Rate of speech", "syllables a second", "speech was faster", "speech was slower", 1
    ),
    "pause_share": MeasureWords(
        "Pauses in speech", "share of the time", "there were more pauses", "there were fewer pauses"
    ),
    "voice_arousal": MeasureWords(
        "How activated the voice sounds",
        "from -1, calm, to 1, activated",
        "the voice sounded more activated",
        "the voice sounded calmer",
    ),
    "word_valence": MeasureWords(
        "How pleasant the words are",
        "from -1, unpleasant, to 1, pleasant",
        "the words were more pleasant",
        "the words were less pleasant",
    ),
    "words_per_day": MeasureWords(
        "How much is written and said", "words a day", "there were more words", "there were fewer words", 0
    ),
}
"""Every measure in words. More and less are told, never better and worse."""


MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
"""Their names in English, whatever the language of the machine."""


def day_words(day: date) -> str:
    """Return a day as ``3 March 2026``."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def short_day(day: date) -> str:
    """Return a day as ``3 Mar``."""
    return f"{day.day} {MONTHS[day.month - 1][:3]}"
