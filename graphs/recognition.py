"""What is said in a sound, by the transcriber that is set up: whether it may be asked, and what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.transcript import Transcript
from ferce_agent.policy.decide import Decision
from ferce_agent.report import Engine, slug
from ferce_agent.report.speech import SoundDegradation, SoundDegradedCode
from ferce_agent.voice.transcriber import KeptSound, Recognised, Transcriber, transcribe_turns

SENT: Final = "sound"
"""What leaves the machine where a transcriber runs elsewhere."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a transcriber wrote down.

    Attributes:
        transcript: What is said; None where nothing was written down.
        degraded: What could not be done.
        transcriber: Which one it was.
        sent: What left the machine.
        milliseconds: How long it took.
    """

    transcript: Transcript | None
    degraded: tuple[SoundDegradation, ...]
    transcriber: Engine | None
    sent: tuple[str, ...]
    milliseconds: float


def transcriber_for(engines: Engines, decision: Decision) -> tuple[Transcriber | None, tuple[SoundDegradation, ...]]:
    """Return the transcriber that may be asked, and why one that is set up may not.

    Where the rules allow no inference, nothing is written down; the report says that much anyway.

    Args:
        engines: Hold the transcriber.
        decision: What the rules allow, from `Engines.permit_sound`.

    Raises:
        SetupError: The transcriber lacks a package or a file.
    """
    transcriber = engines.recogniser
    if transcriber is None or not decision.may_infer:
        return None, ()
    if engines.sends_sound and not decision.may_send:
        message = f"Sound must not go to {slug(transcriber.name)}, which runs elsewhere. Rule: {decision.cited}."
        return None, (_note("policy_restricted", message),)
    check = getattr(transcriber, "check", None)
    if callable(check):
        check()
    return transcriber, ()


def write_down(
    transcriber: Transcriber,
    kept: KeptSound,
    spans: Sequence[tuple[float, float]],
    cancel: threading.Event | None = None,
) -> Written:
    """Return what is said in the turns of a sound.

    Args:
        transcriber: From `transcriber_for`.
        kept: The sound.
        spans: Beginning and end of each turn in seconds.
        cancel: Set it to end early.

    Raises:
        SetupError: The transcriber lacks a package or a file.
    """
    begun = time.perf_counter()
    found = transcribe_turns(transcriber, kept, spans, cancel)
    remote = getattr(transcriber, "remote", None) is not False
    worked = found.asked > found.failed
    return Written(
        transcript=found.transcript if worked else None,
        degraded=tuple(_notes(found, kept, spans)),
        transcriber=Engine(name=slug(transcriber.name)[:120], version=slug(transcriber.version)[:120], sha256=None),
        sent=(SENT,) if remote and found.asked else (),
        milliseconds=round(1000 * (time.perf_counter() - begun), 3),
    )


def _notes(found: Recognised, kept: KeptSound, spans: Sequence[tuple[float, float]]) -> list[SoundDegradation]:
    notes = []
    if found.failed:
        part = "" if found.failed == found.stretches else f" in {found.failed} of {found.stretches} stretches"
        message = f"The transcriber failed{part}; what is said there is not known. {found.reason}"
        notes.append(_note("transcriber_failed", message, found.failed))
    if found.stopped:
        message = f"It was stopped when {found.asked} of {found.stretches} stretches of speech were written down."
        notes.append(_note("stopped_early", message, found.stretches - found.asked))
    if found.transcript.dropped:
        message = "Stretches in which the transcriber likely made up words, or repeated itself, were left out."
        notes.append(_note("words_not_heard", message, found.transcript.dropped))
    if beyond := sum(start > kept.end_s for start, _ in spans):
        message = "What is said after the first hour was not written down; give start_s to go on."
        notes.append(_note("limit_reached", message, beyond))
    return notes


def _note(code: SoundDegradedCode, message: str, count: int | None = None) -> SoundDegradation:
    return SoundDegradation(stage="transcribe", code=code, message=message[:2000], count=count)
