"""Valid reports on voice messages for tests, and what is heard in a film: turns, words, conflicts."""

from __future__ import annotations

from typing import Any, Final

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import (
    BodyFact,
    Cause,
    ClipEvidence,
    ClipReport,
    Engine,
    Fused,
    Guidance,
    Listened,
    ModalityConflict,
    Relative,
    Share,
    SoundDegradation,
    SoundEvidence,
    SoundProvenance,
    SoundSource,
    SpeechProsody,
    SpeechTurn,
    TimeSpan,
    TurnWords,
    VoiceExpression,
    VoiceReport,
)
from tests.clip_reports import ALLOWED, make_clip_report
from tests.factories import make_provenance

ACTIVITY: Final = Engine(name="silero-vad", version="6.2.3", sha256="5" * 64)
VOICE: Final = Engine(name="ferce-voice", version="1", sha256="6" * 64)
TERMS: Final = ("anger", "disgust", "fear", "happiness", "neutral", "sadness")
"""Expressions that a voice model knows."""


def make_sound(last: float = 9.0, **changes: Any) -> SoundSource:
    """A voice message of `last` seconds."""
    fields: dict[str, Any] = {
        "kind": "file",
        "media_type": "audio/ogg",
        "sha256": "e" * 64,
        "first_s": 0.0,
        "last_s": last,
        "rate": 48_000,
        "channels": 1,
        "loudness_lufs": -21.4,
        "speech_s": min(6.1, last),
    }
    return SoundSource(**(fields | changes))


def make_prosody(**changes: Any) -> SpeechProsody:
    """A lively voice that is louder than in the other turns."""
    fields: dict[str, Any] = {
        "pitch_hz": 212.4,
        "pitch_spread_st": 3.6,
        "level_db": -18.2,
        "loudness_spread": 0.41,
        "jitter": 0.021,
        "shimmer_db": 1.1,
        "hnr_db": 9.4,
        "formants_hz": (540.0, 1680.0, None),
        "alpha_db": -12.0,
        "hammarberg_db": 19.0,
        "syllables_per_s": 5.2,
        "voiced_share": 0.71,
        "pauses": 1,
        "pause_share": 0.08,
        "flat": False,
        "relative": Relative(pitch=1.8, loudness=1.2, rate=-0.3, baseline_s=14.0),
    }
    return SpeechProsody(**(fields | changes))


def make_voice(expression: str | None = "anger", **changes: Any) -> VoiceExpression:
    """A voice that sounds like an expression, or like none where there is a doubt."""
    likeliest = expression or "sadness"
    top = 0.81 if expression else 0.34
    rest = (1 - top) / (len(TERMS) - 1)
    fields: dict[str, Any] = {
        "probabilities": {term: top if term == likeliest else rest for term in TERMS},
        "expression": expression,
        "arousal": 0.62 if expression else 0.05,
        "valence": None,
        "confidence": top,
        "unlike_training": 0.12 if expression else 0.4,
        "doubt": () if expression else ("unclear",),
    }
    return VoiceExpression(**(fields | changes))


def make_words(text: str | None = None, **changes: Any) -> TurnWords:
    """Eleven words that were told; kept only if `text` is given."""
    fields: dict[str, Any] = {
        "text": text,
        "count": 11,
        "language": "en",
        "origin": "told",
        "confidence": None,
        "expression": "sadness",
        "valence": -0.6,
        "expression_confidence": 0.71,
    }
    return TurnWords(**(fields | changes))


def make_turn(number: int = 1, start: float = 0.4, end: float = 3.2, **changes: Any) -> SpeechTurn:
    """A turn that sounds like anger."""
    voice = changes.pop("voice", make_voice())
    fields: dict[str, Any] = {
        "id": f"speech-{number}",
        "start_s": start,
        "end_s": end,
        "confidence": 0.96,
        "speaker": None,
        "speaker_confidence": None,
        "prosody": make_prosody(),
        "voice": voice,
        "arousal": voice.arousal if voice else None,
        "valence": voice.valence if voice else None,
        "words": None,
        "evidence": (f"speech-{number}.prosody",),
    }
    return SpeechTurn(**(fields | changes))


