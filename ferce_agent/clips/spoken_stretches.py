"""A turn of speech and the face of whoever speaks, taken together in stretches, since a face changes meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from ferce_agent.clips.face_stretch import stretch_of
from ferce_agent.clips.finished import FinishedTrack
from ferce_agent.clips.speech_evidence import assumption_id
from ferce_agent.context.voice_evidence import fusion_evidence
from ferce_agent.reasoning.modalities import fuse_turn
from ferce_agent.report import TimeSpan
from ferce_agent.report.clip_wording import track_name
from ferce_agent.report.speech import Fused, ModalityConflict, SpeechTurn

STRETCH_S: Final = 4.0
"""About how long a stretch is; the voice is read over two seconds or more, and a smile often lasts no longer."""

MOSTLY_SEEN: Final = 0.5
"""A face that is seen for less of a turn is not assumed to speak, nor told to show something meanwhile."""
ASSUMED: Final = 0.5
"""Factor on the confidence of a conflict where it is only assumed that the face is the speaker's; a convention."""


def together(turn: SpeechTurn, tracks: Sequence[FinishedTrack]) -> tuple[list[Fused], list[ModalityConflict]]:
    """Return what the sources say together in a turn, and where they conflict.

    Only the face of whoever speaks is taken together with the voice; where that is not known, the only one that is
    seen, as an assumption that is told. With a face a longer turn is told in stretches; voice and words are those of
    the whole turn in each. Of each pattern of conflict the surest stretch is kept.

    Args:
        turn: With its speaker.
        tracks: The faces of the film.

    Raises:
        DataError: A table of measured reliability is damaged.
    """
    assumed = only_face(turn, tracks)
    own = assumed or next((track for track in tracks if track.id == turn.speaker), None)
    spans = [TimeSpan(from_s=turn.start_s, to_s=turn.end_s)] if own is None else list(stretches(turn))
    found = [_stretch(turn, span, own, assumed=assumed is not None) for span in spans]
    named = [
        one.model_copy(update={"evidence": (*one.evidence, evidence_id(one, number))})
        for number, one in enumerate((one for one, _ in found if one is not None), 1)
    ]
    surest: dict[str, ModalityConflict] = {}
    for _, conflict in found:
        if conflict is not None and conflict.confidence > getattr(surest.get(conflict.pattern), "confidence", 0.0):
            surest[conflict.pattern] = conflict
    return named, sorted(surest.values(), key=lambda one: one.span.from_s)


def stretches(turn: SpeechTurn) -> Iterator[TimeSpan]:
    """Yield equal parts of a turn, each of about `STRETCH_S`; a turn of less than one and a half of them is whole."""
    parts = max(round((turn.end_s - turn.start_s) / STRETCH_S), 1)
    edges = np.linspace(turn.start_s, turn.end_s, parts + 1).round(3).tolist()
    for first, last in pairwise(edges):
        yield TimeSpan(from_s=first, to_s=last)


def evidence_id(fused: Fused, number: int) -> str:
    """Return the id of the entry of a fused answer, the first, second, … of its turn."""
    return fusion_evidence(fused).id if number == 1 else f"{fusion_evidence(fused).id}-{number}"


def _stretch(
    turn: SpeechTurn, span: TimeSpan, own: FinishedTrack | None, *, assumed: bool
) -> tuple[Fused | None, ModalityConflict | None]:
    face = None if own is None else stretch_of(own, span, speaking=True)
    made, conflict = fuse_turn(
        span,
        face=face,
        voice=turn.voice,
        words=turn.words,
        prosody=turn.prosody,
        track=None if own is None or face is None else own.id,
        turn=turn.id,
        evidence=[name for name in turn.evidence if not name.endswith(".prosody")] or turn.evidence,
    )
    if not assumed or face is None:
        return made, conflict
    if made is not None and made.counting == ("face",):
        return None, None
    return _as_assumed(made, conflict, face.expression)


def _as_assumed(
    made: Fused | None, conflict: ModalityConflict | None, shown: str | None
) -> tuple[Fused | None, ModalityConflict | None]:
    """Return both as what they are where it is only assumed that this face speaks: less sure, and told as such."""
    if made is not None:
        named = made.expression if made.expression == shown else None
        evidence = (assumption_id(str(made.turn)), *made.evidence)
        made = made.model_copy(update={"expression": named, "evidence": evidence})
    if conflict is not None and conflict.track is not None:
        text = f"If {track_name(conflict.track)}, the only face that is seen, is who speaks: {conflict.text}"
        evidence = (*conflict.evidence, assumption_id(conflict.turn))
        confidence = round(conflict.confidence * ASSUMED, 4)
        conflict = conflict.model_copy(update={"text": text, "evidence": evidence, "confidence": confidence})
    return made, conflict


def only_face(turn: SpeechTurn, tracks: Sequence[FinishedTrack]) -> FinishedTrack | None:
    """Return the one face that is seen for most of a turn whose speaker is not known; None where several are seen."""
    if turn.speaker is not None:
        return None
    seen = [min(one.last_s, turn.end_s) - max(one.first_s, turn.start_s) for one in tracks]
    during = [(one, seconds) for one, seconds in zip(tracks, seen, strict=True) if seconds > 0]
    if len(during) != 1 or during[0][1] < (turn.end_s - turn.start_s) * MOSTLY_SEEN:
        return None
    return during[0][0]
