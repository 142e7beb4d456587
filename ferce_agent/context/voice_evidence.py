"""What the statements of a voice report rest on, in words."""

from __future__ import annotations

from collections.abc import Iterator

from ferce_agent.report import TimeSpan, wording
from ferce_agent.report.clip_wording import clock
from ferce_agent.report.speech import Fused, SoundEvidence, SpeechProsody, SpeechTurn, TurnWords, VoiceExpression

LISTED = 3
"""Expressions of a voice that are listed, likeliest first."""


def evidence_of(turn: SpeechTurn) -> Iterator[SoundEvidence]:
    """Yield what was measured of a turn's voice: how it is spoken, what it sounds like."""
    span = TimeSpan(from_s=turn.start_s, to_s=turn.end_s)
    when = f"from {clock(turn.start_s)} to {clock(turn.end_s)}"
    name = f"{turn.id}.prosody"
    text = f"Speech {when}: {prosody_words(turn.prosody)}."
    yield SoundEvidence(id=name, kind="prosody", text=text, span=span, value=turn.prosody.pitch_hz)
    if turn.voice is not None:
        text = f"The voice {when}: {voice_words(turn.voice)}."
        yield SoundEvidence(id=f"{turn.id}.voice", kind="voice", text=text, span=span, value=turn.voice.confidence)


def fusion_evidence(fused: Fused) -> SoundEvidence:
    """Return the entry of a fused answer."""
    parts = ", ".join(f"{share.modality} (weight {share.reliability:.2f})" for share in fused.shares)
    best = max(fused.probabilities, key=lambda name: fused.probabilities[name], default="neutral")
    text = f"Together, {parts}: {wording.term_label(best)} is likeliest with {fused.confidence:.2f}."
    name = f"{fused.turn}.fusion"
    return SoundEvidence(id=name, kind="fusion", text=text, span=fused.span, value=fused.confidence)


def prosody_words(spoken: SpeechProsody) -> str:
    """Return how a turn is spoken in a line."""
    parts = [
        None if spoken.pitch_hz is None else f"median pitch {spoken.pitch_hz:.0f} Hz",
        None if spoken.pitch_spread_st is None else f"which spreads by {spoken.pitch_spread_st:.1f} semitones",
        None if spoken.level_db is None else f"level {spoken.level_db:.0f} dB",
        None if spoken.syllables_per_s is None else f"{spoken.syllables_per_s:.1f} syllables a second",
        "flat" if spoken.flat else None,
    ]
    return ", ".join(part for part in parts if part) or "too little to measure"


def voice_words(voice: VoiceExpression) -> str:
    """Return what a voice sounds like in a line: the likeliest expressions, activation, and why none is named."""
    likeliest = sorted(voice.probabilities.items(), key=lambda one: -one[1])[:LISTED]
    parts = [f"{wording.term_label(term)} {share:.2f}" for term, share in likeliest]
    if voice.arousal is not None:
        parts.append(f"activation {voice.arousal:+.2f}")
    if voice.doubt:
        parts.append("no expression is named: " + ", ".join(wording.code_words(code) for code in voice.doubt))
    return ", ".join(parts) or "nothing was measured"


def said_words(words: TurnWords) -> str:
    """Return what is said in a line; the words themselves only where they are kept."""
    count = "One word" if words.count == 1 else f"{words.count} words"
    parts = [f"{count}, {words.origin}"]
    if words.language is not None:
        parts.append(f"language {words.language}")
    return ", ".join(parts) + (f': "{words.text[:1500]}"' if words.text else "")
