"""From a report, or from what somebody wrote, to an entry of a session: a few numbers with their errors, no words.

Nobody is recognised. Where several faces are seen or several speakers are named, the caller says which is the person;
otherwise the reading is refused, and nothing is guessed.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final, Literal, TypeVar

import numpy as np

from ferce_agent.context.distress import speaks_of_distress
from ferce_agent.context.events import EventMatcher
from ferce_agent.context.turn_alignment import Said
from ferce_agent.context.turn_distress import in_distress
from ferce_agent.context.turn_words import turn_words
from ferce_agent.errors import InputError
from ferce_agent.ontology.labels import CANONICAL, Canonical
from ferce_agent.ontology.store import ontology
from ferce_agent.report import ClipReport, Distribution, EmotionReport, Person, Track, TrackPoint
from ferce_agent.report.baseline import AgainstRest, TrackAgainstRest
from ferce_agent.report.common import Engine
from ferce_agent.report.session import Entry, EntryKind, Measure, Measured
from ferce_agent.report.speech import SpeechTurn, VoiceReport
from ferce_agent.sessions.days import EYES
from ferce_agent.validation.fields import did_you_mean

One = TypeVar("One")
Report = EmotionReport | ClipReport | VoiceReport
ALIKE_S: Final = 2.0
"""Readings of a film within so many seconds say about the same, so that a second of film counts for less than its
frames do. Own choice: about the time that an expression lasts."""
LEAST_S: Final = 1.0
"""Readable time below which nothing of a face is kept."""
LEAST_SPOKEN_S: Final = 1.0
"""Speech below which nothing of a voice is kept."""
PITCH_FROM_HZ: Final = 55.0
SINGLE_TURN: Final[Mapping[Measure, float]] = {
    "pitch_st": 1.5,
    "pitch_spread_st": 1.0,
    "level_db": 2.0,
    "syllables_per_s": 0.8,
    "pause_share": 0.08,
    "voice_arousal": 0.3,
    "word_valence": 0.4,
}
"""Standard deviation between turns of the same voice, for recordings of a single turn. Own choice: as in recordings of
several turns; with several their own differences count."""
Distress = Literal["none", "possible", "likely"]


@dataclass(slots=True)
class Draft:
    """What was measured so far.

    Attributes:
        measures: By name.
        withheld: Reasons why something is missing, by first mention.
        shares: Share of time of each expression.
        baseline: Id of the personal baseline that the face was read against; None without one.
    """

    measures: dict[Measure, Measured] = field(default_factory=dict)
    withheld: dict[str, None] = field(default_factory=dict)
    shares: dict[Canonical, float] = field(default_factory=dict)
    baseline: str | None = None

    def add(self, name: Measure, value: float | None, error: float, weight: float = 1.0) -> None:
        """Keep a number, unless it is none."""
        if value is not None and math.isfinite(value) and math.isfinite(error):
            self.measures[name] = Measured(value=round(value, 6), error=round(error, 6), weight=round(weight, 3))


def entry_of(report: Report, at: datetime, *, whose: str | None = None, baseline: str | None = None) -> Entry:
    """Return a report as an entry of a session.

    Args:
        report: Of a photo, a clip or a voice message.
        at: When it was taken, with the person's offset from UTC.
        whose: Which face or speaker is the person: ``person-1``, ``track-1``, or a speaker of the transcript. Needed
            where there are several.
        baseline: Id of the personal baseline that it was read against; what the report says of the face counts first.

    Raises:
        InputError: `at` has no offset, there are several faces or speakers and none is named, or none of that name.
    """
    check_zone(at)
    draft = Draft()
    if isinstance(report, EmotionReport):
        kind, seconds, engines = _photo(report, whose, draft)
        digest: str | None = report.source.sha256
    elif isinstance(report, ClipReport):
        kind, seconds, engines = _clip(report, whose, draft)
        digest = report.source.sha256
    else:
        kind, seconds, engines = _voice(report, whose, draft)
        digest = report.source.sha256
    if report.policy.decision == "restricted":
        draft.withheld["policy_restricted"] = None
    distress: Distress = "likely" if _speaks_of_distress(report) else "none"
    return _entry(
        draft,
        kind,
        at,
        seconds=seconds,
        engines=engines,
        digest=digest,
        baseline=draft.baseline or baseline,
        distress=distress,
    )


def chat_entry(
    texts: str | Iterable[str],
    at: datetime,
    *,
    matcher: EventMatcher | None = None,
    infer: bool = True,
    digest: str | None = None,
) -> Entry:
    """Return what the person wrote in a chat as an entry; the words are read here and not kept.

    Args:
        texts: The person's own messages, and nobody else's.
        at: When, with the person's offset from UTC.
        matcher: Compares sentences with examples; without it only words of feeling and cue words count.
        infer: Whether it may be told how pleasant the words are; else they are counted, and words of distress noticed.
        digest: SHA-256 of the file that they come from; None where they come from none.

    Raises:
        InputError: `at` has no offset, or nothing was written.
    """
    check_zone(at)
    given = [texts] if isinstance(texts, str) else list(texts)
    lines = [" ".join(text.split()) for text in given]
    lines = [line for line in lines if line]
    if not lines:
        raise InputError("Nothing was written in this chat.", hint="Give the person's own messages.")
    draft = Draft()
    said = [Said(line, len(line.split()), "told") for line in lines]
    read = [turn_words(one, keep=False, matcher=matcher) for one in said]
    _words([(one.valence if infer else None, float(one.count)) for one in read], sum(one.count for one in read), draft)
    if not infer:
        draft.withheld = {"policy_restricted": None}
    distress: Distress = "none"
    if any(in_distress(one) for one in said) or speaks_of_distress(" ".join(lines)):
        distress = "likely"
    elif speaks_of_distress(lines, strain=True):
        distress = "possible"
    return _entry(draft, "chat", at, digest=digest, distress=distress)


def check_zone(at: datetime) -> None:
    """Check that a time says its offset from UTC, so that hours and weekdays are the person's own.

    Raises:
        InputError: It does not.
    """
    if at.tzinfo is None or at.utcoffset() is None:
        raise InputError(f"{at} does not say in which time zone.", hint="Give it with its offset, e.g. +01:00.")


def _entry(  # noqa: PLR0913  # one parameter per field
    draft: Draft,
    kind: EntryKind,
    at: datetime,
    *,
    seconds: float = 0.0,
    engines: tuple[Engine, ...] = (),
    digest: str | None = None,
    baseline: str | None = None,
    distress: Distress = "none",
) -> Entry:
    return Entry(
        id=f"{kind}-{secrets.token_hex(8)}",
        at=at,
        kind=kind,
        seconds=round(seconds, 3),
        measures=draft.measures,
        shares=draft.shares,
        baseline=baseline,
        distress=distress,
        withheld=tuple(draft.withheld),
        source=digest,
        engines=engines,
    )


def _speaks_of_distress(report: Report) -> bool:
    if isinstance(report, ClipReport):
        return any(one.kind == "words" and one.id.endswith(".distress") for one in report.evidence)
    return report.guidance.distress


def _photo(report: EmotionReport, whose: str | None, draft: Draft) -> tuple[EntryKind, float, tuple[Engine, ...]]:
    person = _chosen({one.id: one for one in report.people}, whose, "face", draft)
    if person is not None:
        draft.baseline = person.rest.baseline.id if person.rest is not None else None
        _face_of_photo(person, draft)
        if "not_read" not in draft.withheld:
            _eyes_open(person.rest, 1.0, draft)
    if report.voice is not None:
        _speech(report.voice.speech, draft)
    voice = report.voice.provenance.voice if report.voice else None
    return "photo", 0.0, tuple(one for one in (report.provenance.specialist, voice) if one is not None)


def _face_of_photo(person: Person, draft: Draft) -> None:
    shown = person.expression
    if shown is None:
        draft.withheld["not_read"] = None
        return
    if shown.abstain_reason in ("low_quality", "covered"):
        draft.withheld[shown.abstain_reason] = None
        return
    for name, value in (("valence", shown.valence.value), ("arousal", shown.arousal.value)):
        axis: Literal["valence", "arousal"] = "valence" if name == "valence" else "arousal"
        draft.add(axis, value, spread_of(shown.distribution, axis))
    if shown.primary in CANONICAL:
        draft.shares = {name: 1.0 for name in CANONICAL if name == shown.primary}


def spread_of(distribution: Distribution, axis: Literal["valence", "arousal"]) -> float:
    """Return the standard deviation of valence or arousal over the expressions that a face may show."""
    terms = ontology().terms
    values = np.array([float(getattr(terms[name], axis)) for name, _ in distribution.items()])
    shares = np.array([share for _, share in distribution.items()])
    shares = shares / shares.sum()
    mean = float(shares @ values)
    return float(math.sqrt(max(shares @ values**2 - mean**2, 0.0)))


def _clip(report: ClipReport, whose: str | None, draft: Draft) -> tuple[EntryKind, float, tuple[Engine, ...]]:
    track = _chosen({one.id: one for one in report.tracks}, whose, "face", draft)
    engines = [report.provenance.specialist]
    if track is not None:
        draft.baseline = track.rest.baseline.id if track.rest is not None else None
        _face_of_clip(track, draft)
        if track.eyes is not None:
            engines.append(Engine(name=f"{EYES}{track.eyes.method}", version="1", sha256=None))
    alone = len(report.tracks) <= 1
    own = (track.id if track else None, None) if alone else (track.id if track else None,)
    _speech([turn for turn in report.speech if turn.speaker in own], draft)
    if report.listened is not None and report.listened.voice is not None:
        engines.append(report.listened.voice)
    return "clip", max(report.source.last_s - report.source.first_s, 0.0), tuple(engines)


def _face_of_clip(track: Track, draft: Draft) -> None:
    summary = track.summary
    if summary.readable_s < LEAST_S:
        draft.withheld["not_read"] = None
        return
    seconds = summary.readable_s
    for axis in ("valence", "arousal"):
        values = [value for one in track.samples if (value := getattr(one, axis)) is not None]
        name: Measure = "valence" if axis == "valence" else "arousal"
        draft.add(name, getattr(summary, axis), _error_of_mean(values, seconds), seconds)
    rates = list(_rates(track.samples))
    if rates:  # the error of the thinned curve in its own unit: a share of the rate, which counts every frame
        share = _error_of_mean(rates, seconds) / max(float(np.mean(rates)), 1e-6)
        draft.add("expressivity", summary.movement_rate, summary.movement_rate * share, seconds)
    if any(one.movements for one in track.samples):
        smiles = [one.offset_s - one.onset_s for one in track.episodes if one.movement == "AU12"]
        share = min(sum(smiles) / seconds, 1.0)
        draft.add(
            "smile_share", share, math.sqrt(max(share * (1 - share), 0.01) * min(ALIKE_S / seconds, 1.0)), seconds
        )
    else:
        draft.withheld["movements_not_measured"] = None
    if summary.valence is None:
        draft.withheld["expression_not_read"] = None
    _eyes(track, draft)
    draft.shares = {name: summary.shares[name] for name in CANONICAL if name in summary.shares}


def _eyes(track: Track, draft: Draft) -> None:
    eyes = track.eyes
    if eyes is not None and eyes.blinks is not None:
        _eyes_open(track.rest, eyes.seen_s, draft)
    if eyes is None or eyes.blinks is None or eyes.blinks_per_minute is None:
        draft.withheld["eyes_not_seen"] = None
        return
    # Blinks come about as counts do: the error is the root of their number, of one at least.
    draft.add(
        "blinks_per_minute", eyes.blinks_per_minute, math.sqrt(max(eyes.blinks, 1)) / eyes.seen_s * 60, eyes.seen_s
    )


def _eyes_open(rest: AgainstRest | TrackAgainstRest | None, weight: float, draft: Draft) -> None:
    """Keep how wide the eyes are open against the person's baseline, where there is one.

    Without it a film tells how wide they are against the same film, which is the same every day.
    """
    change = rest.head.get("eyes_open") if rest is not None else None
    if change is not None:
        draft.add("eyes_open", 1.0 + change.value, change.error, weight)


def _rates(samples: Sequence[TrackPoint]) -> Iterator[float]:
    """Yield by how much movements change a second, between samples that both have some."""
    for before, after in pairwise(samples):
        shared = before.movements.keys() & after.movements.keys()
        if shared and after.time_s > before.time_s:
            change = sum(abs(after.movements[name] - before.movements[name]) for name in shared)
            yield change / len(shared) / (after.time_s - before.time_s)


def _error_of_mean(values: Sequence[float], seconds: float) -> float:
    """Return the standard deviation of what the mean over a film may be wrong by."""
    if len(values) < 2:
        return 0.0
    pieces = min(max(seconds / ALIKE_S, 1.0), float(len(values)))
    return float(np.std(values, ddof=1)) / math.sqrt(pieces)


def _voice(report: VoiceReport, whose: str | None, draft: Draft) -> tuple[EntryKind, float, tuple[Engine, ...]]:
    speakers = list(dict.fromkeys(turn.told_speaker for turn in report.speech if turn.told_speaker))
    chosen = whose
    if len(speakers) > 1 or whose is not None:
        chosen = _named(speakers, whose, "speaker")
    own = (chosen,) if len(speakers) > 1 else (chosen, None)  # among several nobody knows whose the others are
    turns = [turn for turn in report.speech if chosen is None or turn.told_speaker in own]
    if not turns:
        draft.withheld["no_speech"] = None
    _speech(turns, draft)
    voice = report.provenance.voice
    return "voice", report.source.last_s - report.source.first_s, () if voice is None else (voice,)


def _speech(turns: Sequence[SpeechTurn], draft: Draft) -> None:
    """Keep what turns of the person's speech tell."""
    if not turns:
        return
    lengths = [turn.end_s - turn.start_s for turn in turns]
    if sum(lengths) < LEAST_SPOKEN_S:
        draft.withheld["speech_too_short"] = None
    else:
        _spoken(turns, lengths, draft)
    words = [(turn.words.valence, float(turn.words.count)) for turn in turns if turn.words is not None]
    if words:
        _words(words, sum(int(count) for _, count in words), draft)


