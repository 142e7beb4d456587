"""`ferce analyze`: photos in, reports out. Heavy modules are imported when the command runs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ferce_agent.cli.groups import DEBUG, unexpected
from ferce_agent.cli.interrupts import remembered
from ferce_agent.cli.options import FILE, baseline_option, chosen_settings, engine_options, use_options
from ferce_agent.cli.output import write_text
from ferce_agent.cli.photos import open_photo, photo_names
from ferce_agent.cli.results import Form, Results
from ferce_agent.cli.targets import Targets, plan_targets, stem_of
from ferce_agent.errors import FerceError, SettingsError

if TYPE_CHECKING:
    from ferce_agent.api import Event
    from ferce_agent.graphs.engines import Engines
    from ferce_agent.inputs.photo import Picture
    from ferce_agent.report import EmotionReport, VoiceReport
    from ferce_agent.views.progress import Display

STDOUT: Final = Path("-")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about every photo: what is known of the situation, words to rank, the voice that came with it."""

    told: str | dict[str, Any] | None
    words: Sequence[str]
    voice: VoiceReport | None = None


@click.command()
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO...")
@click.option("--context", help="What is known about the situation, in plain words; @FILE.json for a structured one.")
@click.option(
    "--labels", metavar="WORD,...", help="Words of your own to rank for each face, such as bored,amused,tired."
)
@click.option(
    "--voice", metavar="FILE", help="A voice message that came with the one photo; its report is in the photo's."
)
@click.option(
    "--json", "as_json", is_flag=True,
    help=(
        "Print JSON: of one photo the report; of several, or of a folder, one line each, with photo and either "
        "report or error."
    ),
)  # fmt: skip
@click.option("--jsonl", "as_lines", is_flag=True, help="Print such a line even for a single photo.")
@click.option(
    "--csv", "table", type=FILE,
    help="Also write a table to this file, a row for each face and for each photo without one; - prints it instead.",
)  # fmt: skip
@click.option("--html", type=FILE, help="Also write a HTML page to this file; {stem} stands for the photo's name.")
@click.option(
    "--emotionml", type=FILE, help="Also write EmotionML 1.0 to this file; {stem} stands for the photo's name."
)
@click.option(
    "--url", "urls", is_flag=True, default=None, help="Fetch PHOTOs that are https:// addresses on the public internet."
)
@click.option("--full", is_flag=True, help="Print all about everyone, also where many people are shown.")
@click.option("--color/--no-color", "colour", default=None, help="Colours or none.  [default: on terminals]")
@baseline_option
@use_options
@engine_options
def analyze(  # noqa: PLR0913  # one parameter per option
    photos: tuple[str, ...],
    context: str | None,
    labels: str | None,
    voice: str | None,
    as_json: bool,
    as_lines: bool,
    table: Path | None,
    html: Path | None,
    emotionml: Path | None,
    full: bool,
    colour: bool | None,
    use: dict[str, Any],
    chosen: dict[str, Any],
) -> None:
    """Analyse one or more photos and print what the faces show, with a voice message beside a photo if there is one.

    PHOTO is a file, a folder (all photos in it), a data URL, - for standard input, or an address with --url.
    Photos of one name get the name of their folder, or a number, into {stem}.

    Exit status: 0 all photos were read, 1 one was not or a model is missing (standard error says which, the others are
    still read), 2 the command line makes no sense, and nothing was read.
    """
    from ferce_agent.views.progress import Display

    if photos.count("-") > 1:
        raise click.UsageError("Standard input (-) can be read once only.")
    given, photos = photos, tuple(photo_names(photos))
    if voice is not None and len(photos) > 1:
        raise click.UsageError("--voice goes with a single photo.")
    form = form_of(as_json or as_lines, as_lines or len(photos) > 1 or photos != given, table)
    kept = None if table == STDOUT else table
    targets = plan_targets(photos, html, emotionml, kept)
    with remembered() as check, Display(len(photos), "Loading models") as display:
        engines, asked = prepare(chosen, use, context, labels)
        asked = replace(asked, voice=heard(voice, asked, engines))
        results = Results(form, len(photos), kept, full, colour, display.hidden)
        results.begin()
        try:
            for photo, files in zip(photos, targets, strict=True):
                read_one(photo, files, asked, engines, results, display)
                check()
        finally:  # also after Ctrl-C: what was read so far is in the table
            results.finish()
    if results.failed:
        sys.exit(1)


