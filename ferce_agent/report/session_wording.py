"""Words for a session: what is followed, in which unit, what more and less of it mean, what was read and agreed to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from ferce_agent.report.clip_wording import listed
from ferce_agent.report.session import (
    ConsentRecord,
    EntryKind,
    Measure,
    Reader,
    Rhythm,
    SessionDegradation,
    SessionDegradedCode,
    SessionReport,
    Trend,
    TrendPoint,
)
from ferce_agent.report.wording import percent


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
Origin = Literal["face", "voice", "words"]
"""What a measure is read from."""
READ_FROM: Final[Mapping[Measure, Origin]] = {
    "valence": "face",
    "arousal": "face",
    "expressivity": "face",
    "smile_share": "face",
    "eyes_open": "face",
    "blinks_per_minute": "face",
    "pitch_st": "voice",
    "pitch_spread_st": "voice",
    "level_db": "voice",
    "syllables_per_s": "voice",
    "pause_share": "voice",
    "voice_arousal": "voice",
    "word_valence": "words",
    "words_per_day": "words",
}
"""What each measure is read from."""
HELP: Final = (
    "Whoever wrote or said them should not be alone with it: talk to somebody close by whom you trust. In danger, call "
    "the local emergency number."
)
"""Where help is to be found after words of distress; the same in every country."""


KIND_WORDS: Final[Mapping[EntryKind, tuple[str, str]]] = {
    "photo": ("photo", "photos"),
    "clip": ("film", "films"),
    "voice": ("voice message", "voice messages"),
    "chat": ("chat", "chats"),
}
"""What was read: one, and several."""
READER: Final[Mapping[Reader, str]] = {"self": "the person", "clinician": "a therapist or physician"}
"""Who may read a session."""
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""Days of the week, Monday first."""
SESSION_DEGRADED: Final[dict[SessionDegradedCode, str]] = {
    "no_readings": "No readings",
    "too_few_days": "Too few days",
    "gaps": "Gaps",
    "no_baseline": "No baseline",
    "mixed_baselines": "Different baselines",
    "mixed_engines": "Different models",
    "mixed_kinds": "Different kinds of readings",
    "retention_deleted": "Deleted as agreed",
    "consent_withdrawn": "Consent withdrawn",
    "measure_missing": "Not measured",
    "policy_restricted": "Not inferred by rule",
    "limit_reached": "A limit was reached",
}
"""A heading for each reason code of a session's `degraded`."""

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


def measure_number(measure: Measure, value: float) -> str:
    """Return a value of a measure as it is told, with a minus sign; without its unit."""
    text = f"{value:,.{MEASURE_WORDS[measure].decimals}f}"
    zero = not float(text.replace(",", ""))
    return text.lstrip("-") if zero else text.replace("-", "\N{MINUS SIGN}")


def week_words(measure: Measure, point: TrendPoint) -> str:
    """Return a week's mean with its interval; why there is none, where there is none."""
    if point.value is None:
        return "too few readings" if point.readings else "no readings"
    told = measure_number(measure, point.value)
    if point.low is None or point.high is None:
        return told
    return f"{told} ({measure_number(measure, point.low)} to {measure_number(measure, point.high)})"


def usual_words(trend: Trend) -> str:
    """Return what is usual for the person, and how much single days vary; empty where it is not known."""
    if trend.usual is None:
        return ""
    spread = "" if trend.usual_spread is None else f", varying by {measure_number(trend.measure, trend.usual_spread)}"
    days = f"{trend.reference_days} day{'s' * (trend.reference_days != 1)}"
    return f"usually {measure_number(trend.measure, trend.usual)}{spread} from day to day (of {days})"


def period_words(report: SessionReport) -> str:
    """Return from when to when a report reaches."""
    return f"{day_words(report.from_day)} to {day_words(report.to_day)}"


def missing_words(report: SessionReport) -> str:
    """Return on how many days there is no reading, and how long the longest gap is."""
    empty = sum(not one.readings for one in report.days)
    days = f"{len(report.days)} day{'s' * (len(report.days) != 1)}"
    if not empty:
        return f"Readings on every one of {days}."
    gap = report.longest_gap_days
    longest = f"; the longest gap has {gap} day{'s' * (gap != 1)}" if gap < len(report.days) else ""
    return f"No reading on {empty} of {days} ({percent(report.missing_share)}){longest}."


def consent_words(consent: ConsentRecord) -> list[str]:
    """Return what the person agreed to: for what and to whom, what may be kept and for how long."""
    readers = listed([READER[one] for one in consent.readers])
    kinds = listed([KIND_WORDS[one][1] for one in consent.kinds])
    until = f", added until {day_words(consent.until)}" if consent.until else ""
    return [
        f"Given on {day_words(consent.given_at.date())} for: {consent.purpose}",
        f"Read by {readers}. Kept: {kinds}, for {consent.keep_days} days{until}.",
    ]


def rhythm_words(rhythms: Sequence[Rhythm]) -> list[str]:
    """Return the rhythms that stand out, and how many do not or could not be told."""
    same, unknown = (sum(one.clear is value for one in rhythms) for value in (False, None))
    rest = [f"nothing stands out in {same}"] if same else []
    rest += [f"too few readings for {unknown}"] if unknown else []
    told = f"Of {len(rhythms)} looked for, by measure and by hour or weekday: {'; '.join(rest)}."
    return [one.text for one in rhythms if one.clear] + ([told] if rest else [])


def own_notes(report: SessionReport) -> list[SessionDegradation]:
    """Return what could not be done, but for what the trends say themselves."""
    told = {one.text for one in report.trends}
    return [one for one in report.degraded if one.message not in told]