def _spoken(turns: Sequence[SpeechTurn], lengths: Sequence[float], draft: Draft) -> None:
    told = [turn.prosody for turn in turns]
    values: dict[Measure, list[float | None]] = {
        "pitch_st": [12 * math.log2(one.pitch_hz / PITCH_FROM_HZ) if one.pitch_hz else None for one in told],
        "pitch_spread_st": [one.pitch_spread_st for one in told],
        "level_db": [one.level_db for one in told],
        "syllables_per_s": [one.syllables_per_s for one in told],
        "pause_share": [one.pause_share for one in told],
        "voice_arousal": [turn.arousal for turn in turns],
    }
    for name, found in values.items():
        _mean(name, list(zip(found, lengths, strict=True)), draft)
    if all(turn.voice is None for turn in turns):
        draft.withheld["voice_not_read"] = None


def _words(valences: Sequence[tuple[float | None, float]], count: int, draft: Draft) -> None:
    draft.add("words_per_day", float(count), 0.0)
    _mean("word_valence", valences, draft)
    if "word_valence" not in draft.measures:
        draft.withheld["words_not_understood"] = None


def _mean(name: Measure, values: Sequence[tuple[float | None, float]], draft: Draft) -> None:
    """Keep the weighted mean of what is known, with its error from how much the values differ."""
    known = [(value, weight) for value, weight in values if value is not None and weight > 0]
    if not known:
        return
    weights = np.array([weight for _, weight in known])
    shares = weights / weights.sum()
    numbers = np.array([value for value, _ in known])
    mean = float(shares @ numbers)
    pieces = 1.0 / float(shares @ shares)
    spread = SINGLE_TURN[name]
    if len(known) > 2 and pieces >= 2:
        spread = math.sqrt(float(shares @ (numbers - mean) ** 2) * pieces / (pieces - 1))
    draft.add(name, mean, spread / math.sqrt(pieces), float(weights.sum()))


def _chosen(found: Mapping[str, One], whose: str | None, what: str, draft: Draft) -> One | None:
    if not found:
        draft.withheld["no_face"] = None
        return None
    return found[_named(list(found), whose, what)]


def _named(names: Sequence[str], whose: str | None, what: str) -> str:
    """Return which of several is the person.

    Raises:
        InputError: There are several and none is named, or none of that name.
    """
    if whose is not None and whose not in names:
        hint = did_you_mean(whose, names) if names else "Leave it out: no speaker has a name here."
        raise InputError(f"There is no {what} '{whose}' here.", hint=hint)
    if whose is None and len(names) > 1:
        raise InputError(
            f"There are {len(names)} {what}s, and nobody is recognised.",
            hint=f"Say which is the person: {', '.join(names[:8])}.",
        )
    return whose or names[0]
