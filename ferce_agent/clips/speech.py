"""What was heard in a film becomes part of its report: who speaks, how, and what face, voice and words say together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ferce_agent.clips.finished import FinishedTrack
from ferce_agent.clips.speakers import Speaker, mouth_of, who_speaks
from ferce_agent.clips.speech_evidence import assumptions, distress_evidence, of_sound, speaker_evidence
from ferce_agent.clips.speech_summary import speech_text
from ferce_agent.clips.spoken_stretches import together
from ferce_agent.context.voice_composition import read_said, turn_of
from ferce_agent.context.voice_evidence import evidence_of, fusion_evidence
from ferce_agent.report import ClipDegradation, ClipEvidence, Engine, TimeSpan
from ferce_agent.report.clip import Listened
from ferce_agent.report.speech import Fused, ModalityConflict, SoundDegradation, SoundSource, SpeechTurn
from ferce_agent.voice.listening import relative_to

if TYPE_CHECKING:
    from ferce_agent.context.events import EventMatcher
    from ferce_agent.inputs.transcript import Transcript
    from ferce_agent.voice.listening import Heard, HeardTurn


@dataclass(frozen=True, slots=True)
class Listening:
    """What came of listening to the sound track of a film.

    Attributes:
        heard: The turns; None where it was not listened to.
        not_read: Why it was not; None where it was, or there is no sound.
        transcript: The words that belong to it; None without any.
        transcriber: What recognised them; None where they were told.
        keep_words: Whether the words may stand in the report.
        matcher: Compares what is said with examples, where a sentence encoder is at hand.
        degraded: What could not be done besides.
        sent: What left the machine.
        timings: Milliseconds of what was done besides listening, by step.
    """

    heard: Heard | None = None
    not_read: ClipDegradation | None = None
    transcript: Transcript | None = None
    transcriber: Engine | None = None
    keep_words: bool = False
    matcher: EventMatcher | None = None
    degraded: tuple[SoundDegradation, ...] = ()
    sent: tuple[str, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SpokenPart:
    """The part of a clip's report that is about its sound.

    Attributes:
        sound: What was listened to; None where it was not.
        listened: Which engines did.
        speech: The turns.
        fused: What face, voice and words say together.
        conflicts: Where they do not go together.
        evidence: What all this rests on.
        degraded: What could not be done.
        timings: Milliseconds of listening, by step.
        text: The turns in a few sentences.
    """

    sound: SoundSource | None = None
    listened: Listened | None = None
    speech: tuple[SpeechTurn, ...] = ()
    fused: tuple[Fused, ...] = ()
    conflicts: tuple[ModalityConflict, ...] = ()
    evidence: tuple[ClipEvidence, ...] = ()
    degraded: tuple[ClipDegradation, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    text: str = ""


def spoken_part(listening: Listening, tracks: Sequence[FinishedTrack], *, infer: bool) -> SpokenPart:
    """Return what the report says of the sound.

    Args:
        listening: What came of listening.
        tracks: The faces of the film.
        infer: Whether the rules allow to say what a voice sounds like and what words express.

    Raises:
        DataError: A table of measured reliability is damaged.
    """
    heard = listening.heard
    if heard is None:
        return SpokenPart(degraded=() if listening.not_read is None else (listening.not_read,))
    speakers = who_speaks(heard.turns, [mouth_of(track) for track in tracks])
    keep = listening.keep_words
    read = read_said(heard, listening.transcript, keep=keep, infer=infer, matcher=listening.matcher)
    turns = [
        _spoken_by(turn_of(turn, words, speaker=name if keep else None, infer=infer), speaker)
        for turn, words, name, speaker in zip(
            by_speaker(heard.turns, speakers), read.turns, read.speakers, speakers, strict=True
        )
    ]
    told = [together(turn, tracks) for turn in turns] if infer else []
    fused = tuple(one for stretches, _ in told for one in stretches)
    conflicts = tuple(conflict for _, found in told for conflict in found)
    entries = [fusion_evidence(one).model_copy(update={"id": one.evidence[-1]}) for one in fused]
    sound = [*(one for turn in turns for one in evidence_of(turn)), *read.evidence, *entries]
    notes = (*heard.degraded, *listening.degraded, *read.degraded)
    return SpokenPart(
        sound=heard.source.model_copy(update={"kind": "clip"}),
        listened=Listened(
            activity=heard.activity, voice=heard.voice if infer else None, transcriber=listening.transcriber
        ),
        speech=tuple(turns),
        fused=fused,
        conflicts=conflicts,
        evidence=(
            *of_sound(sound, fused),
            *speaker_evidence(turns),
            *assumptions(fused),
            *distress_evidence(read.distress, sound),
        ),
        degraded=(*(_of_sound(one, turns) for one in notes), *_of_words(listening, turns), *_unknown(turns, tracks)),
        text=speech_text(turns, tracks, conflicts) if infer else "",
        timings={**{f"sound_{name}": value for name, value in heard.timings.items()}, **listening.timings},
    )


def by_speaker(turns: Sequence[HeardTurn], speakers: Sequence[Speaker]) -> list[HeardTurn]:
    """Return the turns, those of each face with how far they lie from what is usual for it.

    Voices off camera may be several, so nothing is usual for them.
    """
    measured = list(turns)
    for name in {one.track for one in speakers} - {None, "off_camera"}:
        own = [place for place, one in enumerate(speakers) if one.track == name]
        for place, turn in zip(own, relative_to([turns[place] for place in own]), strict=True):
            measured[place] = turn
    return measured


def _spoken_by(turn: SpeechTurn, speaker: Speaker) -> SpeechTurn:
    if speaker.track is None:
        return turn
    named = {"speaker": speaker.track, "speaker_confidence": speaker.confidence}
    return turn.model_copy(update={**named, "evidence": (*turn.evidence, f"{turn.id}.speaker")})


def _of_sound(note: SoundDegradation, turns: Sequence[SpeechTurn]) -> ClipDegradation:
    """Return what could not be done about the sound as a clip's report has it: with a time instead of a turn."""
    turn = next((one for one in turns if one.id == note.turn), None)
    span = None if turn is None else TimeSpan(from_s=turn.start_s, to_s=turn.end_s)
    return ClipDegradation(stage=note.stage, code=note.code, message=note.message, span=span, count=note.count)


def _of_words(listening: Listening, turns: Sequence[SpeechTurn]) -> Iterator[ClipDegradation]:
    known = {one.code for one in listening.degraded}
    asked = listening.transcriber is not None or known & {"transcriber_failed", "policy_restricted"}
    if turns and listening.transcript is None and not asked:
        message = "What is said is not known: no transcript was given, and no transcriber is set up that may be asked."
        yield _note("words", "words_not_heard", message)


def _unknown(turns: Sequence[SpeechTurn], tracks: Sequence[FinishedTrack]) -> Iterator[ClipDegradation]:
    unknown = sum(turn.speaker is None for turn in turns)
    if unknown and tracks:
        message = (
            "Who speaks could not be told: the turn is too short, a mouth could not be seen well enough, or more than "
            "one answer is possible. Such a voice is taken together with a face only where no other is seen: an "
            "assumption."
        )
        yield _note("speakers", "speaker_not_known", message, unknown)


def _note(stage: str, code: Any, message: str, count: int | None = None) -> ClipDegradation:
    return ClipDegradation(stage=stage, code=code, message=message, count=count)
