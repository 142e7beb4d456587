"""How what is heard is put into words: doubts, conflicts, reason codes, turns of speech; and what bodies do."""

from __future__ import annotations

from typing import Final

from ferce_agent.report.clip import BodyFact, BodyKind
from ferce_agent.report.clip_wording import clock, track_name
from ferce_agent.report.speech import (
    ConflictKind,
    Fused,
    Modality,
    SoundDegradedCode,
    SoundSource,
    SpeechProsody,
    SpeechTurn,
    TurnWords,
    VoiceDoubt,
    VoiceExpression,
)
from ferce_agent.report.wording import AROUSAL, VALENCE, confidence_word, percent, signed, term_label, word_for

DOUBT: Final[dict[VoiceDoubt, str]] = {
    "unlike_training": "the voice is unlike those of the model's training",
    "unclear": "several expressions are possible",
    "too_short": "there is less than a second of speech",
}
"""Why no expression is named for a voice, in words."""

CONFLICT: Final[dict[ConflictKind, str]] = {
    "face_and_voice": "The face does not go with the voice",
    "face_and_words": "The face does not go with the words",
    "voice_and_words": "The voice does not go with the words",
}
"""A heading for each kind of conflict."""

MODALITY: Final[dict[Modality, str]] = {"face": "face", "voice": "voice", "words": "words"}
"""Where a part of an answer comes from, in words."""

BODY: Final[dict[BodyKind, str]] = {
    "leaning_forward": "leans forward",
    "leaning_back": "leans back",
    "leaning_sideways": "leans to the side",
    "arms_crossed": "arms are crossed",
    "hand_to_face": "a hand is at the face",
    "head_on_hand": "the head rests on a hand",
    "shrug": "the shoulders are raised",
    "moving_much": "moves much",
    "keeping_still": "keeps still",
    "coming_closer": "comes closer to the camera",
    "moving_away": "moves away from the camera",
}
"""Postures and gestures, in words."""

SOUND_DEGRADED: Final[dict[SoundDegradedCode, str]] = {
    "no_speech": "Nobody was heard to speak",
    "speech_too_short": "Too little speech",
    "sound_damaged": "Parts of the sound are damaged",
    "sound_truncated": "The sound ends early",
    "sound_clipped": "The sound is overdriven",
    "sound_quiet": "The sound is very quiet",
    "sound_silent": "The sound is silent",
    "stopped_early": "Stopped before the end",
    "times_repaired": "Times were repaired",
    "limit_reached": "A limit was reached",
    "speech_detector_not_installed": "The speech detector is not installed",
    "voice_model_not_installed": "No voice model is installed",
    "voice_model_failed": "The voice model failed",
    "voice_unlike_training": "A voice is unlike what the voice model was trained on",
    "speaker_not_known": "It is not clear who speaks",
    "baseline_not_applied": "Not read against the person's baseline",
    "words_not_heard": "Words are missing, or lie in no turn of speech",
    "words_not_aligned": "Which turn words belong to is a guess",
    "language_not_understood": "A language was not understood",
    "transcriber_failed": "The speech recogniser failed",
    "policy_restricted": "Not inferred by rule",
    "step_failed": "A step of the work failed",
}
"""A heading for each reason code of a sound's `degraded`."""

OFF_CAMERA: Final = "off camera"
"""How a speaker is called whose mouth is not seen."""


def turn_number(turn_id: str) -> str:
    """Return ``1`` for ``speech-1``."""
    return turn_id.removeprefix("speech-")


def turn_name(turn_id: str) -> str:
    """Return ``Turn 1`` for ``speech-1``."""
    return f"Turn {turn_number(turn_id)}"


def speaker_name(turn: SpeechTurn) -> str:
    """Return who speaks in a film: ``Face 1``, ``off camera``; empty where that is not known."""
    if turn.speaker is None:
        return ""
    return OFF_CAMERA if turn.speaker == "off_camera" else track_name(turn.speaker)


def sureness(confidence: float) -> str:
    """Return a probability in words and as a percentage: ``likely, 72%``."""
    return f"{confidence_word(confidence)}, {percent(confidence)}"


