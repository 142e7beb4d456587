"""The contract of what is heard: turns of speech, a voice report, and what face, voice and words say together.

Times are seconds of the film or of the sound. A voice is never identified: a turn belongs to a face of the same film
that moves its mouth in time with it, to somebody off camera, or to nobody in particular.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ferce_agent.ontology.ids import TermId
from ferce_agent.ontology.labels import Canonical
from ferce_agent.report.baseline import BaselineUse, Change, VoiceMeasure
from ferce_agent.report.common import Engine, Finite, Millis, Part, Policy, Sha256, Signed, Text, Token, Unit
from ferce_agent.report.context import Cause, Guidance
from ferce_agent.report.timed import Count, Seconds, TimeSpan, TrackId

VOICE_SCHEMA_VERSION: Final = "1.1"
TurnId = Annotated[str, StringConstraints(pattern=r"^speech-[0-9]+$")]
"""Name of a turn of speech, ``speech-1`` for the first."""
Modality = Literal["face", "voice", "words"]
"""Where a part of an answer comes from."""


class SoundSource(Part):
    """The sound that was listened to. Never a path, a name or samples."""

    kind: Literal["file", "bytes", "samples", "blocks", "clip"]
    """How it was given; ``clip`` for the sound track of a film."""
    media_type: Annotated[str, StringConstraints(pattern=r"^(audio|video|application)/[a-z0-9.+-]+$")]
    """Format found in the data, e.g. ``audio/x-wav``; ``audio/x-samples`` for arrays."""
    sha256: Sha256 | None
    """Digest of the encoded file; null where there is none."""
    first_s: Seconds
    """Where the part that was listened to begins."""
    last_s: Seconds
    """Where it ends."""
    rate: Annotated[int, Field(ge=1)]
    """Samples a second as given."""
    channels: Annotated[int, Field(ge=1)]
    """Channels as given; they are listened to as one."""
    loudness_lufs: Finite | None
    """Integrated loudness (ITU-R BS.1770-4); null where it is too short or silent."""
    speech_s: Seconds
    """How long somebody speaks, all turns together."""


class Relative(Part):
    """How far a measure lies from what is usual: for the same voice in the same recording, or for the person."""

    pitch: Finite | None
    """Of the median pitch, in standard deviations of the other turns' pitch, or of what the baseline lets expect."""
    loudness: Finite | None
    """Of the level, likewise."""
    rate: Finite | None
    """Of the rate of syllables, likewise."""
    baseline_s: Seconds
    """How much of the voice this rests on; with a person's baseline how much film, camera and speech."""
    to: Literal["recording", "baseline"] = "recording"
    """Against what: the other turns of the same voice in the recording, or the person's baseline. Since 1.1."""


class AgainstUsual(Part):
    """How a turn differs from how the person usually speaks, by the baseline that they keep."""

    baseline: BaselineUse
    """Which baseline."""
    changes: dict[VoiceMeasure, Change]
    """What could be measured in both; the error counts in how much single turns of the person scatter."""


