"""A clip and its faces in plain words: who shows what from when to when, how sure that is, what was not seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ferce_agent.clips.finished import FinishedTrack
from ferce_agent.clips.moments import Candidate
from ferce_agent.clips.points import CLASSES
from ferce_agent.clips.rested import rested_words
from ferce_agent.ontology.store import ontology
from ferce_agent.report import Between, ClipDegradation, ClipSource, Episode, Gap, wording
from ferce_agent.report.clip_wording import GAP, clock, lasting, track_name
from ferce_agent.report.common import Text

TOLD: Final = 4
"""Expressions of a face, and faces of a clip, that are told one by one."""
JOINED_S: Final = 1.0
"""The same expression again after so short a time is told as one."""
LONG_GAP_S: Final = 1.0
"""Unreadable stretches from so many seconds on are told."""
UNCLEAR_S: Final = 1.5
"""Readable stretches of so many seconds in which no expression is clear are told."""
CLEAR: Final = 0.6
"""Probability below which none is clear there: about what one needs to be named on photos."""
THROUGHOUT: Final = 0.5
"""Median intensity from which on a movement without beginning or end is told: no rest looks like that."""
MOST: Final = 1990
"""Characters of a text of the report."""
BROKEN: Final = {"clip_truncated", "clip_damaged", "stopped_early", "step_failed", "limit_reached"}
"""Reason codes that the summary of a clip mentions: not all of it was read."""


@dataclass(frozen=True, slots=True)
class Told:
    """An expression over a time, for words: one episode, or several with next to no time between them."""

    term: str
    begin: float
    end: float
    confidence: float

    @property
    def weight(self) -> float:
        """How much it matters."""
        return self.confidence * (0.2 + self.end - self.begin)


def when(seconds: float) -> str:
    """Return a time of the film in words: ``0.7 s``, from a minute on ``1:05.3``."""
    return f"{seconds:.1f} s" if seconds < 59.95 else clock(seconds)


def told_of(episodes: Iterable[Episode]) -> list[Told]:
    """Return the expressions of a face for its words, by time."""
    found: list[Told] = []
    for one in sorted((one for one in episodes if one.expression), key=lambda one: one.onset_s):
        assert one.expression is not None
        again = next(
            (at for at, kept in enumerate(found) if kept.term == one.expression and one.onset_s - kept.end <= JOINED_S),
            None,
        )
        if again is None:
            found.append(Told(one.expression, one.onset_s, one.offset_s, one.confidence))
            continue
        kept = found[again]
        first, then = max(kept.end - kept.begin, 1e-3), max(one.offset_s - one.onset_s, 1e-3)
        mean = (kept.confidence * first + one.confidence * then) / (first + then)
        found[again] = replace(kept, end=max(kept.end, one.offset_s), confidence=mean)
    return found


def track_text(track: FinishedTrack, *, infer: bool) -> Text:
    """Return a face over the whole clip in a few sentences."""
    seen = f"is seen from {when(track.first_s)} to {when(track.last_s)}"
    if track.frames == 1:
        seen = f"is seen in a single frame, at {when(track.first_s)}"
    timed = [*_expressions(track), *_unclear(track)] if infer else list(_smiles(track))
    timed = sorted([*timed, *_gaps(track)], key=lambda one: one[0])
    rest = [*(_not_told(track) if infer else ()), *_liveliness(track)]
    if read := rested_words(track.id, track.rest, track.totals.shares, infer=infer):
        rest.append(read)
    return " ".join([f"{track_name(track.id)} {seen}.", *(text for _, text in timed), *rest])[:MOST]


Timed = tuple[float, str]
"""A sentence with the time that it begins with."""


def _expressions(track: FinishedTrack) -> Iterator[Timed]:
    best = sorted(told_of(track.book.episodes), key=lambda one: -one.weight)[:TOLD]
    for one in best:
        sure = f"{wording.confidence_word(one.confidence)}, {wording.percent(one.confidence)}"
        yield one.begin, f"From {when(one.begin)} to {when(one.end)} it {wording.shows(one.term)} ({sure})."


def _unclear(track: FinishedTrack) -> Iterator[Timed]:
    if told_of(track.book.episodes):
        for begin, end in unclear(track)[:TOLD]:
            yield begin, f"From {when(begin)} to {when(end)} no expression is clear."


def _not_told(track: FinishedTrack) -> Iterator[str]:
    told = len(told_of(track.book.episodes))
    if not told:
        yield _nothing_marked(track)
    elif told > TOLD:
        yield f"{told - TOLD} more expressions, weaker or shorter, are in the report."
    if (gaps := len(_long(track.gaps.gaps))) > TOLD:
        yield f"{gaps - TOLD} more stretches could not be read."


def _nothing_marked(track: FinishedTrack) -> str:
    if track.totals.readable_s <= 0:
        read = bool(np.isfinite(track.points[:, 1 : 1 + CLASSES]).any())
        return "That is too short to follow what it shows." if read else "Its expression could not be read."
    neutral = track.totals.shares.get("neutral", 0.0)
    if neutral >= 0.5:
        return f"It shows no marked expression: {wording.percent(neutral)} of the readable time is neutral."
    return "No expression was clear enough to be named."


def unclear(track: FinishedTrack) -> list[tuple[float, float]]:
    """Return the stretches (from, to) in seconds in which the face could be read and no expression is clear.

    They lie between its episodes and gaps; in at least half of the points kept there no probability reaches `CLEAR`.
    """
    known = [(one.onset_s, one.offset_s) for one in track.book.episodes if one.expression]
    known += [(gap.from_s, gap.to_s) for gap in track.gaps.gaps]
    found, begin = [], track.first_s
    for since, until in [*sorted(known), (track.last_s, track.last_s)]:
        if since - begin >= UNCLEAR_S and _is_unclear(track, begin, since):
            found.append((begin, since))
        begin = max(begin, until)
    return found


def _is_unclear(track: FinishedTrack, begin: float, end: float) -> bool:
    times, shares = track.points[:, 0], track.points[:, 1 : 1 + CLASSES]
    inside = shares[(times >= begin) & (times <= end)]
    most = inside[np.isfinite(inside).all(1)].max(1, initial=0.0)
    return most.size > 0 and bool((most < CLEAR).mean() >= 0.5)


def _smiles(track: FinishedTrack) -> Iterator[Timed]:
    """Tell the movements for which there is an everyday word, where no expression may be inferred."""
    words = {"AU12": "a smile", "AU4": "a frown"}
    for unit, word in words.items():
        spans = [one for one in track.book.episodes if one.movement == unit]
        if spans:
            first = max(spans, key=lambda one: one.peak * (one.offset_s - one.onset_s))
            more = f", and {len(spans) - 1} times more" if len(spans) > 1 else ""
            yield first.onset_s, f"It shows {word} from {when(first.onset_s)} to {when(first.offset_s)}{more}."
        elif track.levels.get(unit, 0.0) >= THROUGHOUT:
            yield track.first_s, f"It shows {word} most of the time."


def _long(gaps: Sequence[Gap]) -> list[Gap]:
    return sorted((one for one in gaps if one.to_s - one.from_s >= LONG_GAP_S), key=lambda one: one.from_s)


def _gaps(track: FinishedTrack) -> Iterator[Timed]:
    """Tell the long gaps; one within an episode was broken by readings, or the episode would have ended there."""
    for gap in _long(track.gaps.gaps)[:TOLD]:
        shown = (one for one in track.book.episodes if one.expression)
        within = any(one.onset_s < gap.from_s and gap.to_s < one.offset_s for one in shown)
        read = "could often not be read" if within else "could not be read"
        yield gap.from_s, f"From {when(gap.from_s)} to {when(gap.to_s)} it {read}: {GAP[gap.reason]}."


def _liveliness(track: FinishedTrack) -> Iterator[str]:
    lively = track.totals.liveliness
    if lively is not None:
        yield {"calm": "It moves little.", "moderate": "It moves moderately.", "lively": "It moves a lot."}[lively]


def clip_text(
    source: ClipSource,
    tracks: Sequence[FinishedTrack],
    between: Sequence[Between],
    degraded: Sequence[ClipDegradation],
    by_rule: str,
) -> Text:
    """Return the clip in a few sentences.

    Args:
        source: The film.
        tracks: Its faces.
        between: What pairs of them did together.
        degraded: What could not be done.
        by_rule: The rule by which no expression is inferred; empty where there is none.
    """
    length = lasting(max(source.last_s - source.first_s, 0.0))
    what = f"{length} of film" if source.frames > 1 else "a single frame"
    parts = [_found(len(tracks), what)]
    if by_rule:
        parts.append(f"By rule ({by_rule}), no expression is inferred.")
    longest = sorted(tracks, key=lambda one: -one.frames)[:TOLD]
    parts += [track_text(one, infer=not by_rule) for one in sorted(longest, key=lambda one: one.number)]
    if len(tracks) > len(longest):
        more = len(tracks) - len(longest)
        parts.append("One more face is in the report." if more == 1 else f"{more} more faces are in the report.")
    if source.frames == 1:
        parts.append("Of a single picture the report of a photo says more.")
    parts += [one.text for one in between[:2]]
    parts += [f"Not all of it was read: {entry.message}" for entry in degraded if is_broken(entry)][:1]
    return fitting(parts)


def is_broken(entry: ClipDegradation) -> bool:
    """Return whether an entry says that the film was not read to its end."""
    return entry.code in BROKEN and entry.stage in {"open", "read"}


def _found(count: int, what: str) -> str:
    if not count:
        return f"No face was found in {what}."
    return f"One face was followed in {what}." if count == 1 else f"{count} faces were followed in {what}."


def fitting(parts: Sequence[str]) -> Text:
    """Return as many sentences as a text of the report may hold."""
    text = ""
    for part in parts:
        if len(text) + len(part) + 1 > MOST:
            break
        text = f"{text} {part}".strip()
    return text or parts[0][:MOST]


def moment_text(one: Candidate) -> Text:
    """Return why a frame is worth looking at; an expression is named as a photo of it would name it."""
    name = "" if one.track is None else track_name(f"track-{one.track}")
    if one.why == "apex":
        return _apex(name, one)
    if one.why == "together":
        people, _, term = one.about.partition(" ")
        return f"{people} faces show {wording.term_label(term)} at the same time, as far as their curves tell."
    if one.why == "covered":
        return f"{name} cannot be read for a while: {GAP[one.about]}."
    if one.why == "micro":
        return (
            f"A short movement of {name} ({one.about}) is strongest here: possibly a micro-expression, and no proof of "
            "an emotion."
        )
    words = {"appears": "is seen for the first time", "eyes_closed": "has its eyes closed for a while"}
    return f"{name} {words.get(one.why, wording.code_words(one.why))}."


def _apex(name: str, one: Candidate) -> str:
    if one.about in ontology().action_units:
        return f"{name} shows {ontology().action_units[one.about].movement} ({one.about}), most strongly here."
    peak = f"The curve of {wording.term_label(one.about)} of {name} is highest here"
    shown = one.expression
    if shown is None:
        return f"{peak}."
    if shown.primary is None:
        return (
            f"{peak}; of this frame alone no expression is named: {wording.ABSTAIN[shown.abstain_reason or 'unsure']}."
        )
    sure = f"{wording.confidence_word(shown.confidence)}, {wording.percent(shown.confidence)}"
    return f"{peak}; in this frame it {wording.shows(shown.primary)} ({sure})."
