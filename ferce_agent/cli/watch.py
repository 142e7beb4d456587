"""`ferce watch`: a film or a camera in, one report out. Heavy modules are imported when the command runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import click

from ferce_agent.cli.groups import STOPPED
from ferce_agent.cli.options import FILE, baseline_option, chosen_settings, engine_options, use_options
from ferce_agent.cli.output import echo_json, encoding_of, terminal_width, wants_colour, write_text
from ferce_agent.cli.targets import check_files
from ferce_agent.cli.watching import Film, Outputs, Printed, Run, draw, read, standard_input, stopping

if TYPE_CHECKING:
    from ferce_agent.graphs.engines import Engines
    from ferce_agent.report import ClipReport

STDOUT: Final = Path("-")


@click.command()
@click.argument("clip", required=False, metavar="CLIP")
@click.option("--camera", type=click.IntRange(0), metavar="N", help="Read this camera instead, 0 for the first.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option(
    "--jsonl", "as_lines", is_flag=True,
    help="Print what happens while it is read, one line of JSON an event; the last is the report.",
)  # fmt: skip
@click.option("--html", type=FILE, help="Also write a HTML page to this file.")
@click.option(
    "--csv", "table", type=FILE,
    help="Also write a table to this file, a row for each face in each frame; - prints it instead.",
)  # fmt: skip
@click.option("--parquet", type=FILE, help="Also write this table as Parquet; needs the extra tables.")
@click.option("--annotated", type=FILE, metavar="FILE.mp4", help="Also write the film with boxes and labels, as MP4.")
@click.option("--fps", type=float, help="Read at most so many frames a second.  [default: all]")
@click.option("--from", "start_s", type=float, metavar="SECONDS", help="Where to begin, in seconds of the film.")
@click.option("--to", "end_s", type=float, metavar="SECONDS", help="Where to end; for a camera, after how long.")
@click.option("--micro", is_flag=True, help="Look for possible micro-expressions; from 25 frames a second on.")
@click.option(
    "--landmarks", is_flag=True, help="Measure the eyes with MediaPipe's landmark model, where it is installed."
)
@click.option(
    "--calibrate", "calibrate_s", type=float, metavar="SECONDS",
    help="Take the first face's first seconds (1 to 60) as calm, and read everything against them.",
)  # fmt: skip
@click.option("--sound/--no-sound", default=True, help="Listen to the sound track, or not.  [default: listen]")
@click.option(
    "--transcript", type=FILE, metavar="FILE", help="What is said: a file with text, subtitles, or words with times."
)
@click.option("--words", "keep_words", is_flag=True, help="Keep the words in the report; otherwise only their number.")
@click.option("--full", is_flag=True, help="Print all episodes, moments and gaps.")
@click.option("--color/--no-color", "colour", default=None, help="Colours or none.  [default: on terminals]")
@baseline_option
@use_options
@engine_options
def watch(  # noqa: PLR0913  # one parameter per option
    clip: str | None,
    camera: int | None,
    as_json: bool,
    as_lines: bool,
    html: Path | None,
    table: Path | None,
    parquet: Path | None,
    annotated: Path | None,
    fps: float | None,
    start_s: float | None,
    end_s: float | None,
    micro: bool,
    landmarks: bool,
    calibrate_s: float | None,
    sound: bool,
    transcript: Path | None,
    keep_words: bool,
    full: bool,
    colour: bool | None,
    use: dict[str, Any],
    chosen: dict[str, Any],
) -> None:
    """Read the faces of a film or a camera, and print who shows what from when to when.

    CLIP is a film, an animation, a folder of photos, a data URL, or - for standard input. --jsonl and the tables are
    written while it is read.

    Ctrl-C ends the reading; what was read until then is reported. A second one gives up.

    Exit status: 0 it was read (a camera also until Ctrl-C), 1 it could not be or a model is missing, 2 the command line
    makes no sense, 130 a film was not read to its end because of Ctrl-C.
    """
    printed = printed_form(as_json, as_lines, table)
    film = Film(clip, camera, start_s, end_s, fps, sound, transcript, keep_words, calibrate_s)
    outputs = Outputs(printed, html, None if table == STDOUT else table, parquet, annotated)
    check(film, outputs)
    if calibrate_s is not None and chosen.get("baseline"):
        raise click.UsageError("Give either --baseline or --calibrate: a baseline says what calibrating finds out.")
    engines = prepare(chosen, use)
    source = standard_input() if clip == "-" else clip
    with stopping() as stop:
        run = Run(film, outputs, stop)
        report = read(run, source, engines, micro=micro, landmarks=landmarks)
    tell(report, printed, full, colour)
    write_rest(report, run, source)
    if stop.is_set() and camera is None:
        until = report.source.last_s
        click.echo(f"ferce: stopped at {until:.1f} s; the report is of what was read until then.", err=True)
        click.get_current_context().exit(STOPPED)


def printed_form(as_json: bool, as_lines: bool, table: Path | None) -> Printed:
    """Return what is printed.

    Raises:
        UsageError: More than one thing is to be printed.
    """
    asked: list[tuple[bool, Printed]] = [(as_json, "json"), (as_lines, "lines"), (table == STDOUT, "csv")]
    chosen = [form for wanted, form in asked if wanted]
    if len(chosen) > 1:
        raise click.UsageError("Standard output takes one of --json, --jsonl and --csv -.")
    return chosen[0] if chosen else "text"


def check(film: Film, outputs: Outputs) -> None:
    """Check what can be checked before anything is loaded.

    Raises:
        UsageError: Not exactly one of a film and a camera; files that would be written twice, or that are read.
        SettingsError: A file cannot be written there.
        MissingExtraError: pyarrow is not installed, and Parquet is asked for.
    """
    if (film.clip is None) == (film.camera is None):
        raise click.UsageError("Give either a CLIP or --camera N.")
    if film.camera is not None and outputs.annotated is not None:
        raise click.UsageError("--annotated reads a film twice, which a camera cannot; record it first.")
    if film.camera is not None and film.transcript is not None:
        raise click.UsageError("--transcript is for films; a camera has no sound.")
    if film.camera is not None and film.start_s is not None:
        raise click.UsageError("--from is for films.")
    read_files = [name for name in (film.clip, film.transcript) if name is not None]
    check_files(outputs.files, [str(name) for name in read_files])
    if outputs.parquet is not None:
        from ferce_agent.views.clip_tables import require_parquet

        require_parquet()


def prepare(chosen: dict[str, Any], use: dict[str, Any]) -> Engines:
    """Return the models and settings; they are loaded when they are needed.

    Raises:
        InputError: An option has a value that cannot be used, or the rules refuse the use.
        SetupError: A model is missing.
    """
    from ferce_agent.graphs.engines import Engines
    from ferce_agent.policy.use import read_use

    engines = Engines(chosen_settings(chosen), use=read_use(use))
    engines.permit(None)
    engines.prepare_asking()
    return engines


def tell(report: ClipReport, printed: Printed, full: bool, colour: bool | None) -> None:
    """Print the report, where it is not printed as lines or a table."""
    if printed == "json":
        echo_json(report.model_dump(mode="json"))
    if printed == "text":
        from ferce_agent.views.clip_text import to_clip_text

        shown = wants_colour(sys.stdout) if colour is None else colour
        width, encoding = terminal_width(100), encoding_of(sys.stdout)
        click.echo(to_clip_text(report, width, shown, full=full, encoding=encoding), color=shown, nl=False)


def write_rest(report: ClipReport, run: Run, source: str | bytes | IO[bytes] | None) -> None:
    """Write what needs the whole report: the page and the annotated film.

    Raises:
        SettingsError: A file cannot be written.
        InputError: The film cannot be read a second time.
    """
    if run.outputs.html is not None:
        from ferce_agent.views.clip_page import to_clip_html

        write_text(run.outputs.html, to_clip_html(report, run.pictures))
    if run.outputs.annotated is not None and run.trails is not None and source is not None:
        draw(report, run, source, run.outputs.annotated)
