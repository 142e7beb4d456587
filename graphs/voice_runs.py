"""One run over a sound from Python: a voice message goes in, events are passed on, a validated report comes out."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from langgraph.config import get_stream_writer

from ferce_agent.context.voice_composition import compose_voice
from ferce_agent.errors import SettingsError, SoundAccessError
from ferce_agent.graphs.engines import Engines, default_engines
from ferce_agent.graphs.recognition import Written, transcriber_for, write_down
from ferce_agent.inputs.situation import Situation, read_situation
from ferce_agent.inputs.sound import SoundStream, open_sound
from ferce_agent.keeping.baselines import BaselineLike, read_baseline
from ferce_agent.policy.use import UseLike
from ferce_agent.report.speech import VoiceReport
from ferce_agent.report.speech_events import SoundProgressEvent, SpeechEvent, TurnEvent, VoiceReportEvent
from ferce_agent.validation.refusal import value_of
from ferce_agent.voice.listening import Heard, HeardTurn, listen
from ferce_agent.voice.transcriber import KeptSound

if TYPE_CHECKING:
    from ferce_agent.inputs.sound import SoundLike
    from ferce_agent.inputs.transcript import TranscriptLike

CLOSING_S: Final = 5.0
"""Seconds that a cancelled run waits at most until its sound is closed."""
Listener: TypeAlias = Callable[[SpeechEvent], None]
"""Called with each event."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a caller says of a sound; see `analyze_voice`."""

    sound: SoundLike | SoundStream
    transcript: TranscriptLike | None
    keep_words: bool
    context: str | Situation | Mapping[str, Any] | None
    start_s: float | None
    end_s: float | None
    baseline: BaselineLike | None
    use: UseLike | None
    engines: Engines | None
    stop: threading.Event = field(default_factory=threading.Event)


class _Stop(threading.Event):
    """Set by a run for itself, or by its caller, whose own event the run never sets."""

    def __init__(self, outer: threading.Event | None) -> None:
        super().__init__()
        self._outer = outer

    def is_set(self) -> bool:
        return super().is_set() or (self._outer is not None and self._outer.is_set())


def analyze_voice(  # noqa: PLR0913  # one parameter per thing a caller may say
    sound: SoundLike | SoundStream,
    *,
    transcript: TranscriptLike | None = None,
    keep_words: bool = False,
    context: str | Situation | Mapping[str, Any] | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    baseline: BaselineLike | None = None,
    use: UseLike | None = None,
    engines: Engines | None = None,
    on_event: Listener | None = None,
    stop: threading.Event | None = None,
) -> VoiceReport:
    """Listen to a voice message, or to the sound track of a film: who speaks when, how, and what it sounds like.

    The voice is never identified. Words are not kept unless that is asked for.

    Args:
        sound: Path, bytes, open file, data URL, (rate, array), `Sound`, blocks of them, or an opened `SoundStream`. See
            `ferce_agent.inputs.sound.open_sound`.
        transcript: What is said: a text, SRT or VTT, words with times, or a `Path` of such a file. See
            `ferce_agent.inputs.transcript.read_transcript`.
        keep_words: Whether the report may hold the words, and the names of who speaks.
        context: What is known about the situation, in plain words or as a `Situation`.
        start_s: Where to begin, in seconds of the sound. Times do not shift.
        end_s: Where to end.
        baseline: How the person who speaks usually does: a `Baseline`, the name of one that is kept, or a JSON file.
            Left out, how a turn differs is told against the other turns of the recording.
        use: What the report is used for, as a `UseContext` (or its fields); the rules that apply stand in ``policy``.
        engines: Models and settings; the shared defaults if left out.
        on_event: Called with each event while it is listened, in the thread of the caller.
        stop: Set it to end the listening early; the report of what was heard follows.

    Returns:
        A validated report. A sound in which nobody speaks gives one with ``speech=()`` that says so in ``degraded``.

    Raises:
        InputError: The sound, its times, the transcript, the context, the baseline or the use cannot be used;
            `NoSoundError` for a film without a sound track.
        PolicyError: The rules refuse this use (an `InputError` too); nothing is opened.
        SetupError: A weight file is damaged.
    """
    told = _listeners(on_event)
    stopped = stop or threading.Event()
    asked = _Asked(sound, transcript, keep_words, context, start_s, end_s, baseline, use, engines, stopped)

    def tell(event: SpeechEvent) -> None:
        for listener in told:
            listener(event)

    return _run(asked, tell)


async def aanalyze_voice(  # noqa: PLR0913
    sound: SoundLike | SoundStream,
    *,
    transcript: TranscriptLike | None = None,
    keep_words: bool = False,
    context: str | Situation | Mapping[str, Any] | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    baseline: BaselineLike | None = None,
    use: UseLike | None = None,
    engines: Engines | None = None,
    on_event: Listener | None = None,
    stop: threading.Event | None = None,
) -> VoiceReport:
    """Listen to a voice message without blocking the event loop; see `analyze_voice`.

    Cancelling the task ends the work soon, and the sound is closed when this returns.
    """
    told = _listeners(on_event)
    asked = _Asked(sound, transcript, keep_words, context, start_s, end_s, baseline, use, engines, _Stop(stop))
    loop, handed = asyncio.get_running_loop(), asyncio.Queue[SpeechEvent | None]()

    def tell(event: SpeechEvent) -> None:
        loop.call_soon_threadsafe(handed.put_nowait, event)

    work = asyncio.create_task(asyncio.to_thread(_run, asked, tell))
    work.add_done_callback(lambda _: handed.put_nowait(None))
    try:
        while (event := await handed.get()) is not None:
            for listener in told:
                listener(event)
        return await work
    finally:
        if not work.done():
            asked.stop.set()
            # A thread cannot be cancelled: it is waited for, so that nothing of the sound is open afterwards; but not
            # for long where it waits itself, for a caller's blocks.
            await asyncio.wait({work}, timeout=CLOSING_S)


