"""How `ferce watch` reads: what a film is, who takes its events, the bar, Ctrl-C, and the second reading that draws."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Literal

import click

from ferce_agent.cli.output import echo_json, is_terminal
from ferce_agent.cli.results import plain_name
from ferce_agent.cli.targets import stem_of
from ferce_agent.errors import ClipAccessError, ClipFormatError, ClipTooLargeError

if TYPE_CHECKING:
    from types import FrameType

    from ferce_agent.graphs.engines import Engines
    from ferce_agent.report import ClipReport
    from ferce_agent.report.clip_events import ClipEvent, ProgressEvent
    from ferce_agent.views.clip_tables import Writer
    from ferce_agent.views.progress import Display
    from ferce_agent.views.trails import Trails

SHORT_S: Final = 2.0
"""Work that takes less shows no bar."""

Printed = Literal["text", "json", "lines", "csv"]
"""What goes to standard output: text, the report, its events line by line, or the rows of a table."""


@dataclass(frozen=True, slots=True)
class Film:
    """What is read.

    Attributes:
        clip: As given on the command line; None for a camera.
        camera: Number of the camera; None for a film.
        start_s: Where to begin, in seconds; None for its beginning.
        end_s: Where to end; None for its end.
        fps: Most frames a second; None for all.
        sound: Whether its sound is listened to.
        transcript: File with what is said in it; None for none.
        keep_words: Whether the words may stand in the report.
        calibrate_s: How many seconds of the first face are taken as calm; None for none.
    """

    clip: str | None
    camera: int | None
    start_s: float | None
    end_s: float | None
    fps: float | None
    sound: bool = True
    transcript: Path | None = None
    keep_words: bool = False
    calibrate_s: float | None = None

    @property
    def name(self) -> str:
        """What it is called in a table and beside the bar."""
        if self.clip is None:
            return f"camera {self.camera}"
        return "stdin" if self.clip == "-" else plain_name(self.clip)


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is made of it.

    Attributes:
        printed: What goes to standard output.
        html: File for the page.
        csv: File for the rows.
        parquet: File for the rows as Parquet.
        annotated: File for the annotated film.
    """

    printed: Printed
    html: Path | None = None
    csv: Path | None = None
    parquet: Path | None = None
    annotated: Path | None = None

    @property
    def files(self) -> list[Path]:
        """The files that are written."""
        return [file for file in (self.html, self.csv, self.parquet, self.annotated) if file is not None]


