"""Listening to a sound: who speaks when (but not who it is), how it is spoken, and what it sounds like.

Memory does not grow with the length of the sound, but for what is told of each turn and a number for each hundredth of
a second of speech.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import once
from ferce_agent.errors import NoSoundError
from ferce_agent.inputs.sound_parts import SOUND_RATE, Sound, SoundNote
from ferce_agent.report import Engine
from ferce_agent.report.speech import (
    AgainstUsual,
    SoundDegradation,
    SoundDegradedCode,
    SoundSource,
    SpeechProsody,
    VoiceExpression,
)
from ferce_agent.voice.activity import SpeechScorer, SpeechSpan
from ferce_agent.voice.activity_energy import EnergyScorer
from ferce_agent.voice.activity_network import NetworkScorer, read_detector, shipped
from ferce_agent.voice.delivery import delivery, relatives
from ferce_agent.voice.prosody import prosody, prosody_track
from ferce_agent.voice.turns import SpokenTurn, TurnCutter
from ferce_agent.voice.usual import against_usual, relative_of
from ferce_agent.weights.network_file import NetworkFile

if TYPE_CHECKING:
    from ferce_agent.inputs.sound import SoundStream
    from ferce_agent.report.baseline import Baseline
    from ferce_agent.voice.model import VoiceModel

MOST_TURNS: Final = 1000
"""Turns after which listening ends; about an hour and a half of talking."""
STEP: Final = SOUND_RATE
"""Samples that are looked at between two looks at whether to stop, a second."""
FLAT_UNLIKE: Final = 0.75
"""A flat turn is at least so unlike the training of the voice model, whose recordings are hardly ever flat; see
`ferce_agent.voice.delivery.FLAT_STEP_ST`."""
SHORT_S: Final = 1.0
"""Less speech than this altogether says hardly anything."""

Progress = Callable[[float, "HeardTurn | None"], None]
"""Called with the time in seconds up to which was listened, and the turn that has just ended, or None."""


@dataclass(frozen=True, slots=True)
class HeardTurn:
    """Somebody speaks without a longer pause.

    Attributes:
        id: ``speech-1`` for the first.
        span: When, and how sure that is.
        prosody: How it is spoken.
        voice: What it sounds like; None where that was not asked for, or there is no model.
        loudness: One value for each 10 ms from `span.from_s` on, shape (T,), see `ferce_agent.voice.spectra`.
        usual: How it differs from how the person usually speaks; None without their baseline.
    """

    id: str
    span: SpeechSpan
    prosody: SpeechProsody
    voice: VoiceExpression | None
    loudness: NDArray[np.float32]
    usual: AgainstUsual | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard in a sound.

    Attributes:
        source: The sound.
        turns: By time; they do not overlap.
        degraded: What could not be done.
        timings: Milliseconds by step: ``read``, ``activity``, ``prosody``, ``voice``.
        activity: Speech detector.
        voice: Voice model; None where none took part.
    """

    source: SoundSource
    turns: tuple[HeardTurn, ...]
    degraded: tuple[SoundDegradation, ...]
    timings: dict[str, float]
    activity: Engine
    voice: Engine | None


def listen(
    stream: SoundStream,
    *,
    infer: bool = True,
    cancel: threading.Event | None = None,
    on_progress: Progress | None = None,
    on_block: Callable[[Sound], None] | None = None,
) -> Heard:
    """Listen to a sound from its beginning to its end, and close it.

    Args:
        stream: From `ferce_agent.inputs.sound.open_sound`; nobody else reads it.
        infer: Whether the voice model says what turns sound like; otherwise only how they are spoken is measured.
        cancel: Set it to end early; what was heard until then is returned, and `degraded` says ``stopped_early``.
        on_progress: Called in the thread of the caller, see `Progress`.
        on_block: Called with each block once it was read, before it is listened to.

    Raises:
        NoSoundError: There is no sound in the part asked for.
        InputError: The sound cannot be read, see `open_sound`.
        WeightsError: Weights are there and cannot be used.
    """
    heard: list[HeardTurn] = []
    with stream:
        work = _Work(infer)
        for time_s, turn in work.turns(stream, cancel or threading.Event(), on_block):
            if turn is not None:
                heard.append(turn)
            if on_progress is not None:
                on_progress(time_s, turn)
            if len(heard) >= MOST_TURNS:
                work.note(
                    "limit_reached", f"After {MOST_TURNS} turns listening ended; give start_s to go on.", MOST_TURNS
                )
                break
    return work.heard(stream, heard)