def voice_words(voice: VoiceExpression | None) -> str:
    """Return what a voice sounds like and how sure that is, or why no expression is named."""
    if voice is None:
        return "not inferred from the voice"
    if voice.expression is not None:
        return f"sounds like {term_label(voice.expression)} ({sureness(voice.confidence)})"
    return f"no expression is named: {', '.join(DOUBT[doubt] for doubt in voice.doubt) or DOUBT['unclear']}"


def arousal_words(value: float | None) -> str:
    """Return how activated something sounds, with the number; empty where it is not known."""
    return "" if value is None else f"{word_for(value, AROUSAL)} ({signed(value)})"


def valence_words(value: float | None) -> str:
    """Return how pleasant something sounds, with the number; empty where it is not known."""
    return "" if value is None else f"{word_for(value, VALENCE)} ({signed(value)})"


def prosody_words(prosody: SpeechProsody) -> str:
    """Return the measures of a turn that say most, those that are known: pitch, level, rate, pauses."""
    parts = []
    if prosody.pitch_hz is not None:
        spread = "" if prosody.pitch_spread_st is None else f" ± {prosody.pitch_spread_st:.1f} semitones"
        parts.append(f"pitch {prosody.pitch_hz:.0f} Hz{spread}")
    if prosody.level_db is not None:
        parts.append(f"level {prosody.level_db:.0f} dB".replace("-", "−"))
    if prosody.syllables_per_s is not None:
        parts.append(f"{prosody.syllables_per_s:.1f} syllables a second")
    if prosody.pauses:
        parts.append(f"{prosody.pauses} pause{'s' if prosody.pauses > 1 else ''}")
    if prosody.flat:
        parts.append("flat: the pitch hardly moves from one moment to the next")
    return ", ".join(parts)


def relative_words(prosody: SpeechProsody) -> str:
    """Return how a turn differs from what is usual for its voice; empty where it does not, or cannot be told.

    Only differences of a standard deviation and more are told.
    """
    if prosody.relative is None:
        return ""
    pairs = (
        (prosody.relative.pitch, "higher", "lower"),
        (prosody.relative.loudness, "louder", "quieter"),
        (prosody.relative.rate, "faster", "slower"),
    )
    told = [more if value > 0 else less for value, more, less in pairs if value is not None and abs(value) >= 1]
    usual = "this voice's other turns" if prosody.relative.to == "recording" else "this person usually speaks"
    return f"{' and '.join(told)} than {usual}" if told else ""


def turn_words_line(words: TurnWords | None) -> str:
    """Return what is known of the words of a turn in a line; empty without a transcript."""
    if words is None:
        return ""
    count = f"{words.count} word{'' if words.count == 1 else 's'}"
    said = f"“{words.text}”" if words.text is not None else f"{count}, not kept"
    fits = f"; the words fit {term_label(words.expression)}" if words.expression else ""
    origin = "" if words.origin == "told" else " (by a speech recogniser)"
    return f"{said}{origin}{fits}"


def fused_words(fused: Fused) -> str:
    """Return a fused answer in a line: what it is, how sure, and what it comes from."""
    sources = " and ".join(MODALITY[one] for one in fused.counting)
    if fused.expression is None:
        return f"{sources}: no expression is named"
    return f"{sources}: {term_label(fused.expression)} ({sureness(fused.confidence)})"


def body_words(fact: BodyFact) -> str:
    """Return a posture or gesture in a line: what, on which side, from when to when, how sure."""
    side = f" ({fact.side})" if fact.side else ""
    return f"{BODY[fact.kind]}{side} {clock(fact.span.from_s)} to {clock(fact.span.to_s)} ({percent(fact.confidence)})"


def sound_words(source: SoundSource) -> str:
    """Return what was listened to in a line: format, length, how much of it is speech, loudness."""
    loud = "" if source.loudness_lufs is None else f", {source.loudness_lufs:.1f} LUFS".replace("-", "−")
    length = f"{clock(source.first_s)} to {clock(source.last_s)}"
    return f"{source.media_type}, {length}, {source.speech_s:.1f} s of speech{loud}"
