"""`ferce scenario`: presets for one use each: list them, show what they hold, run one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ferce_agent.cli.groups import STOPPED, Group
from ferce_agent.cli.options import FILE, chosen_settings, engine_options, use_options
from ferce_agent.cli.output import complain, echo_json, encoding_of, hanging, shown, terminal_width, wants_colour
from ferce_agent.cli.scenario_running import Outputs, Request, SourceFailedError, grouped, perform, read_choices
from ferce_agent.cli.targets import check_files
from ferce_agent.cli.watching import stopping
from ferce_agent.errors import FerceError

if TYPE_CHECKING:
    from ferce_agent.report.scenario import ScenarioReport
    from ferce_agent.scenarios.preset import Preset

COLUMN: Final = 18
"""Where texts begin beside their labels."""


@click.group(cls=Group)
def scenario() -> None:
    """Run presets for one use each: a driver, a screen, an audience, a reviewer, a person's weeks."""


@scenario.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_scenarios(as_json: bool) -> None:
    """List the scenarios, what each reads and what it is for."""
    from ferce_agent.scenarios.preset import presets

    if as_json:
        echo_json([{"name": one.name, "title": one.title, "about": one.about, "takes": one.takes} for one in presets()])
        return
    for one in presets():
        click.echo("\n".join(hanging(f"{one.name:12} ", f"{one.title}. {one.about}", terminal_width(100), 13)))


@scenario.command()
@click.argument("name", metavar="NAME")
@click.option("--json", "as_json", is_flag=True, help="Print the preset as JSON.")
def show(name: str, as_json: bool) -> None:
    """Show what a scenario reads, its options, the rules that hold, and each threshold with its source."""
    from ferce_agent.scenarios.preset import preset

    one = preset(name)
    if as_json:
        echo_json(one.model_dump(mode="json"))
        return
    for label, text in _shown(one):
        click.echo("\n".join(hanging(label, text, terminal_width(100), COLUMN)))


@scenario.command()
@click.argument("name", metavar="NAME")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--camera", type=click.IntRange(0), metavar="N", help="Read this camera instead, 0 for the first.")
@click.option(
    "--set", "choices", multiple=True, metavar="OPTION=VALUE",
    help="An option of the scenario, such as speed_kmh=50; lists as JSON. See: ferce scenario show NAME",
)  # fmt: skip
@click.option(
    "--group", "groups", multiple=True, metavar="NAME=SOURCE",
    help="A source of a group that is compared with others; give it once for each source, or a folder.",
)  # fmt: skip
@click.option("--to", "end_s", type=float, metavar="SECONDS", help="Where to end; for a camera, after how long.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option(
    "--events", "as_events", is_flag=True,
    help="Print what happens while it runs, one line of JSON an event; the last is the report.",
)  # fmt: skip
@click.option(
    "--save", "files", type=FILE, multiple=True, help="Also write the report to this file; its ending names the format."
)
@click.option("--full", is_flag=True, help="Print every number, each limit's source, and what each is not.")
@click.option("--color/--no-color", "colour", default=None, help="Colours or none.  [default: on terminals]")
@use_options
@engine_options
def run(  # noqa: PLR0913  # one parameter per option
    name: str,
    sources: tuple[str, ...],
    camera: int | None,
    choices: tuple[str, ...],
    groups: tuple[str, ...],
    end_s: float | None,
    as_json: bool,
    as_events: bool,
    files: tuple[Path, ...],
    full: bool,
    colour: bool | None,
    use: dict[str, Any],
    chosen: dict[str, Any],
) -> None:
    """Run the scenario NAME on its sources, and print what it found.

    SOURCE is a film, a photo where the scenario takes them, a folder for all that it holds, or for wellbeing the name
    of a kept session. What the rules refuse is not opened.

    Ctrl-C ends the reading; what was read until then is reported. A second one gives up.

    Exit status: 0 it was done (a camera also until Ctrl-C), 1 it was refused, or a source could not be read (standard
    error says which; the others are), 2 the command line makes no sense, 130 stopped with Ctrl-C.
    """
    if as_json and as_events:
        raise click.UsageError("Standard output takes either --json or --events, not both.")
    if camera is not None and (sources or groups):
        raise click.UsageError("Give either sources or --camera N.")
    request = Request(name, sources, camera, grouped(groups), read_choices(choices), end_s, use)
    check_files(files, [*sources, *(one for group in request.groups.values() for one in group)])
    check_endings(files)
    with stopping() as stop:
        outputs = Outputs("events" if as_events else "json" if as_json else "text", stop)
        try:
            report = perform(request, chosen_settings(chosen), outputs)
        except FerceError:
            if stop.is_set():  # stopped before there was anything to report
                raise KeyboardInterrupt from None
            raise
    tell(report, request, outputs, full, colour)
    for file in files:
        report.save(file)
    if stop.is_set() and camera is None:
        click.echo("ferce: stopped; the report is of what was read until then.", err=True)
        click.get_current_context().exit(STOPPED)
    if outputs.failed:
        names = request.names()
        for number, why in outputs.failed.items():
            complain(SourceFailedError(why), names[number])
        sys.exit(1)