def relative_to(turns: Iterable[HeardTurn], baseline: Baseline | None = None) -> tuple[HeardTurn, ...]:
    """Return turns of one voice with how far each lies from what is usual for it, see `relatives`.

    Args:
        turns: All by the same speaker, in one recording.
        baseline: How the speaker usually speaks; takes the place of what is usual in the recording.
    """
    known = tuple(turns)
    if baseline is not None and baseline.voice:
        return tuple(_to_baseline(turn, baseline) for turn in known)
    return tuple(
        replace(turn, prosody=turn.prosody.model_copy(update={"relative": relative}))
        for turn, relative in zip(known, relatives(known), strict=True)
    )


def _to_baseline(turn: HeardTurn, baseline: Baseline) -> HeardTurn:
    against = against_usual(turn, baseline)
    if against is None:
        return turn
    spoken = turn.prosody.model_copy(update={"relative": relative_of(against)})
    return replace(turn, prosody=spoken, usual=against)


@once
def _network() -> NetworkFile:
    """Read the shipped speech detector."""
    return read_detector()


def installed_scorer() -> tuple[SpeechScorer, Engine]:
    """Return a new scorer of speech and what it is called: the network if it is installed, else that by energy.

    By energy, music and clatter count as speech, and speech under loud noise is missed; reports say so.

    Raises:
        WeightsError: The weights are there and cannot be used.
    """
    if not shipped().is_file():
        return EnergyScorer(), Engine(name="energy", version="1", sha256=None)
    network = _network()
    return NetworkScorer(network), Engine(name="silero-vad", version="6.2.3", sha256=network.sha256)


