"""Put what was heard and what was said together as one validated report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from typing import TYPE_CHECKING, Any

from ferce_agent.context.events import EventMatcher
from ferce_agent.context.turn_words import WordsRead, align, read_words
from ferce_agent.context.understanding import screened
from ferce_agent.context.voice_evidence import evidence_of, fusion_evidence, said_words
from ferce_agent.context.voice_guidance import guide_voice
from ferce_agent.context.voice_summary import voice_summary
from ferce_agent.inputs.situation import Situation, read_situation
from ferce_agent.ontology.store import ontology
from ferce_agent.policy.decide import Decision
from ferce_agent.reasoning.modalities import fuse_turn
from ferce_agent.report import Cause, TimeSpan
from ferce_agent.report.speech import (
    Fused,
    ModalityConflict,
    SoundDegradation,
    SoundEvidence,
    SoundProvenance,
    SpeechTurn,
    TurnWords,
    VoiceReport,
)
from ferce_agent.voice.listening import Heard, HeardTurn, relative_to

if TYPE_CHECKING:
    from ferce_agent.inputs.transcript import Transcript
    from ferce_agent.report.baseline import Baseline

Told = str | Situation | Mapping[str, Any] | None
"""What the caller may say about the situation."""


@dataclass(slots=True)
class _Parts:
    """What becomes the report."""

    turns: tuple[SpeechTurn, ...] = ()
    fused: list[Fused] = field(default_factory=list)
    conflicts: list[ModalityConflict] = field(default_factory=list)
    causes: tuple[Cause, ...] = ()
    crisis: list[str] = field(default_factory=list)
    evidence: list[SoundEvidence] = field(default_factory=list)
    degraded: list[SoundDegradation] = field(default_factory=list)


def compose_voice(  # noqa: PLR0913
    heard: Heard,
    decision: Decision,
    *,
    transcript: Transcript | None = None,
    keep_words: bool = False,
    context: Told = None,
    matcher: EventMatcher | None = None,
    baseline: Baseline | None = None,
) -> VoiceReport:
    """Return the validated report of a sound.

    Where the rules allow no inference it says how turns are spoken, and nothing about what they sound like or what
    the words express; that words speak of distress is told in any case.

    Args:
        heard: From `ferce_agent.voice.listening.listen`.
        decision: What the rules allow.
        transcript: What is said.
        keep_words: Whether the report may hold the words, and names of speakers.
        context: What is known about the situation; looked through for words of distress.
        matcher: Compares what is said with examples, where a sentence encoder is at hand.
        baseline: How the person who speaks usually does.

    Raises:
        SettingsError: The context cannot be used.
        DataError: A table of measured reliability is damaged.
        WeightsError: The matcher's classifier or encoder cannot be read.
    """
    infer = decision.may_infer
    read = read_said(heard, transcript, keep=keep_words, infer=infer, matcher=matcher)
    parts = _Parts(degraded=[*heard.degraded, *read.degraded], crisis=list(read.distress))
    turns = _relative(heard.turns, read.speakers, baseline, parts)
    parts.turns = tuple(
        turn_of(turn, words, speaker=speaker if keep_words else None, infer=infer)
        for turn, words, speaker in zip(turns, read.turns, read.speakers, strict=True)
    )
    parts.evidence += [entry for turn in parts.turns for entry in evidence_of(turn)]
    parts.evidence += read.evidence
    _screen(heard, context, parts)
    if infer:
        parts.causes = read.causes
        _together(parts)
    else:
        parts.degraded.append(restricted(decision))
    return _report(heard, decision, parts)


def turn_of(turn: HeardTurn, words: TurnWords | None, *, speaker: str | None = None, infer: bool = True) -> SpeechTurn:
    """Return the report's entry of a turn, with nothing inferred where that is not allowed.

    Args:
        turn: As heard.
        words: What is said in it.
        speaker: Who speaks, as the transcript says, where that may be kept.
        infer: Whether the rules allow inference.
    """
    voice = turn.voice if infer else None
    there = {"prosody": True, "voice": voice is not None, "words": words is not None}
    return SpeechTurn(
        id=turn.id,
        start_s=round(max(turn.span.from_s, 0.0), 3),
        end_s=round(max(turn.span.to_s, 0.0), 3),
        confidence=round(min(max(turn.span.confidence, 0.0), 1.0), 4),
        speaker=None,
        speaker_confidence=None,
        told_speaker=speaker,
        prosody=turn.prosody,
        voice=voice,
        usual=turn.usual,
        arousal=None if voice is None else voice.arousal,
        valence=None if voice is None else voice.valence,
        words=words,
        evidence=tuple(f"{turn.id}.{name}" for name, is_there in there.items() if is_there),
    )


def restricted(decision: Decision) -> SoundDegradation:
    """Return what a report says where the rules allow no inference."""
    message = (
        "It is only reported how turns are spoken: no expression, activation or pleasantness of the voice, and nothing "
        f"that the words express. Rule: {decision.cited}."
    )
    return SoundDegradation(stage="policy", code="policy_restricted", message=message[:2000])


def read_said(
    heard: Heard, transcript: Transcript | None, *, keep: bool, infer: bool, matcher: EventMatcher | None
) -> WordsRead:
    """Return what the words of the turns tell; without a transcript nothing.

    Args:
        heard: From `ferce_agent.voice.listening.listen`.
        transcript: What is said.
        keep: Whether the words may be in the report.
        infer: Whether the rules allow to say what they express.
        matcher: Compares what is said with examples, where a sentence encoder is at hand.

    Raises:
        WeightsError: The matcher's classifier or encoder cannot be read.
    """
    if transcript is None:
        nothing = (None,) * len(heard.turns)
        return WordsRead(nothing, nothing, (), (), (), ())
    spans = {turn.id: (max(turn.span.from_s, 0.0), max(turn.span.to_s, 0.0)) for turn in heard.turns}
    voices = {turn.id: turn.voice for turn in heard.turns} if infer else None
    aligned = align(transcript, list(spans.values()))
    read = read_words(aligned, spans, keep=keep, voices=voices, matcher=matcher if infer else None)
    return read if infer else without_emotion(read)


def without_emotion(read: WordsRead) -> WordsRead:
    """Return what words tell without what they express: how many there are, and whether they speak of distress."""
    hidden = {"expression": None, "valence": None, "expression_confidence": None}
    turns = tuple(None if words is None else words.model_copy(update=hidden) for words in read.turns)
    counts = {f"speech-{number}.words": words for number, words in enumerate(turns, 1) if words is not None}
    evidence = tuple(
        entry.model_copy(update={"text": f"{said_words(counts[entry.id])}.", "value": None})
        if entry.id in counts
        else entry
        for entry in read.evidence
    )
    return replace(read, turns=turns, evidence=evidence, causes=())


def _relative(
    turns: Sequence[HeardTurn], speakers: Sequence[str | None], baseline: Baseline | None, parts: _Parts
) -> list[HeardTurn]:
    """Return the turns against what is usual for their voice: by speaker where the transcript says who speaks."""
    voices: defaultdict[str | None, list[HeardTurn]] = defaultdict(list)
    for turn, speaker in zip(turns, speakers, strict=True):
        voices[speaker].append(turn)
    if baseline is not None and (why := not_compared(baseline, len(voices))):
        parts.degraded.append(SoundDegradation(stage="listen", code="baseline_not_applied", message=why))
        baseline = None
    known = {turn.id: turn for voice in voices.values() for turn in relative_to(voice, baseline)}
    if any(known[turn.id].prosody.relative for turn in voices.get(None, ())):
        message = (
            "Voices are not told apart: what is usual is taken from all turns of which nobody said who speaks."
            if baseline is None
            else "Voices are not told apart: every turn is compared with the baseline, as if the person spoke it."
        )
        parts.degraded.append(SoundDegradation(stage="listen", code="speaker_not_known", message=message))
    return [known[turn.id] for turn in turns]


def not_compared(baseline: Baseline, speakers: int) -> str:
    """Return why turns are not compared with a baseline; empty if they are.

    Args:
        baseline: Which.
        speakers: How many people speak, as far as that is told.
    """
    if not baseline.voice:
        return "The baseline holds no voice; give a recording of the person when it is made."
    if speakers > 1:
        return "The transcript names several speakers; a baseline is of one person, so no turn is compared with it."
    return ""


def _screen(heard: Heard, context: Told, parts: _Parts) -> None:
    """Look for words of distress in what is told about the situation."""
    whole = TimeSpan(from_s=heard.source.first_s, to_s=max(heard.source.first_s, heard.source.last_s))
    found = screened(read_situation(context))
    for entry in found.evidence:
        parts.evidence.append(SoundEvidence(id=entry.id, kind="words", text=entry.text, span=whole, value=None))
    parts.crisis += [name for name in found.crisis if name in {entry.id for entry in parts.evidence}]


def _together(parts: _Parts) -> None:
    """Bring voice and words of each turn together."""
    for turn in parts.turns:
        if turn.voice is None and turn.words is None:
            continue
        made, conflict = fuse_turn(
            TimeSpan(from_s=turn.start_s, to_s=turn.end_s),
            face=None,
            voice=turn.voice,
            words=turn.words,
            prosody=turn.prosody,
            track=None,
            turn=turn.id,
            evidence=[name for name in turn.evidence if not name.endswith(".prosody")],
        )
        if made is not None:
            entry = fusion_evidence(made)
            parts.evidence.append(entry)
            parts.fused.append(made.model_copy(update={"evidence": (*made.evidence, entry.id)}))
        if conflict is not None:
            parts.conflicts.append(conflict)


def _report(heard: Heard, decision: Decision, parts: _Parts) -> VoiceReport:
    by_rule = (
        "" if decision.may_infer else ", ".join(rule.id for rule in decision.binding if rule.effect == "no_inference")
    )
    found: dict[str, Any] = {"fused": tuple(parts.fused), "conflicts": tuple(parts.conflicts)}
    return VoiceReport(
        source=heard.source,
        summary=voice_summary(heard.source, parts.turns, parts.degraded, by_rule=by_rule, **found),
        speech=parts.turns,
        causes=parts.causes,
        guidance=guide_voice(parts.turns, causes=parts.causes, crisis=parts.crisis, **found),
        policy=decision.policy,
        evidence=tuple(parts.evidence),
        provenance=provenance_of(heard, inferred=decision.may_infer),
        degraded=tuple(parts.degraded),
        **found,
    )


def provenance_of(heard: Heard, *, inferred: bool = True) -> SoundProvenance:
    """Return which engines listened, and how long each step took.

    Args:
        heard: From `ferce_agent.voice.listening.listen`.
        inferred: Whether the voice model's answers are in the report.
    """
    return SoundProvenance(
        package=package_version("ferce-agent"),
        created_at=datetime.now(UTC),
        activity=heard.activity,
        voice=heard.voice if inferred else None,
        transcriber=None,
        ontology=ontology().version,
        timings_ms=dict(heard.timings),
    )
