"""`ferce baseline`: how one person's face and voice are at rest; made, kept sealed, looked at, given out, deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferce_agent.cli.groups import Group
from ferce_agent.cli.options import FILE, chosen_settings, engine_options, use_options
from ferce_agent.cli.output import echo_json, hanging, shown, terminal_width
from ferce_agent.cli.targets import check_files
from ferce_agent.cli.watching import camera_notice, stopping
from ferce_agent.errors import FerceError

if TYPE_CHECKING:
    from ferce_agent.keeping.baselines import KeptBaseline
    from ferce_agent.report.baseline import Baseline
    from ferce_agent.views.progress import Display


@click.group(cls=Group)
def baseline() -> None:
    """Make and keep baselines: how one person's face and voice are at rest."""


@baseline.command()
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@click.option("--camera", type=click.IntRange(0), metavar="N", help="Read this camera instead, 0 for the first.")
@click.option("--name", help="Keep it under this name, sealed.")
@click.option("--out", type=FILE, metavar="FILE.json", help="Write it to this file, unsealed.")
@click.option("--replace", is_flag=True, help="Take the place of a kept one of the same name.")
@click.option(
    "--seconds", type=float, help="How much of each clip or recording is read.  [default: 120; of a camera 5]"
)
@click.option("--sound/--no-sound", default=True, help="Listen to the sound of clips, or not.  [default: listen]")
@click.option("--json", "as_json", is_flag=True, help="Print the baseline as JSON.")
@use_options
@engine_options
def build(  # noqa: PLR0913  # one parameter per option
    sources: tuple[str, ...],
    camera: int | None,
    name: str | None,
    out: Path | None,
    replace: bool,
    seconds: float | None,
    sound: bool,
    as_json: bool,
    use: dict[str, Any],
    chosen: dict[str, Any],
) -> None:
    """Make a baseline of one person: the face calm most of the time, nobody else in the picture.

    SOURCE is a photo, a folder of photos, a clip, or a recording of the person's calm voice. Three to ten photos of
    different days are worth more than one long clip. All speech in a clip is taken to be the person's, unless a
    recording is given too.

    Nothing is kept but what --name or --out says, and only where the person agrees to that. It holds means and errors,
    no picture, and recognises nobody.

    Ctrl-C ends the reading of a camera early; of files it gives up, and nothing is kept.

    Exit status: 0 it was made, 1 it was not (standard error says why), 2 the command line makes no sense.
    """
    from ferce_agent.keeping.baselines import save_baseline, write_plain

    check(sources, camera, out)
    check_places(name, out, replace)
    made = read(sources, camera, {"seconds": seconds, "sound": sound}, (chosen, use))
    if name is not None:
        kept = save_baseline(made, name, replace=replace)
        click.echo(f"ferce: kept as {kept.name}, {sealed_words(kept)}. Use it with: --baseline {kept.name}", err=True)
    if out is not None:
        write_plain(made, out)
        click.echo(f"ferce: written, not sealed: {out}", err=True)
    tell(made, as_json)


def check(sources: tuple[str, ...], camera: int | None, out: Path | None) -> None:
    """Check what can be checked before anything is read.

    Raises:
        UsageError: Not exactly one of sources and a camera, or an input that would be written over.
        SettingsError: The file cannot be written there.
    """
    if bool(sources) == (camera is not None):
        raise click.UsageError("Give either a SOURCE or --camera N.")
    check_files([out] if out is not None else [], sources)


def check_places(name: str | None, out: Path | None, replace: bool) -> None:
    """Check where it is to be kept.

    Raises:
        UsageError: Nowhere.
        SettingsError: The name is none or taken, or the file's name does not tell that it is a baseline's.
    """
    from ferce_agent.keeping.baselines import check_free, check_plain_name, checked_name

    if name is None and out is None:
        raise click.UsageError("Say where it goes: --name NAME keeps it sealed, --out FILE.json writes it as it is.")
    if name is not None and not replace:
        check_free(name)
    elif name is not None:
        checked_name(name)
    if out is not None:
        check_plain_name(out)


