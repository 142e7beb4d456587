"""One run of the clip workflow from Python: a film goes in, events are passed on, a validated report comes out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from langgraph.config import get_stream_writer

from ferce_agent.concurrency.interruption import in_main_thread, interruptible
from ferce_agent.errors import ClipAccessError, EngineError, SettingsError
from ferce_agent.graphs.clip import compiled_clip_graph
from ferce_agent.graphs.clip_state import Backlog, ClipContext
from ferce_agent.keeping.baselines import BaselineLike, read_baseline
from ferce_agent.policy.use import UseLike, read_use
from ferce_agent.report import ClipReport
from ferce_agent.report.baseline import Baseline
from ferce_agent.report.clip_events import ClipEvent, ReadingEvent, ReportEvent
from ferce_agent.validation.refusal import value_of

if TYPE_CHECKING:
    from ferce_agent.graphs.clip_reading import Reading
    from ferce_agent.graphs.engines import Engines
    from ferce_agent.graphs.sound_track import SoundTrack
    from ferce_agent.inputs.clip import Clip, ClipLike
    from ferce_agent.inputs.transcript import TranscriptLike

CALIBRATES_S: Final = (1.0, 60.0)
"""Seconds that may be taken as calm."""
CLOSING_S: Final = 5.0
"""Seconds that an ended run waits at most until its film is closed."""
_MODES: Final[dict[str, Any]] = {"stream_mode": ["custom", "values"]}
"""The events, and the state."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a caller says of a film's sound.

    Attributes:
        sound: Whether it is listened to.
        transcript: What is said in it; None for nothing.
        keep: Whether the words may stand in the report.
    """

    sound: bool
    transcript: TranscriptLike | None
    keep: bool


@dataclass(frozen=True, slots=True)
class ClipAsk:
    """What a caller says of a film besides which one it is; see `analyze_clip`."""

    camera: int | None
    start_s: float | None
    end_s: float | None
    fps: float | None
    micro: bool
    landmarks: bool
    use_context: UseLike | None
    words: Words

    def input(self) -> dict[str, Any]:
        """Return the workflow's input."""
        use = None if self.use_context is None else read_use(self.use_context).told()
        told = {"start_s": self.start_s, "end_s": self.end_s, "fps": self.fps}
        heard = {"sound": self.words.sound, "keep_words": self.words.keep}
        return {**told, **heard, "micro": self.micro, "landmarks": self.landmarks, "use_context": use}


def analyze_clip(  # noqa: PLR0913  # one parameter per thing a caller may say
    source: ClipLike | Clip | None = None,
    *,
    camera: int | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    fps: float | None = None,
    micro: bool = False,
    landmarks: bool = False,
    sound: bool = True,
    transcript: TranscriptLike | None = None,
    keep_words: bool = False,
    baseline: BaselineLike | None = None,
    calibrate_s: float | None = None,
    use_context: UseLike | None = None,
    engines: Engines | None = None,
    on_event: Callable[[ClipEvent], None] | None = None,
    pictures: dict[str, bytes] | None = None,
    stop: threading.Event | None = None,
) -> ClipReport:
    """Read the faces of a film: who is there from when to when, and what each face shows, with times.

    Args:
        source: Path, bytes, open file, data URL, folder of pictures, pairs of (time, array) or `Frame`, or an opened
            `Clip`; left out where `camera` is given. See `ferce_agent.inputs.clip.open_clip`.
        camera: Number of a camera to read instead of a film; it is read until `end_s`, or until `stop` is set.
        start_s: Where to begin, in seconds of the film.
        end_s: Where to end.
        fps: Read only so many frames a second; all of them if left out.
        micro: Whether possible micro-expressions are looked for; takes longer.
        landmarks: Whether MediaPipe's landmark model measures the eyes; its weights must be there, see docs/clips.md.
        sound: Whether the sound track is listened to: who speaks when, how it sounds, and how that goes with the face.
        transcript: What is said in it: a text, subtitles (SRT, VTT), words with times, or a `Path` to a file of these;
            see `ferce_agent.inputs.transcript.read_transcript`.
        keep_words: Whether the words may stand in the report; otherwise only how many there are and what they fit.
        baseline: How the person shown is at rest, from `build_baseline`; or the name or path of a kept one. A face
            that is alone when it appears is read against it; then `Track.rest` says what would be read without it.
        calibrate_s: Instead, take the first so many seconds (1 to 60) of the first face as calm, and read everything
            against them. What is shown in them is told once they are over.
        use_context: What the report is used for, as a `UseContext` (or its fields); the rules that apply stand in
            ``policy``.
        engines: Models and settings; the shared defaults if left out.
        on_event: Called with each event while the film is read, in the thread of the caller.
        pictures: Filled with a small JPEG of each moment of the report, by the moment's id.
        stop: Set it to end the reading before the film's end; the report of what was read follows.

    Returns:
        A validated report. A film without a face gives one with ``tracks=()`` that says so in ``degraded``; so does
        one that breaks off, with what was read before.

    Raises:
        InputError: The film, its times or the use context cannot be used.
        PolicyError: The rules refuse this use (an `InputError` too); nothing is opened.
        CameraError: The camera cannot be used.
        SetupError: A weight file is missing or damaged.
        EngineError: The face detector failed at once.
    """
    words = Words(sound, transcript, keep_words)
    asked = ClipAsk(camera, start_s, end_s, fps, micro, landmarks, use_context, words)
    return run_clip(source, asked, Given(engines, pictures, stop, *calm_of(baseline, calibrate_s)), on_event)


