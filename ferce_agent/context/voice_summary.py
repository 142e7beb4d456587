"""A sound in plain words: how long somebody speaks, what it sounds like and when, what was not understood."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ferce_agent.report import wording
from ferce_agent.report.clip_wording import clock, lasting
from ferce_agent.report.speech import (
    Fused,
    ModalityConflict,
    SoundDegradation,
    SoundSource,
    SpeechTurn,
    VoiceExpression,
)

TOLD: Final = 4
"""Turns that are told one by one."""
MOST: Final = 1990
"""Characters of a text of the report."""
HIGH: Final = 0.25
"""Activation from which on it is called high, and below whose negative it is called low."""
BROKEN: Final = {"sound_damaged", "sound_truncated", "stopped_early", "limit_reached", "step_failed"}
"""Reason codes that the summary mentions: not all of it was heard."""


def voice_summary(  # noqa: PLR0913
    source: SoundSource,
    turns: Sequence[SpeechTurn],
    degraded: Sequence[SoundDegradation],
    *,
    fused: Sequence[Fused] = (),
    conflicts: Sequence[ModalityConflict] = (),
    by_rule: str = "",
) -> str:
    """Return the sound in a few sentences.

    Args:
        source: The sound.
        turns: Its turns.
        degraded: What could not be done.
        fused: What voice and words say together.
        conflicts: Where they do not go together.
        by_rule: The rule by which nothing is inferred; empty where there is none.
    """
    parts = [how_long(source, turns)]
    if by_rule:
        parts.append(f"By rule ({by_rule}), it is only told how it is spoken.")
    elif turns:
        parts += _voices(turns)
        parts += _words(turns, fused)
        parts += [one.text for one in conflicts[:2]]
    parts += [f"Not all of it was heard: {entry.message}" for entry in degraded if entry.code in BROKEN][:1]
    return " ".join(parts)[:MOST]


def how_long(source: SoundSource, turns: Sequence[SpeechTurn]) -> str:
    """Return how long somebody speaks, as a sentence."""
    length = lasting(max(source.last_s - source.first_s, 0.0))
    if not turns:
        return f"Nobody is heard to speak in {length} of sound."
    count = "one turn" if len(turns) == 1 else f"{len(turns)} turns"
    return f"Speech for {lasting(source.speech_s)} in {count}."


def sounds_like(voice: VoiceExpression) -> str:
    """Return ``like anger (0.62), activation high``; for a voice whose expression is named."""
    assert voice.expression is not None
    level = activation(voice.arousal)
    return f"like {wording.term_label(voice.expression)} ({voice.confidence:.2f})" + (
        f", activation {level}" if level else ""
    )


def activation(arousal: float | None) -> str:
    """Return ``high``, ``medium`` or ``low``; nothing where it is not known."""
    if arousal is None:
        return ""
    return "high" if arousal > HIGH else "low" if arousal < -HIGH else "medium"


def _voices(turns: Sequence[SpeechTurn]) -> Iterator[str]:
    known = [turn for turn in turns if turn.voice is not None]
    named = [(turn, turn.voice) for turn in known if turn.voice is not None and turn.voice.expression is not None]
    best = sorted(named, key=lambda one: -one[1].confidence * (0.2 + one[0].end_s - one[0].start_s))[:TOLD]
    for turn, voice in sorted(best, key=lambda one: one[0].start_s):
        yield f"From {clock(turn.start_s)} to {clock(turn.end_s)} it sounds {sounds_like(voice)}."
    if (more := len(named) - TOLD) > 0:
        those = "One more turn sounds" if more == 1 else f"{more} more turns sound"
        yield f"{those} like an expression; see the report."
    if not known:
        yield "What it sounds like was not measured."
    elif not named:
        yield _unnamed(known)


def _unnamed(turns: Sequence[SpeechTurn]) -> str:
    """Say why no expression is named for any turn."""
    doubts = [set(turn.voice.doubt) for turn in turns if turn.voice is not None]
    unlike = sum("unlike_training" in doubt for doubt in doubts)
    flat = all(turn.prosody.flat for turn in turns)
    if 2 * unlike > len(doubts):
        mostly = "" if unlike == len(doubts) else "mostly "
        also = f"flat and {mostly}" if flat else mostly
        told = f"The voice is {also}unlike the recordings the model was trained on; no expression is named"
        return f"{told}{_activation(turns)}."
    if all("too_short" in doubt for doubt in doubts):
        return "That is too short to say what it sounds like."
    return f"{'The voice is flat; ' if flat else ''}no expression is clear enough to be named.".capitalize()


def _activation(turns: Sequence[SpeechTurn]) -> str:
    """Return ``, activation low`` for the mean of the turns by their length; nothing where it is not told."""
    told = [(turn.end_s - turn.start_s, turn.arousal) for turn in turns if turn.arousal is not None]
    seconds = sum(length for length, _ in told)
    if seconds <= 0:
        return ""
    return f", activation {activation(sum(length * arousal for length, arousal in told) / seconds)}"


def _words(turns: Sequence[SpeechTurn], fused: Sequence[Fused]) -> Iterator[str]:
    said = [turn.words for turn in turns if turn.words is not None]
    if not said:
        return
    count = sum(words.count for words in said)
    told = "heard by a recogniser" if said[0].origin == "transcribed" else "given"
    yield f"{'One word is' if count == 1 else f'{count:,} words are'} {told}."
    for turn in [turn for turn in turns if turn.words is not None and turn.words.expression is not None][:TOLD]:
        assert turn.words is not None and turn.words.expression is not None
        yield f"From {clock(turn.start_s)} on the words fit {wording.term_label(turn.words.expression)}."
    together = [one for one in fused if one.expression is not None and len(one.counting) > 1]
    for one in together[:2]:
        assert one.expression is not None
        name = wording.term_label(one.expression)
        sources = " and ".join(", ".join(one.counting).rsplit(", ", 1)).capitalize()
        yield f"{sources} together: {name} ({one.confidence:.2f}) from {clock(one.span.from_s)} on."