def read(
    sources: tuple[str, ...],
    camera: int | None,
    wanted: Mapping[str, Any],
    given: tuple[dict[str, Any], dict[str, Any]],
) -> Baseline:
    """Return the baseline, with a bar on standard error while it is made.

    Args:
        sources: Photos, clips and recordings.
        camera: Number of a camera instead.
        wanted: Further arguments of `build_baseline`.
        given: Settings and use of the command line.

    Raises:
        FerceError: As `build_baseline`.
    """
    from ferce_agent.api import build_baseline
    from ferce_agent.graphs.baseline_runs import CAMERA_S
    from ferce_agent.graphs.engines import Engines
    from ferce_agent.policy.use import read_use
    from ferce_agent.views.progress import Display

    chosen, use = given
    engines = Engines(chosen_settings(chosen), use=read_use(use))
    engines.permit(None)
    with ExitStack() as stack:
        stack.enter_context(camera_notice(camera, wanted["seconds"] or CAMERA_S))
        stop = stack.enter_context(stopping() if camera is not None else nullcontext())
        display = stack.enter_context(Display(len(sources) or 1, "Reading"))
        return build_baseline(
            list(sources) if camera is None else None,
            camera=camera,
            engines=engines,
            on_event=follower(display),
            stop=stop,
            **wanted,
        )


def follower(display: Display) -> Callable[[Mapping[str, Any]], None]:
    """Return what takes the events: the bar moves, and notes are told."""

    def follow(event: Mapping[str, Any]) -> None:
        if "note" in event:
            with display.hidden():
                click.echo(f"ferce: {event['note']}", err=True)
        else:
            display.show(event["done"], "Reading")

    return follow


def tell(made: Baseline, as_json: bool) -> None:
    """Print a baseline as text or JSON."""
    if as_json:
        echo_json(made.model_dump(mode="json"))
        return
    import numpy as np

    from ferce_agent.temporal.baseline import Rest
    from ferce_agent.views.baseline_text import baseline_fields

    for label, text in baseline_fields(made, Rest.of(made, np.zeros(8)).weight):
        echo_lines(hanging(label, text, terminal_width(100), 11))


def echo_lines(lines: Iterable[str]) -> None:
    """Print lines."""
    click.echo("\n".join(lines))


def sealed_words(kept: KeptBaseline) -> str:
    """Return in words how a kept baseline is sealed."""
    if kept.sealed is None:
        return "not readable"
    return "sealed with a passphrase" if kept.sealed == "passphrase" else "sealed with a key file beside it"


@baseline.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """List the kept baselines by name; none is opened, and no passphrase is needed."""
    from ferce_agent.keeping.baselines import list_baselines
    from ferce_agent.keeping.places import kept_folder

    kept = list_baselines()
    if as_json:
        names = [{"name": one.name, "kept_at": one.kept_at.isoformat(), "sealed": one.sealed} for one in kept]
        echo_json(names)
        return
    for one in kept:
        click.echo(f"{one.name:20} {one.kept_at:%Y-%m-%d %H:%M} UTC  {sealed_words(one)}")
    if not kept:
        click.echo(f"ferce: no baseline is kept in {kept_folder()}.", err=True)


@baseline.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the whole of it as JSON.")
def show(name: str, as_json: bool) -> None:
    """Show a kept baseline, or one in a file (FILE.json)."""
    from ferce_agent.keeping.baselines import load_baseline

    tell(load_baseline(name), as_json)


@baseline.command()
@click.argument("name")
@click.argument("file", type=FILE, metavar="FILE.json")
def export(name: str, file: Path) -> None:
    """Write a kept baseline to a file, unsealed, to look at or take elsewhere."""
    from ferce_agent.keeping.baselines import check_plain_name, load_baseline, write_plain

    check_plain_name(file)
    check_files([file], [])
    write_plain(load_baseline(name), file)
    click.echo(f"ferce: written, not sealed: {file}", err=True)


@baseline.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def delete(names: tuple[str, ...]) -> None:
    """Delete kept baselines; nobody can get them back.

    Exit status: 0 all are gone, 1 one was not there or cannot be deleted; the others are gone.
    """
    from ferce_agent.cli.output import complain
    from ferce_agent.keeping.baselines import delete_baseline

    failed = False
    for name in names:
        try:
            delete_baseline(name)
        except FerceError as error:
            complain(error)
            failed = True
        else:
            click.echo(f"ferce: deleted: {shown(name)}", err=True)
    if failed:
        click.get_current_context().exit(1)