def form_of(as_json: bool, several: bool, table: Path | None) -> Form:
    """Return what is printed.

    Raises:
        UsageError: Both JSON and a table are to be printed.
    """
    if table == STDOUT:
        if as_json:
            raise click.UsageError("Standard output takes either --json or --csv -, not both.")
        return "csv"
    return "text" if not as_json else "lines" if several else "json"


def prepare(
    chosen: dict[str, Any], use: dict[str, Any], context: str | None, labels: str | None
) -> tuple[Engines, Asked]:
    """Check all that concerns every photo and load what it takes.

    Raises:
        InputError: An option has a value that cannot be used, or the rules refuse the use.
        SetupError: A model is missing.
    """
    from ferce_agent.graphs.engines import Engines
    from ferce_agent.policy.use import read_use
    from ferce_agent.specialist.labels import read_labels

    told = told_by(context)
    engines = Engines(chosen_settings(chosen), use=read_use(use))
    engines.permit(None)
    engines.prepare_asking()
    words = engines.pipeline.prepare_labels(read_labels(labels))
    if labels is not None and not words:
        raise SettingsError("--labels names no word.", hint="For example: --labels bored,amused,proud")
    return engines, Asked(told, words)


def heard(voice: str | None, asked: Asked, engines: Engines) -> VoiceReport | None:
    """Return the report of the voice message, if there is one; its words, where a speech recogniser hears them, go.

    Raises:
        InputError: It cannot be used.
    """
    if voice is None:
        return None
    from ferce_agent.api import analyze_voice

    return analyze_voice(voice, context=asked.told, engines=engines)


def read_one(  # noqa: PLR0913  # one parameter per part of the work
    photo: str, files: Targets, asked: Asked, engines: Engines, results: Results, display: Display
) -> None:
    """Analyse one photo, write its files and print it; whatever goes wrong with it is told, and the others go on."""
    from ferce_agent.views.progress import Steps

    steps = Steps(with_model=engines.asker is not None)

    def follow(event: Event) -> None:
        display.show(results.done + results.failed + steps.after(event), f"{stem_of(photo)}: {steps.text}")

    try:
        picture, report = analyze_one(photo, asked, engines, follow)
    except Exception as error:  # one photo must not take the others with it
        results.fail(photo, known(error))
        return
    results.add(photo, report)
    try:
        write_views(report, picture, files)
    except FerceError as error:
        results.warn(photo, error)


def known(error: Exception) -> FerceError:
    """Return the error as one that can be shown.

    An unexpected one is raised where FERCE_DEBUG asks for its traceback.
    """
    if isinstance(error, FerceError):
        return error
    if os.environ.get(DEBUG):
        raise error
    return unexpected(error)


def analyze_one(
    photo: str, asked: Asked, engines: Engines, on_event: Callable[[Event], None]
) -> tuple[Picture, EmotionReport]:
    """Load and analyse one photo."""
    from ferce_agent.api import analyze_expression

    picture = open_photo(photo, urls=engines.settings.urls)
    report = analyze_expression(
        picture, asked.told, labels=asked.words, voice=asked.voice, engines=engines, on_event=on_event
    )
    return picture, report


def told_by(option: str | None) -> str | dict[str, Any] | None:
    """Return the context of the command line: plain words, or what the JSON file after an @ holds.

    Raises:
        SettingsError: The file cannot be read, or is no JSON object.
    """
    if option is None or not option.startswith("@"):
        return option
    try:
        told = json.loads(Path(option[1:]).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"The context file {option[1:]} cannot be read.", hint="Give a JSON file.") from error
    if not isinstance(told, dict):
        raise SettingsError("The context file is no JSON object.", hint="See the fields of Situation in the README.")
    return told


def write_views(report: EmotionReport, picture: Picture, files: Targets) -> None:
    """Write the files that were asked for.

    Raises:
        SettingsError: A file cannot be written.
    """
    from ferce_agent.views.emotionml import to_emotionml
    from ferce_agent.views.html import to_html

    if files.html is not None:
        write_text(files.html, to_html(report, picture.pixels))
    if files.emotionml is not None:
        write_text(files.emotionml, to_emotionml(report))