@dataclass(slots=True)
class _Work:
    """One sound that is listened to."""

    infer: bool
    activity: Engine = field(init=False)
    first_s: float | None = None
    last_s: float = 0.0
    timings: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("read", "activity", "prosody", "voice"), 0.0)
    )
    notes: list[SoundDegradation] = field(default_factory=list)
    failed: int = 0
    _cutter: TurnCutter = field(init=False)
    _model: VoiceModel | None = None
    _count: int = 0

    def __post_init__(self) -> None:
        scorer, self.activity = installed_scorer()
        self._cutter = TurnCutter(scorer)
        if self.activity.name == "energy":
            message = "The weights of the speech detector are not installed: music and clatter count as speech."
            self.note("speech_detector_not_installed", message)
        if self.infer:
            from ferce_agent.voice.model import installed_model

            self._model = installed_model()
            if self._model is None:
                message = "No voice model is installed: how turns are spoken is measured, not what they sound like."
                self.note("voice_model_not_installed", message)

    def note(self, code: SoundDegradedCode, message: str, count: int | None = None) -> None:
        self.notes.append(SoundDegradation(stage="listen", code=code, message=message[:2000], count=count))

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.timings[step] += 1000 * (time.perf_counter() - begun)

    def turns(
        self, stream: SoundStream, cancel: threading.Event, on_block: Callable[[Sound], None] | None = None
    ) -> Iterator[tuple[float, HeardTurn | None]]:
        """Yield the time up to which was listened, and each turn once it is over."""
        while not cancel.is_set():
            with self._timed("read"):
                block = next(stream, None)
            if block is None:
                for turn in self._cut(None):
                    yield self.last_s, self._measured(turn)
                return
            if on_block is not None:
                on_block(block)
            for piece in pieces(block):
                if cancel.is_set():
                    return
                yield from self._listened(piece)

    def _listened(self, piece: Sound) -> Iterator[tuple[float, HeardTurn | None]]:
        self.first_s = piece.first_s if self.first_s is None else self.first_s
        self.last_s = piece.end_s
        for turn in self._cut(piece):
            yield self.last_s, self._measured(turn)
        yield self.last_s, None

    def _cut(self, piece: Sound | None) -> list[SpokenTurn]:
        with self._timed("activity"):
            return list(self._cutter.finish() if piece is None else self._cutter.push(piece))

    def _measured(self, turn: SpokenTurn) -> HeardTurn:
        self._count += 1
        with self._timed("prosody"):
            track = prosody_track(turn.sound)
            spoken = delivery(prosody(turn.sound, track), track)
        with self._timed("voice"):
            voice = self._voice(turn, flat=spoken.flat is True)
        loudness = track.spectra.loudness.astype(np.float32)
        return HeardTurn(f"speech-{self._count}", turn.span, spoken, voice, loudness)

    def _voice(self, turn: SpokenTurn, *, flat: bool) -> VoiceExpression | None:
        """Return what a turn sounds like; None where there is no model, or it fails."""
        if self._model is None:
            return None
        from ferce_agent.voice.model import express

        try:
            answer = self._model.read(turn.sound.samples)
            if flat:  # as hardly any recording of its training is
                answer = replace(answer, unlike=max(answer.unlike, FLAT_UNLIKE))
            return express(answer, turn.speech_s)
        except Exception:  # a turn that the model cannot read must not take the others away
            self.failed += 1
            return None

    def heard(self, stream: SoundStream, turns: list[HeardTurn]) -> Heard:
        """Return everything.

        Raises:
            NoSoundError: There was no block, and nobody stopped it.
        """
        notes = [degradation_of(note) for note in stream.notes]
        if self.first_s is None and not any(note.code == "stopped_early" for note in notes):
            raise NoSoundError("There is no sound in the part asked for.", hint="Check start_s against its length.")
        self._tell(turns)
        timings = {step: round(spent, 3) for step, spent in self.timings.items()}
        engine = None if self._model is None else self._model.card
        return Heard(self._source(stream, turns), tuple(turns), (*notes, *self.notes), timings, self.activity, engine)

    def _tell(self, turns: list[HeardTurn]) -> None:
        """Note what shows only at the end."""
        seconds = sum(turn.span.to_s - turn.span.from_s for turn in turns)
        if not turns:
            self.note("no_speech", "Nobody was heard to speak.")
        elif seconds < SHORT_S:
            self.note("speech_too_short", f"There is only {seconds:.1f} s of speech, which says hardly anything.")
        if self.failed:
            self.note(
                "voice_model_failed", "The voice model failed on some turns; they have no expression.", self.failed
            )
        unlike = [turn for turn in turns if turn.voice is not None and "unlike_training" in turn.voice.doubt]
        if unlike:
            message = "Turns sound unlike the recordings that the voice model was trained on; no expression is named."
            self.note("voice_unlike_training", message, len(unlike))

    def _source(self, stream: SoundStream, turns: list[HeardTurn]) -> SoundSource:
        info, loudness = stream.info, stream.level.loudness_lufs
        known = loudness is not None and np.isfinite(loudness)
        return SoundSource(
            kind=info.kind,
            media_type=info.media_type,
            sha256=info.sha256,
            first_s=round(max(self.first_s or 0.0, 0.0), 4),
            last_s=round(max(self.last_s, 0.0), 4),
            rate=info.rate,
            channels=info.channels,
            loudness_lufs=round(float(loudness), 2) if known and loudness is not None else None,
            speech_s=round(sum(turn.span.to_s - turn.span.from_s for turn in turns), 3),
        )


def pieces(block: Sound) -> Iterator[Sound]:
    """Yield a block in pieces of a second at most."""
    for at in range(0, len(block.samples), STEP):
        yield Sound(block.samples[at : at + STEP], block.rate, block.first_s + at / block.rate)


def degradation_of(note: SoundNote) -> SoundDegradation:
    """Return a sound's note as an entry of the report; it says where."""
    where = ""
    if note.from_s is not None:
        until = "" if note.to_s is None else f" to {max(note.to_s, 0):.1f} s"
        where = f" (from {max(note.from_s, 0):.1f} s{until})"
    return SoundDegradation(stage="open", code=note.code, message=f"{note.message[:1900]}{where}", count=note.count)