def check_endings(files: tuple[Path, ...]) -> None:
    """Check that the files' endings name formats, before anything is read.

    Raises:
        UsageError: One does not.
    """
    from ferce_agent.views.saving import scenario_endings

    known = scenario_endings()
    for file in files:
        if file.suffix.lower() not in known:
            raise click.UsageError(f"{file.name} must end with {', '.join(known)}.")


def tell(report: ScenarioReport, request: Request, outputs: Outputs, full: bool, colour: bool | None) -> None:
    """Print the report, where its events are not printed."""
    if outputs.printed == "json":
        echo_json(report.model_dump(mode="json"))
    if outputs.printed == "text":
        from ferce_agent.views.scenario_text import scenario_text

        coloured = wants_colour(sys.stdout) if colour is None else colour
        text = scenario_text(report, terminal_width(100), coloured, full=full, encoding=encoding_of(sys.stdout))
        click.echo(text, color=coloured, nl=False)
        for line in sources_named(report, request):
            click.echo(line)


def sources_named(report: ScenarioReport, request: Request) -> Iterator[str]:
    """Yield which file each source is that has something to look at; the report itself names none."""
    numbers = sorted({one.source for one in report.alerts})
    if not numbers or len(report.sources) < 2:
        return
    names = request.names()
    for number in numbers:
        yield from hanging(f"Source {number + 1} ", shown(names[number]), terminal_width(100), 13)


def _shown(one: Preset) -> Iterator[tuple[str, str]]:
    """Yield what a preset holds, as labelled texts."""
    from ferce_agent.policy.decide import decide
    from ferce_agent.scenarios.study import study_of
    from ferce_agent.views.rules import decision_lines

    yield one.title, one.about
    for index, text in enumerate(one.is_not):
        yield "Is not" if index == 0 else "", text
    yield "Reads", f"{', '.join(one.takes)}; {'one or several' if one.many else 'one'} at a time"
    if one.settings:
        yield "Settings", ", ".join(f"{name} = {value}" for name, value in one.settings.items())
    told = one.use.told()
    yield "Use", ", ".join(f"{name}: {value}" for name, value in told.items()) or "not said"
    decision = decide(one.use, remote=False, scenario=one.name)
    _, *rules_and_notice = decision_lines(decision)
    yield "Decision", f"{decision.decision}, where nothing more is said of the use"
    yield from rules_and_notice
    for index, (name, text) in enumerate(_options(study_of(one.name).options_type.model_json_schema())):
        yield "Options" if index == 0 else "", f"{name}: {text}"
    for index, (name, limit) in enumerate(one.limits.items()):
        yield "Limits" if index == 0 else "", f"{name} = {limit.value:g} {limit.unit}: {limit.source}"


def _options(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the options of a scenario by name, with what they mean and what holds where they are left out."""
    for name, field in schema.get("properties", {}).items():
        usual = field.get("default")
        told = "" if usual in (None, [], "") else f"  [default: {usual}]"
        yield name, f"{' '.join(field.get('description', '').split())}{told}"
