"""Speech in the summary of a clip: who speaks when, what the voice sounds like, and what a face shows meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from ferce_agent.clips.face_stretch import stretch_of
from ferce_agent.clips.finished import FinishedTrack
from ferce_agent.clips.spoken_stretches import MOSTLY_SEEN
from ferce_agent.clips.summaries import when
from ferce_agent.ontology.store import ontology
from ferce_agent.report import TimeSpan, wording
from ferce_agent.report.clip_wording import listed, track_name
from ferce_agent.report.speech import ModalityConflict, SpeechTurn

if TYPE_CHECKING:
    from ferce_agent.reasoning.modalities import FaceStretch

TOLD: Final = 3
"""Turns that are told one by one, the longest."""
Beside: TypeAlias = "tuple[str, FaceStretch]"
"""A face that is seen during a turn, and what it shows then."""


def speech_text(
    turns: Sequence[SpeechTurn], tracks: Sequence[FinishedTrack], conflicts: Sequence[ModalityConflict]
) -> str:
    """Return the turns in a few sentences; nothing where nobody speaks.

    Args:
        turns: By time.
        tracks: The faces of the film.
        conflicts: What does not go together.
    """
    longest = sorted(range(len(turns)), key=lambda place: turns[place].start_s - turns[place].end_s)[:TOLD]
    told = [" ".join(_told(turns[place], beside(turns[place], tracks), conflicts)) for place in sorted(longest)]
    if len(turns) > TOLD:
        told.append(f"{len(turns) - TOLD} shorter turns of speech are in the report.")
    return " ".join(told)


def beside(turn: SpeechTurn, tracks: Sequence[FinishedTrack]) -> Beside | None:
    """Return the face of whoever speaks, else the only one, that can be read for most of a turn; with what it shows."""
    span = TimeSpan(from_s=turn.start_s, to_s=turn.end_s)
    seen = [
        (track.id, face)
        for track in tracks
        if (face := stretch_of(track, span, speaking=track.id == turn.speaker)) is not None
        and face.readable_s >= MOSTLY_SEEN * (turn.end_s - turn.start_s)
    ]
    own = [one for one in seen if one[0] == turn.speaker]
    if own or turn.speaker not in (None, "off_camera"):
        return own[0] if own else None
    return seen[0] if len(seen) == 1 else None


def _told(turn: SpeechTurn, seen: Beside | None, conflicts: Sequence[ModalityConflict]) -> Iterator[str]:
    yield f"From {when(turn.start_s)} to {when(turn.end_s)} {_who(turn)}; {_sounds(turn)}."
    own = [one for one in conflicts if one.turn == turn.id]
    if own:
        yield own[0].text
    elif seen is not None:
        yield _compared(turn, *seen)


def _who(turn: SpeechTurn) -> str:
    if turn.speaker is None:
        return "somebody speaks, and it cannot be told who"
    if turn.speaker == "off_camera":
        return "somebody speaks who is not seen to"
    return f"{track_name(turn.speaker)} speaks"


def _sounds(turn: SpeechTurn) -> str:
    voice = turn.voice
    if voice is None:
        return "what the voice sounds like was not measured"
    if voice.expression is None:
        reasons = listed([wording.code_words(code) for code in voice.doubt])
        return f"no expression of the voice is named ({reasons})"
    return f"the voice sounds like {wording.term_label(voice.expression)} ({wording.percent(voice.confidence)})"


def _compared(turn: SpeechTurn, track: str, face: FaceStretch) -> str:
    """Return what a face shows meanwhile, and whether that goes with the voice."""
    shows = "no clear expression" if face.expression is None else wording.term_label(face.expression)
    text = f"Meanwhile {track_name(track)} shows {shows}"
    heard = None if turn.voice is None else turn.voice.expression
    if heard is None or face.expression is None:
        return f"{text}."
    agrees = "the two agree" if face.expression in ontology().canonical_of(heard) else "the two differ"
    doubt = "" if turn.speaker == track else ", but the voice may be somebody else's"
    return f"{text}: {agrees}{doubt}."