class SpeechProsody(Part):
    """How a turn is spoken; null where it could not be measured. Sources: `ferce_agent.voice.prosody`."""

    pitch_hz: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None
    """Median pitch in hertz."""
    pitch_spread_st: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    """Standard deviation of the pitch in semitones, from its 20th and 80th percentile."""
    level_db: Finite | None
    """Level in dB of full scale."""
    loudness_spread: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    """Standard deviation of loudness."""
    jitter: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    """Mean difference of neighbouring cycles' lengths, a share."""
    shimmer_db: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    """Mean difference of neighbouring cycles' heights in dB."""
    hnr_db: Finite | None
    """Harmonics-to-noise ratio in dB."""
    formants_hz: tuple[Finite | None, Finite | None, Finite | None]
    """Mean frequencies of F1 to F3 in hertz."""
    formant_levels_db: tuple[Finite | None, Finite | None, Finite | None] = (None, None, None)
    """Level of the strongest harmonic at F1 to F3 over the first harmonic in dB."""
    h1_h2_db: Finite | None = None
    """Level of the first harmonic over the second in dB; larger in a breathy voice."""
    h1_a3_db: Finite | None = None
    """Level of the first harmonic over the strongest one at F3 in dB; smaller with effort."""
    alpha_db: Finite | None
    """Alpha ratio of voiced frames in dB; smaller with effort."""
    hammarberg_db: Finite | None
    """Hammarberg index of voiced frames in dB; smaller with effort."""
    spectral_flux: Annotated[float, Field(ge=0, le=1.4143, allow_inf_nan=False)] | None = None
    """Mean distance between the spectra of neighbouring voiced frames, each of length one."""
    syllables_per_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    """Peaks of loudness a second, near the rate of syllables."""
    voiced_share: Unit | None
    """Share of the turn that is voiced."""
    pauses: Count | None
    """Silences of at least 0.3 s within the turn."""
    pause_share: Unit | None
    """Their share of the turn."""
    flat: bool | None
    """Whether the pitch hardly moves from one moment to the next, as in synthetic speech; null if hardly voiced."""
    relative: Relative | None = None
    """Against what is usual for this voice: in this recording, null for under ten seconds of it, or by the baseline."""


VoiceDoubt = Literal["unlike_training", "unclear", "too_short"]
"""Why no expression is named for a voice: unlike what the model was trained on, several expressions possible, or less
than a second of speech."""


class VoiceExpression(Part):
    """What a turn sounds like to the voice model; an estimate from acted speech."""

    probabilities: dict[TermId, Unit]
    """Calibrated probabilities of the expressions that the model knows."""
    expression: TermId | None
    """The expression it sounds like; null where `doubt` says why."""
    arousal: Signed | None
    """Activation, -1 to 1; null where it is not known."""
    valence: Signed | None
    """Pleasantness, -1 to 1; null where it is not known, as mostly: it hardly carries over to other languages."""
    confidence: Unit
    """Probability of the expression named, or of the likeliest one."""
    unlike_training: Unit
    """How unlike the recordings of the training it sounds, 1 = nothing like them."""
    doubt: tuple[VoiceDoubt, ...]
    """Why no expression is named; empty where one is."""


class TurnWords(Part):
    """What is said in a turn; the words themselves only where that was asked for."""

    text: Text | None
    """The words; null where they are not kept."""
    count: Count
    """How many words."""
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")] | None
    """ISO 639 code; null where it is not known."""
    origin: Literal["told", "transcribed"]
    """Given by the caller, or by a speech recogniser."""
    confidence: Unit | None
    """Mean confidence of the recogniser; null for words that were told."""
    expression: Canonical | None
    """Expression that the words fit best by themselves; null if they are neutral, mixed, or not understood."""
    valence: Signed | None
    """Pleasantness of the words, 0 if they are neutral; null where they were not understood or tell too little."""
    expression_confidence: Unit | None
    """How sure `expression` and `valence` are."""


