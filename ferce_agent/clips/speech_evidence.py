"""What the statements of a clip's report about its sound rest on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ferce_agent.clips.summaries import when
from ferce_agent.report import ClipEvidence, TimeSpan
from ferce_agent.report.clip_wording import track_name
from ferce_agent.report.speech import Fused, SoundEvidence, SpeechTurn

DISTRESS: Final = ".distress"
"""What the ids of evidence of words of distress end with: ``speech-1.distress``."""


def of_sound(entries: Iterable[SoundEvidence], fused: Iterable[Fused]) -> Iterator[ClipEvidence]:
    """Yield entries about a sound as a clip's report has them; a fused answer names the face that takes part."""
    faces = {one.evidence[-1]: one.track for one in fused}
    for one in entries:
        yield ClipEvidence(
            id=one.id, kind=one.kind, text=one.text, track=faces.get(one.id), span=one.span, value=one.value
        )


def speaker_evidence(turns: Iterable[SpeechTurn]) -> Iterator[ClipEvidence]:
    """Yield why a turn is said to be a face's, or nobody's who is seen."""
    for turn in turns:
        if turn.speaker is None:
            continue
        during = f"in time with the voice from {when(turn.start_s)} to {when(turn.end_s)}"
        off = turn.speaker == "off_camera"
        text = f"No mouth that is seen opens and closes {during}."
        if not off:
            text = f"The mouth of {track_name(turn.speaker)} opens and closes {during}."
        yield ClipEvidence(
            id=f"{turn.id}.speaker",
            kind="movement",
            text=text,
            track=None if off else turn.speaker,
            span=TimeSpan(from_s=turn.start_s, to_s=turn.end_s),
            value=turn.speaker_confidence,
        )


def assumption_id(turn: str) -> str:
    """Return the id of the evidence that says that a turn is only assumed to be of the face that is seen."""
    return f"{turn}.assumed"


def assumptions(fused: Iterable[Fused]) -> Iterator[ClipEvidence]:
    """Yield what is assumed of who speaks, once for each turn with fused answers that rest on it."""
    resting = [one for one in fused if one.track is not None and assumption_id(str(one.turn)) in one.evidence]
    for turn in dict.fromkeys(one.turn for one in resting):
        own = [one for one in resting if one.turn == turn]
        span = TimeSpan(from_s=own[0].span.from_s, to_s=own[-1].span.to_s)
        during = f"from {when(span.from_s)} to {when(span.to_s)}"
        text = f"{track_name(str(own[0].track))} is the only face that is seen {during}; that it speaks is assumed."
        yield ClipEvidence(
            id=assumption_id(str(turn)), kind="fusion", text=text, track=own[0].track, span=span, value=None
        )


def distress_evidence(ids: Iterable[str], entries: Iterable[SoundEvidence]) -> Iterator[ClipEvidence]:
    """Yield an entry for each turn whose words speak of distress, without the words, whatever face and voice show.

    Args:
        ids: Ids of the evidence of those words.
        entries: All evidence of the sound.
    """
    calling = set(ids)
    for one in entries:
        if one.id in calling:
            turn = one.id.removesuffix(".words")
            text = "What is said speaks of self-harm, violence or an emergency: somebody should look, and offer help."
            yield ClipEvidence(id=f"{turn}{DISTRESS}", kind="words", text=text, track=None, span=one.span, value=None)
