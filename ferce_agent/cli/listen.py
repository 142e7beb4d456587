"""`ferce listen`: voice messages in, reports out. Heavy modules are imported when the command runs."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal

import click

from ferce_agent.cli.groups import STOPPED
from ferce_agent.cli.options import FILE, baseline_option, chosen_settings, engine_options, use_options
from ferce_agent.cli.output import complain, echo_json, encoding_of, shown, terminal_width, wants_colour
from ferce_agent.cli.results import plain_name
from ferce_agent.cli.targets import check_files, stem_of, unique_stems
from ferce_agent.cli.watching import SHORT_S, stopping
from ferce_agent.errors import FerceError, SoundAccessError, SoundFormatError, SoundTooLargeError

if TYPE_CHECKING:
    from ferce_agent.graphs.engines import Engines
    from ferce_agent.report.speech import VoiceReport
    from ferce_agent.report.speech_events import SpeechEvent
    from ferce_agent.views.progress import Display

ENDINGS: Final = (".html", ".htm", ".json", ".txt", ".csv")
PIPE: Final = "Pipe a sound into it: ferce listen - < message.ogg"
Form = Literal["text", "json", "lines"]
"""What goes to standard output: text, one report, or one line of JSON a sound."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of every sound.

    Attributes:
        transcript: File with the words.
        words: Whether they are kept.
        context: What is known about the situation.
        start_s: Where to begin.
        end_s: Where to end.
    """

    transcript: Path | None
    words: bool
    context: str | None
    start_s: float | None
    end_s: float | None


@dataclass(slots=True)
class Run:
    """The sounds of one command.

    Attributes:
        engines: Models and settings.
        asked: What is asked of every sound.
        form: What is printed.
        full: Whether every turn is told about.
        colour: Whether to colour the text; None where the terminal can show it.
        stop: Set by Ctrl-C.
        failed: Sounds that could not be read, or of which a file could not be written.
    """

    engines: Engines
    asked: Asked
    form: Form
    full: bool
    colour: bool | None
    stop: threading.Event
    failed: list[str] = field(default_factory=list)


@click.command()
@click.argument("sounds", nargs=-1, required=True, metavar="SOUND...")
@click.option(
    "--json", "as_json", is_flag=True,
    help="Print JSON: of one sound the report; of several one line each, with sound and either report or error.",
)  # fmt: skip
@click.option(
    "--output", "outputs", type=FILE, multiple=True, metavar="FILE",
    help="Also write the report to this file, as its ending says: .html, .json, .txt, or .csv for a row for each turn; "
    "{stem} stands for the sound's name. Repeatable.",
)  # fmt: skip
@click.option(
    "--transcript", type=FILE,
    help="File with what is said: text, SubRip (SRT), WebVTT, or words with times as JSON.",
)  # fmt: skip
@click.option("--words", is_flag=True, help="Keep the words, and the names of who speaks, in the report.")
@click.option("--context", metavar="WORDS", help="What is known about the situation, in plain words.")
@click.option("--from", "start_s", type=float, metavar="SECONDS", help="Where to begin, in seconds of the sound.")
@click.option("--to", "end_s", type=float, metavar="SECONDS", help="Where to end.")
@click.option("--full", is_flag=True, help="Print all turns.")
@click.option("--color/--no-color", "colour", default=None, help="Colours or none.  [default: on terminals]")
@baseline_option
@use_options
@engine_options
def listen(  # noqa: PLR0913  # one parameter per option
    sounds: tuple[str, ...],
    as_json: bool,
    outputs: tuple[Path, ...],
    transcript: Path | None,
    words: bool,
    context: str | None,
    start_s: float | None,
    end_s: float | None,
    full: bool,
    colour: bool | None,
    use: dict[str, Any],
    chosen: dict[str, Any],
) -> None:
    """Listen to voice messages: who speaks when, how it is spoken, and what it sounds like.

    SOUND is an audio file, a film with a sound track, a data URL, or - for standard input. Voices are not identified,
    and words are not kept unless you say so.

    Ctrl-C ends the listening; what was heard until then is reported. A second one gives up.

    Exit status: 0 all sounds were read, 1 one was not or a model is damaged (standard error says which, the others are
    still read), 2 the command line makes no sense, 130 a sound was not heard to its end because of Ctrl-C.
    """
    plans = plan(sounds, outputs, transcript)
    form: Form = "text" if not as_json else "json" if len(sounds) == 1 else "lines"
    asked = Asked(transcript, words, context, start_s, end_s)
    engines = prepare(chosen, use)
    with stopping() as stop:
        run = Run(engines, asked, form, full, colour, stop)
        for sound, files in zip(sounds, plans, strict=True):
            if not stop.is_set():
                _one(sound, files, run, several=len(sounds) > 1)
    if stop.is_set():
        click.echo("ferce: stopped; the report is of what was heard until then.", err=True)
        click.get_current_context().exit(STOPPED)
    if run.failed:
        click.get_current_context().exit(1)


def plan(sounds: Sequence[str], outputs: Sequence[Path], transcript: Path | None) -> list[list[Path]]:
    """Return the files to write for each sound; checked before anything is loaded.

    Raises:
        UsageError: Standard input twice, one transcript for several sounds, an unknown ending, files written twice or
            over an input.
        SettingsError: A file cannot be written there.
    """
    if sounds.count("-") > 1:
        raise click.UsageError("Standard input (-) can be read once only.")
    if len(sounds) > 1 and transcript is not None:
        raise click.UsageError("--transcript goes with one sound.")
    for output in outputs:
        if output.suffix.lower() not in ENDINGS:
            raise click.UsageError(f"--output {output} must end with {', '.join(ENDINGS)}.")
        if len(sounds) > 1 and "{stem}" not in str(output):
            raise click.UsageError("With several sounds, --output needs {stem} in the file name.")
    stems = unique_stems(["sound" if sound == "-" or sound.startswith("data:") else sound for sound in sounds])
    plans = [[Path(str(output).replace("{stem}", stem)) for output in outputs] for stem in stems]
    inputs = [*sounds, *([str(transcript)] if transcript is not None else [])]
    check_files([file for files in plans for file in files], inputs)
    return plans


def prepare(chosen: dict[str, Any], use: dict[str, Any]) -> Engines:
    """Return the models and settings; they are loaded when they are needed.

    Raises:
        InputError: An option has a value that cannot be used, there is no such baseline, or the rules refuse the use.
    """
    from ferce_agent.graphs.engines import Engines
    from ferce_agent.policy.use import read_use

    engines = Engines(chosen_settings(chosen), use=read_use(use))
    engines.permit_sound(None)
    _ = engines.baseline
    return engines


def _one(sound: str, files: Sequence[Path], run: Run, *, several: bool) -> None:
    """Listen to one sound, print its report and write its files; with several, an error is told and kept."""
    try:
        report = hear(sound, run)
        for file in files:
            report.save(file)
        # Printed last: a report whose files cannot be written is told as an error, and not as both.
        _print(sound, report, run, several=several)
    except FerceError as error:
        if not several:
            raise
        run.failed.append(sound)
        complain(error, sound)
        if run.form == "lines":
            echo_json({"sound": plain_name(sound), "error": error.as_dict()}, indent=None)


def hear(sound: str, run: Run) -> VoiceReport:
    """Return the report of one sound, with a bar on standard error if it takes long.

    Raises:
        InputError: It cannot be read.
    """
    from ferce_agent.api import analyze_voice

    asked = run.asked
    with ExitStack() as stack:
        return analyze_voice(
            piped() if sound == "-" else sound,
            transcript=asked.transcript,
            keep_words=asked.words,
            context=asked.context,
            start_s=asked.start_s,
            end_s=asked.end_s,
            engines=run.engines,
            on_event=Bar(stack, sound),
            stop=run.stop,
        )


def piped() -> bytes | IO[bytes]:
    """Return what is piped into the command: a file that can be wound back as it is, anything else as bytes.

    Raises:
        SoundAccessError: Standard input is closed, a terminal, or cannot be read.
        SoundFormatError: It is empty.
        SoundTooLargeError: It has more bytes than can be kept.
    """
    from ferce_agent.inputs.limits import DEFAULT_CLIP_LIMITS

    stream = sys.stdin
    if stream is None or stream.closed or stream.isatty():
        raise SoundAccessError("There is no sound in standard input.", hint=PIPE)
    try:
        if stream.buffer.seekable():
            return stream.buffer
        data = stream.buffer.read(DEFAULT_CLIP_LIMITS.max_held + 1)
    except (OSError, ValueError) as error:
        raise SoundAccessError("Standard input cannot be read.", hint=PIPE) from error
    if not data:
        raise SoundFormatError("Standard input is empty.", hint=PIPE)
    if len(data) > DEFAULT_CLIP_LIMITS.max_held:
        raise SoundTooLargeError("The sound in standard input is too large to be kept.", hint="Give it as a file.")
    return data


class Bar:
    """A progress bar on standard error for work that takes longer than two seconds."""

    def __init__(self, stack: ExitStack, sound: str) -> None:
        """Begin to measure the time.

        Args:
            stack: Takes the bar away at its end.
            sound: As given on the command line.
        """
        self._stack, self._began = stack, time.monotonic()
        self._name = "stdin" if sound == "-" else stem_of(sound)
        self._display: Display | None = None

    def __call__(self, event: SpeechEvent) -> None:
        """Take one event; those that tell of progress move the bar."""
        if event.event != "progress" or (self._display is None and time.monotonic() - self._began < SHORT_S):
            return
        if self._display is None:
            from ferce_agent.views.progress import Display

            self._display = self._stack.enter_context(Display(event.of_s, self._name))
        done = event.time_s if event.of_s is None else min(event.time_s, event.of_s)
        self._display.show(done, f"{event.time_s:,.0f} s heard: {self._name}")


def _print(sound: str, report: VoiceReport, run: Run, *, several: bool) -> None:
    if run.form == "json":
        echo_json(report.model_dump(mode="json"))
    elif run.form == "lines":
        echo_json({"sound": plain_name(sound), "report": report.model_dump(mode="json")}, indent=None)
    else:
        from ferce_agent.views.voice_text import voice_text

        colour = wants_colour(sys.stdout) if run.colour is None else run.colour
        width, encoding = terminal_width(100), encoding_of(sys.stdout)
        heading = f"── {shown(sound)}\n" if several else ""
        click.echo(heading + voice_text(report, width, colour, full=run.full, encoding=encoding), color=colour)
