"""What two people of a clip did together: who showed something soon after whom, and whose valence moved together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

from ferce_agent.clips.finished import FinishedTrack
from ferce_agent.report import Between, ClipEvidence, TimeSpan, wording
from ferce_agent.report.clip_wording import lasting, track_name
from ferce_agent.temporal.synchrony import Followed, followed, synchrony

MOST_PEOPLE: Final = 8
"""Faces that are compared with each other, those that were seen for longest."""
CHANCE: Final = 0.05
"""What shifted curves or onsets reach more often than this is no finding; divided by the number of pairs compared."""
LEAST_CHANCE: Final = 0.004
"""Lower it does not go: so many shifts are not tried that less could be told."""
LEAST_TIMES: Final = 2
"""Following is told from so often on, or where shifted onsets agree as well in fewer than `CHANCE` of the cases."""

Found = tuple[Between, ClipEvidence]
"""A finding with what it rests on."""


def found_between(tracks: Sequence[FinishedTrack]) -> list[Found]:
    """Return what pairs of faces did together, following first.

    Args:
        tracks: All faces of a clip.
    """
    longest = sorted(tracks, key=lambda one: -one.frames)[:MOST_PEOPLE]
    pairs = list(combinations(sorted(longest, key=lambda one: one.number), 2))
    chance = max(CHANCE / max(len(pairs), 1), LEAST_CHANCE)
    following = [one for pair in pairs for one in _following(*pair, chance)]
    return [*following, *(one for pair in pairs for one in _synchrony(*pair, chance))]


def onsets(track: FinishedTrack) -> dict[str, list[float]]:
    """Return when each expression that the face showed began, where its beginning was seen."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for episode in track.book.episodes:
        if episode.expression is not None and episode.onset_seen:
            found[episode.expression].append(episode.onset_s)
    return found


def _following(one: FinishedTrack, other: FinishedTrack, chance: float) -> Iterator[Found]:
    span = max(one.first_s, other.first_s), min(one.last_s, other.last_s)
    if span[1] <= span[0]:
        return
    mine, theirs = onsets(one), onsets(other)
    for term in [term for term in mine if term in theirs]:
        for first, then, before, after in ((one, other, mine, theirs), (other, one, theirs, mine)):
            found = followed(before[term], after[term], span)
            if found is not None and is_worth_telling(found, chance):
                yield _followed(term, (first, then), span, found)


def is_worth_telling(found: Followed, chance: float) -> bool:
    """Return whether following is more than a chance meeting of two onsets."""
    by_chance = found.p_value is not None and found.p_value > chance
    return not by_chance and (found.times >= LEAST_TIMES or found.p_value is None)


def _followed(
    term: str, pair: tuple[FinishedTrack, FinishedTrack], span: tuple[float, float], found: Followed
) -> Found:
    first, then = pair
    often = "once" if found.times == 1 else f"{found.times} times"
    text = (
        f"{track_name(then.id)} {wording.shows(term)} {often} soon after {track_name(first.id)} does, "
        f"by {lasting(max(found.lag_s, 0.0))} in the median{_tested(found.p_value)}."
    )
    name = f"between.{first.id}.{then.id}.{term}"
    evidence = ClipEvidence(
        id=name,
        kind="curve",
        text=f"Onsets of {wording.term_label(term)}: {text}",
        track=then.id,
        span=span_of(span),
        value=round(found.lag_s, 3),
    )
    made = Between(
        kind="followed",
        tracks=(first.id, then.id),
        expression=term,
        lag_s=round(found.lag_s, 3),
        times=found.times,
        correlation=None,
        p_value=None if found.p_value is None else round(found.p_value, 4),
        text=text,
        evidence=(name,),
    )
    return made, evidence


def _synchrony(one: FinishedTrack, other: FinishedTrack, chance: float) -> Iterator[Found]:
    found = synchrony(one.curve, other.curve)
    if found is None or found.p_value > chance or found.correlation <= 0:
        return
    first, then = (one, other) if found.lag_s >= 0 else (other, one)
    lag = abs(found.lag_s)
    behind = f"{track_name(then.id)} {lasting(lag)} behind" if lag >= 0.1 else "at the same time"
    text = (
        f"The valence of {track_name(first.id)} and {track_name(then.id)} moves together, {behind} "
        f"(correlation {found.correlation:.2f}{_tested(found.p_value)})."
    )
    name = f"between.{first.id}.{then.id}.valence"
    span = max(one.first_s, other.first_s), min(one.last_s, other.last_s)
    evidence = ClipEvidence(
        id=name, kind="curve", text=text, track=None, span=span_of(span), value=round(found.correlation, 4)
    )
    made = Between(
        kind="synchrony",
        tracks=(first.id, then.id),
        expression=None,
        lag_s=round(lag, 3),
        times=1,
        correlation=round(found.correlation, 4),
        p_value=round(found.p_value, 4),
        text=text,
        evidence=(name,),
    )
    yield made, evidence


def _tested(p_value: float | None) -> str:
    return (
        "; too short to say whether that is chance"
        if p_value is None
        else f"; by chance as much in {wording.percent(p_value)}"
    )


def span_of(span: tuple[float, float]) -> TimeSpan:
    """Return a stretch of the film; where its end lies before its beginning, it is empty."""
    begin = round(max(span[0], 0.0), 3)
    return TimeSpan(from_s=begin, to_s=max(round(span[1], 3), begin))