def _run(asked: _Asked, tell: Listener) -> VoiceReport:
    """Check everything, listen, and put the report together."""
    from ferce_agent.inputs.transcript import read_transcript

    engines = _engines(asked.engines)
    keep_words = _switch("keep_words", asked.keep_words)
    decision = engines.permit_sound(asked.use, transcribe=asked.transcript is None)
    given = None if asked.transcript is None else read_transcript(asked.transcript)
    situation = read_situation(asked.context)
    baseline = engines.baseline if asked.baseline is None else read_baseline(asked.baseline)
    transcriber, refused = (None, ()) if given is not None else transcriber_for(engines, decision)
    kept = KeptSound()
    stream = _opened(asked)
    heard = listen(
        stream,
        infer=decision.may_infer,
        cancel=asked.stop,
        on_progress=partial(_progress, tell, _end_of(stream, asked)),
        on_block=None if transcriber is None else kept.add,
    )
    written = Written(given, refused, None, (), 0.0)
    if transcriber is not None:
        spans = [(turn.span.from_s, turn.span.to_s) for turn in heard.turns]
        written = write_down(transcriber, kept, spans, asked.stop)
    begun = time.perf_counter()
    heard = replace(heard, degraded=(*heard.degraded, *written.degraded))
    matcher = engines.events if written.transcript is not None and decision.may_infer else None
    report = compose_voice(
        heard,
        decision,
        transcript=written.transcript,
        keep_words=keep_words,
        context=situation,
        matcher=matcher,
        baseline=baseline,
    )
    made = _provided(report, heard, written, 1000 * (time.perf_counter() - begun))
    tell(VoiceReportEvent(report=made))
    return made


def _provided(report: VoiceReport, heard: Heard, written: Written, composed_ms: float) -> VoiceReport:
    """Return the report with what took part in it, and how long that took."""
    spent = {**heard.timings, "compose": round(composed_ms, 3)}
    if written.transcriber is not None:
        spent["transcribe"] = written.milliseconds
    update = {"timings_ms": spent, "transcriber": written.transcriber, "left_machine": written.sent}
    return report.model_copy(update={"provenance": report.provenance.model_copy(update=update)})


def _switch(name: str, value: object) -> bool:
    """Return whether something is wanted; not, where nothing is said."""
    if value is not None and not isinstance(value, bool):
        raise SettingsError(f"{name} must be true or false, not {value_of(value)}.")
    return bool(value)


def _engines(given: Engines | None) -> Engines:
    if given is not None and not hasattr(given, "settings"):
        kind = type(given).__name__
        raise SettingsError(f"engines must be Engines, not {kind}.", hint="Engines(Settings(…))")
    return default_engines() if given is None else given


def _opened(asked: _Asked) -> SoundStream:
    if asked.sound is None:
        raise SoundAccessError("No sound was given.", hint="Give a path, bytes, a data URL, or (rate, array).")
    if not isinstance(asked.sound, SoundStream):
        return open_sound(asked.sound, start_s=asked.start_s, end_s=asked.end_s)
    if asked.start_s is not None or asked.end_s is not None:
        raise SettingsError(
            "The sound is open already: start_s and end_s come too late.", hint="Give them to open_sound."
        )
    return asked.sound


def _end_of(stream: SoundStream, asked: _Asked) -> float | None:
    """Return where a sound will end, about; None where that is not known."""
    known = [end for end in (stream.info.duration_s, asked.end_s) if end is not None]
    return max(min(known), 0.0) if known else None


def _progress(tell: Listener, of_s: float | None, time_s: float, turn: HeardTurn | None) -> None:
    if turn is None:
        tell(SoundProgressEvent(time_s=round(max(time_s, 0.0), 3), of_s=of_s))
        return
    begin, end = (round(max(when, 0.0), 3) for when in (turn.span.from_s, turn.span.to_s))
    tell(TurnEvent(turn=turn.id, start_s=begin, end_s=end, confidence=round(turn.span.confidence, 4)))


def _listeners(on_event: Listener | None) -> list[Listener]:
    """Return who wants to hear of events: the caller, and the graph whose node or tool made the call, if there is one.

    That graph's stream mode ``custom`` shows them as plain data.
    """
    if on_event is not None and not callable(on_event):
        kind = type(on_event).__name__
        raise SettingsError(f"on_event must be a function of one event, not {kind}.", hint="For example: print")
    found = [on_event] if on_event is not None else []
    try:
        write = get_stream_writer()
    except (RuntimeError, KeyError):  # outside of any graph: no run at all, or one of a tool alone
        return found

    def tell(event: SpeechEvent) -> None:
        if not isinstance(event, VoiceReportEvent):
            write({"tool": "analyze_voice", **event.model_dump(mode="json")})

    return [*found, tell]