class SpeechTurn(Part):
    """Somebody speaks without a longer pause."""

    id: TurnId
    """Unique within the report."""
    start_s: Seconds
    """When it begins."""
    end_s: Seconds
    """When it ends."""
    confidence: Unit
    """How sure it is that somebody speaks."""
    speaker: TrackId | Literal["off_camera"] | None
    """Whose mouth moves in time with it; ``off_camera`` where nobody's does; null where that cannot be told."""
    speaker_confidence: Unit | None
    """How sure that is; null where `speaker` is."""
    told_speaker: Text | None = None
    """Who speaks by the transcript that was given; null where it does not say, or names are not kept."""
    prosody: SpeechProsody
    """How it is spoken."""
    voice: VoiceExpression | None
    """What it sounds like; null where rules allow no inference, or there is no model."""
    arousal: Signed | None
    """Activation of the voice, -1 to 1; the same as in `voice`."""
    valence: Signed | None
    """Pleasantness of the voice; the same as in `voice`."""
    words: TurnWords | None
    """What is said; null without a transcript."""
    usual: AgainstUsual | None = None
    """Against how the person usually speaks; null without their baseline. Since 1.1."""
    evidence: Annotated[tuple[Token, ...], Field(min_length=1)]
    """Ids of entries in the report's `evidence`."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.end_s < self.start_s:
            raise ValueError("a turn ends before it begins")
        if (self.speaker is None) != (self.speaker_confidence is None):
            raise ValueError("a speaker has a confidence")
        return self


class Share(Part):
    """What one source contributes to a fused answer."""

    modality: Modality
    """The source."""
    reliability: Unit
    """Its weight: the exponent measured for it, times how far it can be trusted here."""
    expression: TermId | None
    """What it says by itself; null where it is unclear."""


class Fused(Part):
    """What face, voice and words say together over a stretch of time; sources that are missing are absent."""

    span: TimeSpan
    """When."""
    track: TrackId | None
    """Whose face; null where the voice belongs to no face that is seen."""
    turn: TurnId | None
    """Which turn of speech; null where nobody speaks."""
    probabilities: dict[Canonical, Unit]
    """Of the eight expressions."""
    expression: Canonical | None
    """The expression named; null where it is unclear or the sources conflict."""
    arousal: Signed | None
    """Activation."""
    valence: Signed | None
    """Pleasantness."""
    confidence: Unit
    """Probability of the likeliest expression."""
    shares: Annotated[tuple[Share, ...], Field(min_length=1)]
    """What it comes from."""
    evidence: Annotated[tuple[Token, ...], Field(min_length=1)]
    """Ids of entries in the report's `evidence`."""

    @property
    def counting(self) -> tuple[Modality, ...]:
        """The sources that have any weight in the answer, which a voice unlike its model's training has not."""
        return tuple(one.modality for one in self.shares if one.reliability > 0) or (self.shares[0].modality,)


ConflictKind = Literal["face_and_voice", "face_and_words", "voice_and_words"]
"""Which sources do not go together."""


class ModalityConflict(Part):
    """Face, voice or words do not go together; which interpretations that allows. None of them is asserted."""

    kind: ConflictKind
    """Which."""
    pattern: Token
    """What kind of conflict, e.g. ``smile_and_tense_voice``, ``calm_words_and_tense_face``."""
    span: TimeSpan
    """When."""
    track: TrackId | None
    """Whose face."""
    turn: TurnId
    """Which turn of speech."""
    text: Text
    """The conflict in words."""
    readings: Annotated[tuple[Text, ...], Field(min_length=1)]
    """What could explain it."""
    confidence: Unit
    """How sure that there is a conflict at all."""
    evidence: Annotated[tuple[Token, ...], Field(min_length=1)]
    """Ids of entries in the report's `evidence`."""


class SoundEvidence(Part):
    """Something a statement about a sound can rest on."""

    id: Token
    """Unique within the report."""
    kind: Literal["voice", "prosody", "words", "fusion"]
    """What was measured."""
    text: Text
    """In words."""
    span: TimeSpan
    """When."""
    value: Finite | None
    """The measured number, where there is one."""


SoundDegradedCode = Literal[
    "no_speech",
    "speech_too_short",
    "sound_damaged",
    "sound_truncated",
    "sound_clipped",
    "sound_quiet",
    "sound_silent",
    "stopped_early",
    "times_repaired",
    "limit_reached",
    "speech_detector_not_installed",
    "voice_model_not_installed",
    "voice_model_failed",
    "voice_unlike_training",
    "speaker_not_known",
    "baseline_not_applied",
    "words_not_heard",
    "words_not_aligned",
    "language_not_understood",
    "transcriber_failed",
    "policy_restricted",
    "step_failed",
]
"""Reason code of something about the sound that was asked for, or could be expected, and could not be done."""


class SoundDegradation(Part):
    """Something about the sound that could not be done, or only partly."""

    stage: Token
    """Step of the work."""
    code: SoundDegradedCode
    """Reason code."""
    message: Text
    """What happened and what to do about it."""
    turn: TurnId | None = None
    """Which turn, where it concerns one."""
    count: Annotated[int, Field(ge=1)] | None = None
    """How many things it concerns, where that is known."""