def make_fused(turn: SpeechTurn, track: str | None = None, expression: str | None = "anger", **changes: Any) -> Fused:
    """What voice and words, or face and voice, say together in a turn."""
    likeliest = expression or "neutral"
    fields: dict[str, Any] = {
        "span": TimeSpan(from_s=turn.start_s, to_s=turn.end_s),
        "track": track,
        "turn": turn.id,
        "probabilities": {name: 0.72 if name == likeliest else 0.04 for name in CANONICAL},
        "expression": expression,
        "arousal": 0.5,
        "valence": -0.4,
        "confidence": 0.72,
        "shares": (
            Share(
                modality="face" if track else "words", reliability=0.5, expression="happiness" if track else "sadness"
            ),
            Share(modality="voice", reliability=0.4, expression="anger"),
        ),
        "evidence": turn.evidence,
    }
    return Fused(**(fields | changes))


def make_conflict(turn: SpeechTurn, track: str | None = None, **changes: Any) -> ModalityConflict:
    """A voice that does not go with the words; of a track, a smile that does not go with the voice."""
    fields: dict[str, Any] = {
        "kind": "face_and_voice" if track else "voice_and_words",
        "pattern": "smile_and_tense_voice" if track else "calm_voice_and_strong_words",
        "span": TimeSpan(from_s=turn.start_s, to_s=turn.end_s),
        "track": track,
        "turn": turn.id,
        "text": "The face smiles while the voice sounds tense."
        if track
        else "The words are sad while the voice sounds angry.",
        "readings": ("politeness, or a smile kept up for others", "irony, or laughing it off"),
        "confidence": 0.64,
        "evidence": turn.evidence,
    }
    return ModalityConflict(**(fields | changes))


def _proof(turn: SpeechTurn) -> dict[str, Any]:
    return {
        "id": turn.evidence[0],
        "kind": "prosody",
        "text": "The median pitch is 212 Hz.",
        "span": TimeSpan(from_s=turn.start_s, to_s=turn.end_s),
        "value": 212.4,
    }


def make_sound_provenance(**changes: Any) -> SoundProvenance:
    """Engines, versions and timings of a local run."""
    local = make_provenance()
    fields: dict[str, Any] = {
        "package": local.package,
        "created_at": local.created_at,
        "activity": ACTIVITY,
        "voice": VOICE,
        "transcriber": None,
        "ontology": local.ontology,
        "timings_ms": {"open": 3.1, "activity": 41.0, "prosody": 120.5, "voice": 33.0},
    }
    return SoundProvenance(**(fields | changes))


def make_voice_report(words: str | None = None, **changes: Any) -> VoiceReport:
    """A message of two turns: the first sounds like anger and its words are sad; the second is unclear.

    Args:
        words: What is said in the first turn, where words are kept.
        **changes: Fields that are replaced.
    """
    first = make_turn(1, words=make_words(words))
    second = make_turn(2, 4.1, 7.4, voice=make_voice(None), prosody=make_prosody(relative=None, flat=True))
    fields: dict[str, Any] = {
        "source": make_sound(),
        "summary": "One voice message of 9 s, 6.1 s of it speech. Turn 1 sounds like anger; turn 2 is unclear.",
        "speech": (first, second),
        "fused": (make_fused(first, None),),
        "conflicts": (make_conflict(first),),
        "causes": (
            Cause(
                person="speech-1",
                appraisal="loss",
                text="Something may have been lost.",
                basis="stated",
                evidence=("speech-1.prosody",),
                agrees=True,
                confidence=0.6,
                alternatives=(),
            ),
        ),
        "guidance": Guidance(
            tone="calm and open",
            acknowledge=False,
            suggestion="Ask how it is rather than assuming either.",
            avoid=("telling people what they feel",),
            evidence=("speech-1.prosody",),
        ),
        "policy": ALLOWED,
        "evidence": tuple(SoundEvidence(**_proof(turn)) for turn in (first, second)),
        "provenance": make_sound_provenance(),
        "degraded": (
            SoundDegradation(
                stage="words", code="words_not_heard", message="No words were told for turn 2.", turn="speech-2"
            ),
        ),
    }
    return VoiceReport(**(fields | changes))