@dataclass(slots=True)
class Run:
    """A reading that is under way.

    Attributes:
        film: What is read.
        outputs: What is made of it.
        stop: Set when the reading is to end with what was read so far.
        pictures: A small JPEG of each moment of the report, by its id.
        trails: Where the faces were; None where no film is drawn.
    """

    film: Film
    outputs: Outputs
    stop: threading.Event
    pictures: dict[str, bytes] = field(default_factory=dict)
    trails: Trails | None = None


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Give an event that the first Ctrl-C sets; the second one ends the command as usual."""
    stop = threading.Event()

    def heard(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.signal(signal.SIGINT, heard)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def standard_input() -> bytes | IO[bytes]:
    """Return what is piped into the command: a file that can be wound back as it is, anything else as bytes.

    Raises:
        ClipAccessError: Standard input is closed, a terminal, or cannot be read.
        ClipFormatError: It is empty.
        ClipTooLargeError: It has more bytes than can be kept.
    """
    from ferce_agent.inputs.limits import DEFAULT_CLIP_LIMITS

    stream, hint = sys.stdin, "Pipe a film into it: ferce watch - < film.mp4"
    if stream is None or stream.closed or stream.isatty():
        raise ClipAccessError("There is no film in standard input.", hint=hint)
    try:
        if stream.buffer.seekable():
            return stream.buffer
        data = stream.buffer.read(DEFAULT_CLIP_LIMITS.max_held + 1)
    except (OSError, ValueError) as error:
        raise ClipAccessError("Standard input cannot be read.", hint=hint) from error
    if not data:
        raise ClipFormatError("Standard input is empty.", hint=hint)
    if len(data) > DEFAULT_CLIP_LIMITS.max_held:
        raise ClipTooLargeError("The film in standard input is too large to be kept.", hint="Give it as a file.")
    return data


def read(
    run: Run, source: str | bytes | IO[bytes] | None, engines: Engines, *, micro: bool, landmarks: bool
) -> ClipReport:
    """Read the film; what is written while it is read is whole when this returns, and not there when it fails."""
    from ferce_agent.api import analyze_clip

    with ExitStack() as stack:
        listeners: list[Callable[[ClipEvent], None]] = [Bar(stack, run), *_listeners(stack, run)]

        def on_event(event: ClipEvent) -> None:
            for listener in listeners:
                listener(event)

        stack.enter_context(camera_notice(run.film.camera, run.film.calibrate_s))
        return analyze_clip(
            source,
            camera=run.film.camera,
            start_s=run.film.start_s,
            end_s=run.film.end_s,
            fps=run.film.fps,
            micro=micro,
            landmarks=landmarks,
            sound=run.film.sound,
            transcript=run.film.transcript,
            keep_words=run.film.keep_words,
            calibrate_s=run.film.calibrate_s,
            engines=engines,
            on_event=on_event,
            pictures=run.pictures,
            stop=run.stop,
        )


@contextmanager
def camera_notice(camera: int | None, calm_s: float | None = None) -> Iterator[None]:
    """Say on standard error that a camera is switched on, for how long to keep calm, and that it is off again."""
    if camera is None:
        yield
        return
    calm = f" Keep your face calm for {calm_s:g} s." if calm_s is not None else ""
    click.echo(f"ferce: camera {camera} is switched on; Ctrl-C ends it.{calm}", err=True)
    try:
        yield
    finally:
        click.echo(f"ferce: camera {camera} is off.", err=True)


def _listeners(stack: ExitStack, run: Run) -> Iterator[Callable[[ClipEvent], None]]:
    """Yield who takes the events: lines on standard output, tables, and the places of the faces."""
    from ferce_agent.views.clip_tables import csv_file, csv_writer, parquet_file
    from ferce_agent.views.saving import writing
    from ferce_agent.views.trails import Trails

    outputs, name = run.outputs, run.film.name
    if outputs.printed == "lines":
        yield lambda event: echo_json(event.model_dump(mode="json"), indent=None)
    if outputs.printed == "csv":
        yield _rows(csv_writer(sys.stdout, name), flush=sys.stdout.flush)
    if outputs.csv is not None:
        yield _rows(stack.enter_context(csv_file(stack.enter_context(writing(outputs.csv)), name)))
    if outputs.parquet is not None:
        yield _rows(stack.enter_context(parquet_file(stack.enter_context(writing(outputs.parquet)), name)))
    if outputs.annotated is not None:
        run.trails = Trails()
        yield _rows(run.trails.add)


def _rows(write: Writer, flush: Callable[[], None] | None = None) -> Callable[[ClipEvent], None]:
    """Return a listener that writes the readings among the events, and flushes with each sign of progress."""

    def listen(event: ClipEvent) -> None:
        if event.event == "reading":
            write(event)
        elif event.event == "progress" and flush is not None:
            flush()

    return listen


class Bar:
    """A progress bar on standard error for work that takes longer than `SHORT_S`, with frames a second."""

    def __init__(self, stack: ExitStack, run: Run, verb: str = "") -> None:
        """Begin to measure the time.

        Args:
            stack: Takes the bar away at its end.
            run: The reading.
            verb: What is done, if it is not the reading.
        """
        self._stack, self._began = stack, time.monotonic()
        self._first: tuple[float, int] | None = None
        self._display: Display | None = None
        # Lines of JSON or of a table on the same terminal would break the bar.
        self._silent = run.outputs.printed in {"lines", "csv"} and is_terminal(sys.stdout)
        name = run.film.name if run.film.clip in {None, "-"} else stem_of(str(run.film.clip))
        self._name = f"{name}, {verb}" if verb else name

    def __call__(self, event: ClipEvent) -> None:
        """Take one event; those that tell of progress move the bar."""
        if event.event == "progress":
            self.move(event)

    def move(self, event: ProgressEvent) -> None:
        """Show how far the work is."""
        now = time.monotonic()
        self._first = self._first or (now, event.frames)
        if self._display is None and (self._silent or now - self._began < SHORT_S):
            return
        if self._display is None:
            from ferce_agent.views.progress import Display

            self._display = self._stack.enter_context(Display(event.of, self._name))
        began, before = self._first
        rate = (event.frames - before) / max(now - began, 1e-3)
        done = event.frames if event.of is None else min(event.frames, event.of)
        self._display.show(done, f"{event.frames:,} frames, {rate:.0f} a second: {self._name}")


def draw(report: ClipReport, run: Run, source: str | bytes | IO[bytes], path: Path) -> None:
    """Read the film once more and write it with what was found drawn on it."""
    from ferce_agent.inputs.clip import open_clip
    from ferce_agent.report.clip_events import ProgressEvent
    from ferce_agent.views.annotated_clip import write_annotated

    assert run.trails is not None
    film, of = run.film, report.source.frames
    with ExitStack() as stack:
        bar = Bar(stack, run, "drawing")
        opened = open_clip(source, start_s=film.start_s, end_s=film.end_s, fps=film.fps)
        clip = stack.enter_context(opened)

        def on_frame(time_s: float) -> None:
            bar.move(ProgressEvent(time_s=time_s, frames=clip.frames_read, of=of))

        write_annotated(clip, path, report, run.trails, on_frame)