class SoundProvenance(Part):
    """How the report of a sound came about."""

    package: Token
    """Version of ferce-agent."""
    created_at: datetime
    """When, in UTC."""
    activity: Engine
    """Speech detector."""
    voice: Engine | None
    """Voice model; null where it took no part."""
    transcriber: Engine | None
    """Speech recogniser; null where none was asked."""
    ontology: Token
    """Version of the ontology."""
    left_machine: tuple[Token, ...] = ()
    """What was sent to a remote engine; empty if all stayed here."""
    timings_ms: dict[str, Millis]
    """Wall-clock time per step."""


class VoiceReport(Part):
    """Who speaks when in a recording, how it sounds, and what the words say.

    A voice *sounds* like an expression; what the speaker feels is not known from it.
    """

    schema_version: Literal["1.1"] = VOICE_SCHEMA_VERSION
    """Version of this contract."""
    source: SoundSource
    """What was listened to."""
    summary: Text
    """The report in a few sentences."""
    speech: tuple[SpeechTurn, ...]
    """The turns by their beginning; empty if nobody speaks (`degraded` then says ``no_speech``)."""
    fused: tuple[Fused, ...] = ()
    """What voice and words say together, a stretch for each turn."""
    conflicts: tuple[ModalityConflict, ...] = ()
    """Where voice and words do not go together."""
    causes: tuple[Cause, ...] = ()
    """Why somebody might sound so, from the words; `person` holds a turn's id."""
    guidance: Guidance
    """How an assistant might answer."""
    policy: Policy
    """Rules applied."""
    evidence: tuple[SoundEvidence, ...]
    """All evidence the statements refer to."""
    provenance: SoundProvenance
    """Engines, versions, timings."""
    degraded: tuple[SoundDegradation, ...]
    """What could not be done."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        turns = [turn.id for turn in self.speech]
        known = [entry.id for entry in self.evidence]
        for names, what in ((turns, "turn ids"), (known, "evidence ids")):
            if len(set(names)) != len(names):
                raise ValueError(f"{what} repeat")
        if missing := set(self.references()) - set(known):
            raise ValueError(f"statements rest on evidence that is not in the report: {sorted(missing)}")
        if strangers := set(self._named()) - set(turns):
            raise ValueError(f"turns are named that are not in the report: {sorted(strangers)}")
        if not self.speech and not any(entry.code == "no_speech" for entry in self.degraded):
            raise ValueError("a report without speech says no_speech in degraded")
        return self

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the report in the format that the file's ending names, whole or not at all, and return the file.

        Args:
            path: File ending with ``.html``, ``.json``, ``.txt``, or ``.csv`` (a row for each turn).

        Raises:
            SettingsError: The ending is not known, or the file cannot be written.
        """
        from ferce_agent.views.saving import save_voice_report

        return save_voice_report(self, path)

    def _repr_html_(self) -> str:
        """Return the report as a fragment for notebooks: text, and a time line of the turns."""
        from ferce_agent.views.voice_page import voice_fragment

        return voice_fragment(self)

    def references(self) -> Iterator[str]:
        """Yield the ids of the evidence that the statements rest on; some come more than once."""
        yield from self.guidance.evidence
        parts: tuple[SpeechTurn | Fused | ModalityConflict | Cause, ...] = (
            *self.speech,
            *self.fused,
            *self.conflicts,
            *self.causes,
        )
        for one in parts:
            yield from one.evidence

    def _named(self) -> Iterator[str]:
        named: tuple[Fused | ModalityConflict | SoundDegradation, ...] = (*self.fused, *self.conflicts, *self.degraded)
        yield from (one.turn for one in named if one.turn is not None)
        yield from (cause.person for cause in self.causes)


def voice_json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of `VoiceReport` as serialised."""
    schema = VoiceReport.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:ferce-agent:voice-report:{VOICE_SCHEMA_VERSION}",
        **schema,
    }