async def aanalyze_clip(  # noqa: PLR0913
    source: ClipLike | Clip | None = None,
    *,
    camera: int | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    fps: float | None = None,
    micro: bool = False,
    landmarks: bool = False,
    sound: bool = True,
    transcript: TranscriptLike | None = None,
    keep_words: bool = False,
    baseline: BaselineLike | None = None,
    calibrate_s: float | None = None,
    use_context: UseLike | None = None,
    engines: Engines | None = None,
    on_event: Callable[[ClipEvent], None] | None = None,
    pictures: dict[str, bytes] | None = None,
    stop: threading.Event | None = None,
) -> ClipReport:
    """Read the faces of a film without blocking the event loop; see `analyze_clip`."""
    listeners = _listeners(on_event)
    words = Words(sound, transcript, keep_words)
    asked = ClipAsk(camera, start_s, end_s, fps, micro, landmarks, use_context, words)
    run = _run_context(
        source, asked, Given(engines, pictures, stop, *calm_of(baseline, calibrate_s)), readings=on_event is not None
    )
    report: ClipReport | None = None
    async with aclosing(_events(run, asked.input())) as events:
        async for event in events:
            if isinstance(event, ReportEvent):
                report = event.report
                continue
            for listener in listeners:
                listener(event)
    return _told(report, on_event)


async def stream_clip(  # noqa: PLR0913
    source: ClipLike | Clip | None = None,
    *,
    camera: int | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    fps: float | None = None,
    micro: bool = False,
    landmarks: bool = False,
    sound: bool = True,
    transcript: TranscriptLike | None = None,
    keep_words: bool = False,
    baseline: BaselineLike | None = None,
    calibrate_s: float | None = None,
    use_context: UseLike | None = None,
    engines: Engines | None = None,
    pictures: dict[str, bytes] | None = None,
    stop: threading.Event | None = None,
) -> AsyncGenerator[ClipEvent]:
    """Yield what happens in a film while it is read, and at the end a `ReportEvent`; see `analyze_clip`.

    The reading waits for whoever takes the events, if they fall far behind. Closing the generator, or cancelling the
    task, ends the work and closes the film.
    """
    words = Words(sound, transcript, keep_words)
    asked = ClipAsk(camera, start_s, end_s, fps, micro, landmarks, use_context, words)
    run = _run_context(source, asked, Given(engines, pictures, stop, *calm_of(baseline, calibrate_s)), readings=True)
    handed: asyncio.Queue[ClipEvent | None] = asyncio.Queue(1)
    # The run has a task of its own: whoever leaves the loop without closing this generator ends it by cancelling, and
    # no generator within the workflow is left to the interpreter's own clean-up, which cannot wait.
    work = asyncio.create_task(_hand_over(run, asked.input(), handed))
    try:
        while (event := await handed.get()) is not None:
            yield event
        await work
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def _hand_over(run: ClipContext, asked: dict[str, Any], handed: asyncio.Queue[ClipEvent | None]) -> None:
    """Put the events of one run into a queue, and then None, whether it ended well or not."""
    try:
        async with aclosing(_events(run, asked)) as events:
            async for event in events:
                await handed.put(event)
    except Exception:
        await handed.put(None)
        raise
    await handed.put(None)


async def _events(run: ClipContext, asked: dict[str, Any]) -> AsyncGenerator[ClipEvent]:
    """Yield the events of one run and then its report."""
    report: object = None
    parts: Any = compiled_clip_graph().astream(asked, context=run, **_MODES)
    try:
        async with aclosing(parts):
            async for mode, part in parts:
                if mode == "values":
                    report = part.get("report") or report
                    continue
                _took(run)
                yield part
    finally:
        # A thread waits for the film to be closed, so that nothing of it is left once the caller goes on.
        await asyncio.shield(asyncio.to_thread(_closed, run))
    yield ReportEvent(report=_checked(report))


def _took(run: ClipContext) -> None:
    if run.backlog is not None:
        run.backlog.took()