def make_silent_report(**changes: Any) -> VoiceReport:
    """A recording in which nobody speaks."""
    nobody = SoundDegradation(stage="activity", code="no_speech", message="Nobody was heard to speak.")
    fields: dict[str, Any] = {
        "source": make_sound(speech_s=0.0, loudness_lufs=None),
        "summary": "Nobody was heard to speak.",
        "speech": (),
        "fused": (),
        "conflicts": (),
        "causes": (),
        "guidance": Guidance(tone="calm and open", acknowledge=False, suggestion="Ask.", avoid=(), evidence=()),
        "evidence": (),
        "degraded": (nobody,),
    }
    return make_voice_report(**(fields | changes))


def make_restricted_voice_report(**changes: Any) -> VoiceReport:
    """A message of which a rule allows prosody only."""
    turns = tuple(make_turn(number, 3.0 * number, 3.0 * number + 2, voice=None) for number in (1, 2))
    note = SoundDegradation(stage="policy", code="policy_restricted", message="Only prosody is reported.")
    fields: dict[str, Any] = {
        "speech": turns,
        "summary": "Two turns of speech; only prosody is reported.",
        "fused": (),
        "conflicts": (),
        "causes": (),
        "policy": ALLOWED.model_copy(update={"decision": "restricted"}),
        "evidence": tuple(SoundEvidence(**_proof(turn)) for turn in turns),
        "degraded": (note,),
    }
    return make_voice_report(**(fields | changes))


def make_long_voice_report(turns: int = 300, words: str | None = "Some words.") -> VoiceReport:
    """A recording of many turns with everything that a report can hold."""
    spoken = tuple(
        make_turn(
            number,
            6.0 * number,
            6.0 * number + 4.0,
            voice=make_voice(("anger", "sadness", None, "happiness")[number % 4]),
            words=make_words(words),
        )
        for number in range(1, turns + 1)
    )
    return make_voice_report(
        source=make_sound(6.0 * turns + 20, speech_s=4.0 * turns),
        speech=spoken,
        fused=tuple(make_fused(turn, None) for turn in spoken),
        conflicts=tuple(make_conflict(turn) for turn in spoken[::3]),
        evidence=tuple(SoundEvidence(**_proof(turn)) for turn in spoken),
    )


def with_speech(report: ClipReport | None = None, words: str | None = None) -> ClipReport:
    """A film of two faces with sound: the first face speaks while it smiles, then somebody off camera, then nobody's.

    Args:
        report: The film; `make_clip_report` by itself.
        words: What the first turn says, where words are kept.
    """
    film = report or make_clip_report()
    first = make_turn(1, 1.0, 3.4, speaker="track-1", speaker_confidence=0.83, words=make_words(words))
    second = make_turn(2, 5.0, 6.2, speaker="off_camera", speaker_confidence=0.6, voice=make_voice("happiness"))
    third = make_turn(3, 8.4, 10.0, voice=make_voice(None))
    turns = (first, second, third)
    arms = BodyFact(
        kind="arms_crossed",
        span=TimeSpan(from_s=7.0, to_s=9.5),
        strength=0.8,
        confidence=0.77,
        evidence=("track-1.body.1",),
    )
    posture = ClipEvidence(
        id="track-1.body.1",
        kind="body",
        text="Both wrists lie beyond the middle of the chest.",
        track="track-1",
        span=arms.span,
        value=0.8,
    )
    proofs = tuple(ClipEvidence(**_proof(turn), track=turn.speaker if turn is first else None) for turn in turns)
    tracks = (film.tracks[0].model_copy(update={"body": (arms,)}), *film.tracks[1:])
    return ClipReport(
        **{name: getattr(film, name) for name in ClipReport.model_fields}
        | {
            "sound": make_sound(12.0, kind="clip", media_type="video/mp4", speech_s=5.2),
            "listened": Listened(activity=ACTIVITY, voice=VOICE, transcriber=None),
            "tracks": tracks,
            "speech": turns,
            "fused": (make_fused(first, "track-1", None),),
            "conflicts": (make_conflict(first, "track-1"),),
            "evidence": (*film.evidence, posture, *proofs),
            "degraded": tuple(entry for entry in film.degraded if entry.code != "sound_not_read"),
        }
    )
