"""`ferce analyze`: photos in, reports out. Heavy modules are imported when the command runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferce_agent.cli.options import FILE, chosen_settings, engine_options, use_options
from ferce_agent.cli.output import complain, terminal_width, write_text
from ferce_agent.cli.photos import open_photo, photo_names
from ferce_agent.errors import InputError, SettingsError

if TYPE_CHECKING:
    from ferce_agent.api import Event
    from ferce_agent.engine import Engines
    from ferce_agent.images import Picture
    from ferce_agent.report import EmotionReport


@click.command()
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO...")
@click.option("--context", help="What is known about the situation, in plain words; @FILE.json for a structured one.")
@click.option(
    "--labels", metavar="WORD,...", help="Words of your own to rank for each face, such as bored,amused,tired."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON (several photos: one line each).")
@click.option("--html", type=FILE, help="Also write a HTML page to this file; {stem} stands for the photo's name.")
@click.option(
    "--emotionml", type=FILE, help="Also write EmotionML 1.0 to this file; {stem} stands for the photo's name."
)
@click.option("--url", "urls", is_flag=True, help="Fetch PHOTOs that are https:// addresses on the public internet.")
@use_options
@engine_options
def analyze(  # noqa: PLR0913  # one parameter per option
    photos: tuple[str, ...],
    context: str | None,
    labels: str | None,
    as_json: bool,
    html: Path | None,
    emotionml: Path | None,
    use: dict[str, Any],
    chosen: dict[str, Any],
) -> None:
    """Analyse one or more photos and print what the faces show.

    PHOTO is a file, a folder (all photos in it), a data URL, - for standard input, or an address with --url.
    """
    from ferce_agent.engine import Engines
    from ferce_agent.policy.use import read_use
    from ferce_agent.views.progress import Display

    photos = tuple(photo_names(photos))
    if len(photos) > 1 and any("{stem}" not in str(target) for target in (html, emotionml) if target):
        raise click.UsageError("With several photos, --html and --emotionml need {stem} in the file name.")
    engines = Engines(chosen_settings(chosen), use=read_use(use))
    engines.permit(None)
    engines.prepare_asking()
    words = engines.prepare_labels(labels.split(",")) if labels else ()
    told = told_by(context)
    failed = 0
    with Display(len(photos), "Reading faces") as display:
        for number, photo in enumerate(photos):

            def follow(event: Event, done: int = number, name: str = stem_of(photo)) -> None:
                display.show(done, f"{name}: {event['stage']} done")

            try:
                picture, report = analyze_one(photo, (told, words), engines, follow)
                write_views(report, picture, stem_of(photo), html, emotionml)
                with display.hidden():
                    click.echo(render(report, as_json, len(photos) > 1, photo))
            except InputError as error:
                failed += 1
                with display.hidden():
                    complain(error, name=stem_of(photo))
    if failed:
        sys.exit(1)


def analyze_one(
    photo: str,
    asked: tuple[str | dict[str, Any] | None, Sequence[str]],
    engines: Engines,
    on_event: Callable[[Event], None],
) -> tuple[Picture, EmotionReport]:
    """Load and analyse one photo; `asked` are the context and the labels."""
    from ferce_agent.api import analyze_expression

    picture = open_photo(photo, urls=engines.settings.urls)
    context, labels = asked
    return picture, analyze_expression(picture, context, labels=labels, engines=engines, on_event=on_event)


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


def stem_of(photo: str) -> str:
    """Return a short name for a photo argument."""
    return "photo" if photo == "-" or photo.startswith("data:") else Path(photo).stem[:100]


def render(report: EmotionReport, as_json: bool, several: bool, photo: str) -> str:
    """Return what is printed for one report."""
    from ferce_agent.views.text import to_text

    if as_json:
        return report.model_dump_json(indent=None if several else 2)
    heading = f"── {stem_of(photo)}\n" if several else ""
    return heading + to_text(report, width=min(terminal_width(), 100), colour=sys.stdout.isatty())


def write_views(report: EmotionReport, picture: Picture, stem: str, html: Path | None, emotionml: Path | None) -> None:
    """Write the files that were asked for.

    Raises:
        SettingsError: A file cannot be written.
    """
    from ferce_agent.views.emotionml import to_emotionml
    from ferce_agent.views.html import to_html

    jobs: list[tuple[Path | None, Callable[[], str]]] = [
        (html, lambda: to_html(report, picture.pixels)),
        (emotionml, lambda: to_emotionml(report)),
    ]
    for target, make in jobs:
        if target is not None:
            write_text(Path(str(target).replace("{stem}", stem)), make())