def _closed(run: ClipContext) -> None:
    """Wait until the films of a run are closed, and what listens to their sound."""
    works: list[Reading | SoundTrack] = [*run.begun, *run.heard]
    for work in works:
        work.join(CLOSING_S)


@dataclass(frozen=True, slots=True)
class Given:
    """Objects of the caller that a run works with, None for those of its own; and what is left out of the reading.

    Attributes:
        engines: Models and settings.
        pictures: Filled with a small JPEG of each moment.
        stop: Ends the reading.
        baseline: How the person shown is at rest.
        calibrate_s: Seconds that are taken as calm.
        expressions: Whether expressions are read where the rules allow it.
        body: Whether posture and gestures are measured.
    """

    engines: Engines | None
    pictures: dict[str, bytes] | None
    stop: threading.Event | None
    baseline: Baseline | None = None
    calibrate_s: float | None = None
    expressions: bool = True
    body: bool = True


def run_clip(
    source: ClipLike | Clip | None, asked: ClipAsk, given: Given, on_event: Callable[[ClipEvent], None] | None
) -> ClipReport:
    """Read one film in this thread and return its report; see `analyze_clip`."""
    listeners = _listeners(on_event)
    run = _run_context(source, asked, given, readings=on_event is not None)
    told, report = asked.input(), None

    def begin() -> Generator[Any]:
        return compiled_clip_graph().stream(told, context=run, **_MODES)

    try:
        with closing(interruptible(begin, run.cancel) if in_main_thread() else begin()) as parts:
            for mode, part in parts:
                if mode == "values":
                    report = part.get("report") or report
                    continue
                _took(run)
                for listener in listeners:
                    listener(part)
    finally:
        _closed(run)
    return _told(report, on_event)


def calm_of(baseline: BaselineLike | None, calibrate_s: float | None) -> tuple[Baseline | None, float | None]:
    """Return the person's baseline, or how many seconds are taken as calm.

    Raises:
        DataError: There is no such baseline.
        SettingsError: Both are given, or the seconds are no number within limits.
    """
    if calibrate_s is None:
        return read_baseline(baseline), None
    if baseline is not None:
        raise SettingsError(
            "Give either a baseline or calibrate_s.", hint="A baseline says what calibration finds out."
        )
    least, most = CALIBRATES_S
    if isinstance(calibrate_s, bool) or not isinstance(calibrate_s, int | float) or not least <= calibrate_s <= most:
        raise SettingsError(
            f"calibrate_s must be {least:g} to {most:g}, not {value_of(calibrate_s)}.", hint="For example 5."
        )
    return None, float(calibrate_s)


def _run_context(source: ClipLike | Clip | None, asked: ClipAsk, given: Given, *, readings: bool) -> ClipContext:
    if (source is None) == (asked.camera is None):
        hint = "Give a path, bytes, a data URL, a folder of pictures or frames with times, or camera=0."
        raise ClipAccessError("Give either a film or a camera.", hint=hint)
    if given.engines is not None and not hasattr(given.engines, "settings"):
        kind = type(given.engines).__name__
        raise SettingsError(f"engines must be Engines, not {kind}.", hint="Engines(Settings(…))")
    own = {
        "engines": given.engines,
        "stop": given.stop,
        "pictures": given.pictures,
        "baseline": given.baseline,
        "calibrate_s": given.calibrate_s,
        "expressions": given.expressions,
        "body": given.body,
    }
    chosen: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
    chosen["transcript"] = asked.words.transcript
    return ClipContext(clip=source, camera=asked.camera, readings=readings, backlog=Backlog(), **chosen)


def _listeners(on_event: Callable[[ClipEvent], None] | None) -> list[Callable[[ClipEvent], None]]:
    """Return who wants to hear of events: the caller, and the graph whose node or tool made the call, if there is one.

    That graph's stream mode ``custom`` shows them as plain data, without the readings of single frames.
    """
    if on_event is not None and not callable(on_event):
        kind = type(on_event).__name__
        raise SettingsError(f"on_event must be a function of one event, not {kind}.", hint="For example: print")
    found = [on_event] if on_event is not None else []
    try:
        write = get_stream_writer()
    except (RuntimeError, KeyError):  # outside of any graph: no run at all, or one of a tool alone
        return found

    def tell(event: ClipEvent) -> None:
        if not isinstance(event, ReadingEvent):
            write({"tool": "analyze_clip", **event.model_dump(mode="json")})

    return [*found, tell]


def _told(report: object, on_event: Callable[[ClipEvent], None] | None) -> ClipReport:
    """Return the report, and tell the caller of it as the last event."""
    made = _checked(report)
    if on_event is not None:
        on_event(ReportEvent(report=made))
    return made


def _checked(report: object) -> ClipReport:
    if not isinstance(report, ClipReport):
        raise EngineError("The workflow ended without a report.", hint="This is a bug; please tell the maintainers.")
    return report
