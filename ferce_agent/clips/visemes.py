"""Talking moves the mouth: what a face seems to show with its mouth alone, only while it speaks, is less certain.

The lips of an "ee" are drawn back as in a smile, those of an "oh" are pushed forward, and the jaw falls with every
vowel (visemes). An episode that lies within a face's own speech and rests on the lower face alone is kept, with a lower
confidence and the reason in its evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ferce_agent.clips.finished import FinishedTrack
from ferce_agent.clips.speakers import mouth_of, moves_during
from ferce_agent.ontology.store import ontology
from ferce_agent.reasoning.modalities import MOUTH_BORNE, SPEAKING_TRUST
from ferce_agent.report import Episode
from ferce_agent.report.speech import SpeechTurn

TALKED: Final = frozenset({"mouth", "jaw"})
"""Regions of the face that talking moves."""
NEAR_UPPER: Final = {"happiness": "AU7"}
"""A movement of the upper face that stands for another one: lids tighten as the cheeks rise, which is not measured."""
EDGE_S: Final = 0.3
"""So much before and after a turn the mouth opens and closes for it."""
PAUSE_S: Final = 1.0
"""Turns with no longer pause between them are one speech."""

Stretch = tuple[float, float]
"""Beginning and end in seconds of the film."""


@dataclass(frozen=True, slots=True)
class Talking:
    """Faces, with what rests on a talking mouth made less certain.

    Attributes:
        tracks: The faces.
        episodes: Ids of the episodes that were made less certain.
    """

    tracks: tuple[FinishedTrack, ...]
    episodes: frozenset[str]


def allow_for_talking(tracks: Sequence[FinishedTrack], turns: Sequence[SpeechTurn]) -> Talking:
    """Return the faces with a lower confidence of what shows only in a talking mouth.

    Args:
        tracks: All faces of a film.
        turns: Its turns of speech, by time, with who speaks.
    """
    changed: set[str] = set()
    allowed = []
    for track in tracks:
        speech = own_speech(track, turns)
        doubtful = {one.id for one in track.book.episodes if is_talk(one, track.book.episodes, speech)}
        changed |= doubtful
        allowed.append(_less_certain(track, doubtful) if doubtful else track)
    return Talking(tuple(allowed), frozenset(changed))


def own_speech(track: FinishedTrack, turns: Iterable[SpeechTurn]) -> list[Stretch]:
    """Return when a face speaks, or may speak: its turns, and those of nobody known in which its mouth moves."""
    mouth = mouth_of(track)
    found: list[Stretch] = []
    for turn in turns:
        own = turn.speaker == track.id
        if not own and not (turn.speaker is None and moves_during(mouth, turn.start_s, turn.end_s)):
            continue
        begin, end = turn.start_s - EDGE_S, turn.end_s + EDGE_S
        if found and begin - found[-1][1] <= PAUSE_S - 2 * EDGE_S:
            begin = found.pop()[0]
        found.append((begin, end))
    return found


def is_talk(episode: Episode, others: Iterable[Episode], speech: Iterable[Stretch]) -> bool:
    """Return whether an episode lies within a face's own speech and rests on its lower face alone.

    Args:
        episode: Which.
        others: All episodes of the face.
        speech: When it speaks.
    """
    if not any(begin <= episode.onset_s and episode.offset_s <= end for begin, end in speech):
        return False
    if episode.movement is not None:
        known = ontology().action_units.get(episode.movement)
        return known is not None and known.region in TALKED
    if episode.expression not in MOUTH_BORNE:
        return False
    upper = upper_movements(episode.expression)
    return not any(
        one.movement in upper and one.onset_s < episode.offset_s and episode.onset_s < one.offset_s for one in others
    )


def upper_movements(expression: str) -> set[str]:
    """Return the movements of an expression that talking does not make."""
    units = ontology().action_units
    upper = {unit for unit in ontology().terms[expression].action_units if units[unit].region not in TALKED}
    return upper | ({NEAR_UPPER[expression]} if expression in NEAR_UPPER else set())


def _less_certain(track: FinishedTrack, doubtful: set[str]) -> FinishedTrack:
    episodes = [
        one.model_copy(update={"confidence": round(one.confidence * SPEAKING_TRUST, 4)}) if one.id in doubtful else one
        for one in track.book.episodes
    ]
    return replace(track, book=replace(track.book, episodes=episodes))
